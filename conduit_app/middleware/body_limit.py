"""The limits on the sizes and the coding of request bodies."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_app.middleware.overload import BUSY_HEADERS, PROBLEM
from modules.kernel.api.errors import error_response

IDENTITY = "identity"


class BodyLimitMiddleware:
    """An ASGI middleware that calls the application when the request is complete.

    A body larger than `max_size` bytes gets 413: from its Content-Length if there is one, or while it is
    read. A body that would exceed the `max_total_size` bytes of all bodies in memory gets 503, and one
    with a content coding 415, with an `Accept-Encoding` that names none (RFC 9110, 12.5.3 and 15.5.16).
    """

    def __init__(self, app: ASGIApp, max_size: int, max_total_size: int) -> None:
        self._app = app
        self._max_size = max_size
        self._max_total_size = max_total_size
        self._total_size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, and call the application with a `receive` that returns it at once."""
        has_body = False
        if scope["type"] == "http":
            for name, value in scope["headers"]:
                if name == b"content-encoding" and not _is_identity(value):
                    await _unsupported_coding(scope, receive, send)
                    return
                if name == b"content-length" and value.isdigit() and int(value[:20]) > self._max_size:
                    await _too_large(scope, receive, send)
                    return
                # RFC 9112, 6.3: without one of these, there is no body.
                has_body |= name in {b"content-length", b"transfer-encoding"}
        if has_body:
            await self._read_and_call(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _read_and_call(self, scope: Scope, receive: Receive, send: Send) -> None:
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
            await self._app(scope, replayed(bytes(body), receive), send)
        finally:
            self._total_size -= len(body)


def _is_identity(codings: bytes) -> bool:
    return all(coding.strip().lower() in {"", IDENTITY} for coding in codings.decode("latin-1").split(","))


async def _unsupported_coding(scope: Scope, receive: Receive, send: Send) -> None:
    response = error_response(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        {"content-encoding": ["is not supported"]},
        {"Accept-Encoding": IDENTITY},
    )
    await response(scope, receive, send)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    response = error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"body": ["is too large"]})
    await response(scope, receive, send)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that returns a body that was read, and then what `receive` returns."""
    is_read = False

    async def receive_body_first() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_body_first
