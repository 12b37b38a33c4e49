"""The limits on the sizes of request bodies."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_app.middleware.overload import BUSY_HEADERS, PROBLEM
from modules.kernel.api.errors import error_response


class BodyLimitMiddleware:
    """An ASGI middleware that calls the application when the request is complete.

    A body larger than `max_size` bytes gets 413: from its Content-Length if there is one, or while it is
    read. A body that would exceed the `max_total_size` bytes of all bodies in memory gets 503.
    """

    def __init__(self, app: ASGIApp, max_size: int, max_total_size: int) -> None:
        self._app = app
        self._max_size = max_size
        self._max_total_size = max_total_size
        self._total_size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, and call the application with a `receive` that returns it at once."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared[:20]) > self._max_size:
            await _too_large(scope, receive, send)
            return
        body = bytearray()
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                part = message.get("body", b"")
                self._total_size += len(part)
                body += part
                if len(body) > self._max_size:
                    await _too_large(scope, receive, send)
                    return
                if self._total_size > self._max_total_size:
                    busy = error_response(HTTPStatus.SERVICE_UNAVAILABLE, PROBLEM, BUSY_HEADERS)
                    await busy(scope, receive, send)
                    return
                if not message.get("more_body", False):
                    break
            await self._app(scope, _replayed(bytes(body), receive), send)
        finally:
            self._total_size -= len(body)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    response = error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"body": ["is too large"]})
    await response(scope, receive, send)


def _replayed(body: bytes, receive: Receive) -> Receive:
    is_read = False

    async def receive_body_first() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_body_first
