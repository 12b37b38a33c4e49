"""The largest request body that is read."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.kernel.api.errors import error_response


class BodyLimitMiddleware:
    """Answers 413 to a body that is too large: at once when it says so, else when it turns out so.

    Starlette's own limiter does the same, but answers in plain text where no handler reads the body.
    """

    def __init__(self, app: ASGIApp, max_size: int) -> None:
        self._app = app
        self._at_most = max_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what is read of its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared[:20]) > self._at_most:
            answer = error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"body": ["is too large"]})
            await answer(scope, receive, send)
            return
        read = 0

        async def counting() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._at_most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, counting, send)
