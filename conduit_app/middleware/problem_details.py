"""Errors as RFC 9457 has them, for clients that ask for it by name."""

import json
import re
from http import HTTPStatus
from http.client import responses

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
WEIGHT = re.compile(r"q\s*=\s*([01](?:\.[0-9]*)?)")


class ProblemDetailsMiddleware:
    """Puts errors into the form of RFC 9457 where `Accept` says application/problem+json.

    Everybody else gets the one shape of the RealWorld API; it is there too, as the member `errors`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and put an error that comes back into the other form."""
        if scope["type"] != "http" or not _asked_for(", ".join(Headers(scope=scope).getlist("accept"))):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def rewriting(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_error(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                # A HEAD has no body, and its headers are to be those of the GET: they stay.
                if body:
                    body = _problem(start, body)
                await send(start)
                await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, rewriting)


def _is_error(start: Message) -> bool:
    return start["status"] >= HTTPStatus.BAD_REQUEST and Headers(raw=start["headers"]).get(
        "content-type", ""
    ).startswith(JSON)


def _problem(start: Message, body: bytes) -> bytes:
    answer = json.loads(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("errors"), dict):
        # Not of our shape: a plugin's own, perhaps.
        return body
    errors: dict[str, list[str]] = answer["errors"]
    detail = "; ".join(f"{subject} {problem}" for subject, told in errors.items() for problem in told)
    # 4.2.1: about:blank says no more than the status does, and takes its phrase as the title.
    problem = {
        "type": "about:blank",
        "title": responses.get(start["status"], "Error"),
        "status": start["status"],
        "detail": detail,
        "errors": errors,
    }
    written = json.dumps(problem, ensure_ascii=False, separators=(",", ":")).encode()
    headers = MutableHeaders(scope=start)
    headers["Content-Type"] = PROBLEM_JSON
    headers["Content-Length"] = str(len(written))
    return written


def _asked_for(accept: str) -> bool:
    """Return whether it is named, and no less wanted than plain JSON is (RFC 9110, 12.5.1)."""
    if PROBLEM_JSON not in accept.lower():
        return False
    weights: dict[str, float] = {}
    for wanted in accept.lower().split(","):
        media, *parameters = (part.strip() for part in wanted.split(";"))
        weights[media] = next((_weight(part) for part in parameters if part.startswith("q")), 1.0)
    # Of what fits, the most particular counts.
    plain = next((weights[media] for media in (JSON, "application/*", "*/*") if media in weights), 0.0)
    return weights.get(PROBLEM_JSON, 0.0) > 0 and weights[PROBLEM_JSON] >= plain


def _weight(parameter: str) -> float:
    # What is no weight was meant as something; refusing the whole request for it helps nobody.
    weight = WEIGHT.fullmatch(parameter)
    return float(weight[1]) if weight else 1.0
