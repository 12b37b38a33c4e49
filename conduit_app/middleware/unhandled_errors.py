"""An answer when the program itself fails."""

from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.kernel.api.errors import error_response

log = structlog.get_logger("conduit.request")


class UnhandledErrorMiddleware:
    """Answers 500 in the one error shape when the program fails, and logs why.

    It sits inside the CORS middleware, so that a browser may read this answer too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer in its place if it fails before it has answered."""
        answered = False

        async def noting(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            if scope["type"] != "http":
                raise
            log.exception("the program failed")
            if answered:
                # Raised further, it would be logged again; the server cuts off an answer without end.
                return
            request_id = structlog.contextvars.get_contextvars().get("request_id")
            problem = f"failed unexpectedly; please report request {request_id}"
            answer = error_response(HTTPStatus.INTERNAL_SERVER_ERROR, {"server": [problem]})
            await answer(scope, receive, send)
