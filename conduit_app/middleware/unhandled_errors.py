"""The response to an unhandled exception."""

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_app.served_route import ServedRoute
from modules.kernel.api.errors import error_response

log = structlog.get_logger("conduit.request")


class UnhandledErrorMiddleware:
    """An ASGI middleware that logs an unhandled exception and returns a 500 in the API's error shape.

    Inside the CORS middleware, so that pages of other origins can read the response. The log names
    the owner of the route, which `routes` has by endpoint.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[object, ServedRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; send a 500 if it fails before its response has started."""
        response_started = False

        async def send_and_note_start(message: Message) -> None:
            nonlocal response_started
            response_started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note_start)
        except Exception:
            if scope["type"] != "http":
                raise
            route = self._routes.get(scope.get("endpoint"))
            owner = {"owner": route.owner} if route and route.owner else {}
            log.exception("unhandled exception", **owner)
            if response_started:
                # Not raised: it would be logged again. The server disconnects on an incomplete response.
                return
            request_id = structlog.contextvars.get_contextvars().get("request_id")
            problem = f"failed unexpectedly; please report request {request_id}"
            response = error_response(HTTPStatus.INTERNAL_SERVER_ERROR, {"server": [problem]})
            await response(scope, receive, send)
