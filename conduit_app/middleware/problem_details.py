"""Problem details (RFC 9457), for clients that accept application/problem+json."""

import json
import re
from http import HTTPStatus
from http.client import responses

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
QUALITY = re.compile(r"q\s*=\s*([01](?:\.[0-9]*)?)")


class ProblemDetailsMiddleware:
    """An ASGI middleware that converts errors to RFC 9457 if `Accept` names application/problem+json.

    Other clients get the error shape of the RealWorld API, which is also the member `errors` here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and convert its response if that is an error."""
        if scope["type"] != "http" or not _prefers_problem_json(_accept(scope)):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def send_problem(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_error(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                # The response to a HEAD has no body, and its headers must be those of the GET.
                if body:
                    body = _problem(start, body)
                await send(start)
                await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, send_problem)


def _is_error(start: Message) -> bool:
    return start["status"] >= HTTPStatus.BAD_REQUEST and Headers(raw=start["headers"]).get(
        "content-type", ""
    ).startswith(JSON)


def _problem(start: Message, body: bytes) -> bytes:
    content = json.loads(body)
    if not isinstance(content, dict) or not isinstance(content.get("errors"), dict):
        # A plugin's own shape.
        return body
    errors: dict[str, list[str]] = content["errors"]
    detail = "; ".join(f"{subject} {problem}" for subject, problems in errors.items() for problem in problems)
    # 4.2.1: with about:blank, the title is the phrase of the status.
    problem = {
        "type": "about:blank",
        "title": responses.get(start["status"], "Error"),
        "status": start["status"],
        "detail": detail,
        "errors": errors,
    }
    problem_body = json.dumps(problem, ensure_ascii=False, separators=(",", ":")).encode()
    headers = MutableHeaders(scope=start)
    headers["Content-Type"] = PROBLEM_JSON
    headers["Content-Length"] = str(len(problem_body))
    return problem_body


def _accept(scope: Scope) -> str:
    values = [value for name, value in scope["headers"] if name == b"accept"]
    return b", ".join(values).decode("latin-1")


def _prefers_problem_json(accept: str) -> bool:
    """Return whether problem+json is named, with at least the quality of plain JSON (RFC 9110, 12.5.1)."""
    if PROBLEM_JSON not in accept.lower():
        return False
    qualities: dict[str, float] = {}
    for media_range in accept.lower().split(","):
        media, *parameters = (part.strip() for part in media_range.split(";"))
        qualities[media] = next((_quality(part) for part in parameters if part.startswith("q")), 1.0)
    # The most specific media range applies.
    plain = next((qualities[media] for media in (JSON, "application/*", "*/*") if media in qualities), 0.0)
    return qualities.get(PROBLEM_JSON, 0.0) > 0 and qualities[PROBLEM_JSON] >= plain


def _quality(parameter: str) -> float:
    # Lenient: a malformed quality counts as 1 instead of failing the request.
    quality = QUALITY.fullmatch(parameter)
    return float(quality[1]) if quality else 1.0
