"""Calls of endpoints without FastAPI."""

from collections.abc import Iterable

from fastapi import Response
from fastapi.routing import RouteContext
from starlette.types import ASGIApp, Receive, Scope, Send

from conduit_app.middleware.body_limit import replayed
from conduit_app.route_table import RouteTable
from modules.kernel.api.errors import error_handler
from modules.kernel.api.resolved_calls import UnusualRequest
from modules.kernel.api.strict_json import StrictJsonRequest


class DirectRouteMiddleware:
    """An ASGI middleware that calls the endpoints of modules itself.

    FastAPI's own layers take as long as a use case. What only they can do, and every invalid request, is left
    to them, which are `app`.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[RouteContext]) -> None:
        self._app = app
        self._table = RouteTable(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response of the endpoint, or call FastAPI."""
        found = self._table.find(scope) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        direct, added = found
        scope.update(added)
        request = direct.request_class(scope, receive, send)
        response: Response | None = None
        try:
            response = await direct.handle(request)
        except UnusualRequest:
            # FastAPI is not called here: the exception holds an invalid body in memory.
            pass
        except Exception as error:
            handle = error_handler(error)
            if handle is None:
                raise
            response = await handle(request, error)
        if response is not None:
            await response(scope, receive, send)
            return
        if isinstance(request, StrictJsonRequest):
            receive = replayed(await request.body(), receive)
        await self._app(scope, receive, send)
