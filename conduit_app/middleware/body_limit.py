"""The limit on the size of a request body."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.kernel.api.errors import error_response


class BodyLimitMiddleware:
    """An ASGI middleware that returns 413 for a body larger than `max_size` bytes.

    It checks Content-Length first, then counts the bytes that are read. Starlette's own limiter returns
    plain text where no endpoint reads the body.
    """

    def __init__(self, app: ASGIApp, max_size: int) -> None:
        self._app = app
        self._max_size = max_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application with a `receive` that counts the bytes of the body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared[:20]) > self._max_size:
            response = error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"body": ["is too large"]})
            await response(scope, receive, send)
            return
        size = 0

        async def receive_limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._max_size:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, receive_limited, send)
