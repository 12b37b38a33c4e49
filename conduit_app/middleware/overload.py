"""What is answered when too many requests are being answered already."""

from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from modules.kernel.api.errors import error_response

OVERLOADED = "conduit.busy"
"""Where a request's ASGI scope says that it came as one too many: `conduit_app.server` counts them."""

PROBLEM = {"service": ["is busy, try again"]}
RETRY_AFTER_SECONDS = 1


class OverloadMiddleware:
    """Answers 503 to a request that came as one too many, and says when to come back.

    Inside of what answers everybody: so it is logged, and pages of other origins may read it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is one too many."""
        if OVERLOADED not in scope:
            await self._app(scope, receive, send)
            return
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS), "Connection": "close"}
        answer = error_response(HTTPStatus.SERVICE_UNAVAILABLE, PROBLEM, headers)
        await answer(scope, receive, send)
