"""Load shedding: the response when the process is at its request limit."""

from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from modules.kernel.api.errors import error_response

OVERLOADED = "conduit.overloaded"
"""The key of the ASGI scope that `conduit_app.server` sets when the request limit is reached."""

PROBLEM = {"service": ["is busy, try again"]}
RETRY_AFTER_SECONDS = 1


class OverloadMiddleware:
    """Returns 503 with Retry-After when the process is at its request limit.

    Inside the request log and CORS middleware, so that the response is logged and readable from other
    origins.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, unless the request is marked `OVERLOADED`."""
        if OVERLOADED not in scope:
            await self._app(scope, receive, send)
            return
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS), "Connection": "close"}
        response = error_response(HTTPStatus.SERVICE_UNAVAILABLE, PROBLEM, headers)
        await response(scope, receive, send)
