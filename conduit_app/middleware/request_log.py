"""Around every request: its id and one log line."""

import re
import time
import uuid
from collections.abc import Callable, Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "X-Request-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")

OnResponse = Callable[[str, str, str | None, int, float], None]
"""Told the method, the route's template, its module if it has one, the status and the seconds it took."""

log = structlog.get_logger("conduit.request")


class RequestLogMiddleware:
    """Gives each request an id, or keeps the caller's, and logs one line when it is answered.

    `routes` says of an endpoint what its path's template is, and which module it belongs to; `answered`
    is told of every request.
    """

    def __init__(
        self, app: ASGIApp, routes: Mapping[object, tuple[str, str]], on_response: OnResponse
    ) -> None:
        self._app = app
        self._routes = routes
        self._on_response = on_response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and say what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            route, module = self._route(scope)
            seconds = time.perf_counter() - started
            self._on_response(scope["method"], route, module, status, seconds)
            log.info(
                "request",
                method=scope["method"],
                route=route,
                module=module,
                status=status,
                milliseconds=round(seconds * 1000, 1),
            )

    def _route(self, scope: Scope) -> tuple[str, str | None]:
        # The template, not the path: lines of one route are counted together.
        if found := self._routes.get(scope.get("endpoint")):
            return found
        # As it was sent, percent-encoded: nothing in it can end a log line and begin another.
        return scope["raw_path"][:200].decode("ascii", "backslashreplace"), None


def _request_id(scope: Scope) -> str:
    offered = Headers(scope=scope).get(REQUEST_ID, "")
    return offered if WELL_FORMED.fullmatch(offered) else uuid.uuid4().hex
