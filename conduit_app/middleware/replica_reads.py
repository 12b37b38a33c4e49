"""Reads from the replica, which may lag behind the primary."""

from starlette.types import ASGIApp, Receive, Scope, Send

from modules.kernel.api.authentication import has_authorization
from modules.kernel.infrastructure.persistence.database import Database


class ReplicaReadsMiddleware:
    """An ASGI middleware that allows replica reads for the API's GETs without a token.

    Only clients with a token write, and they always read from the primary: so they read their own
    writes however far the replica lags behind.
    """

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, inside `allow_replica()` for an anonymous read."""
        if self._is_anonymous_read(scope):
            with self._database.allow_replica():
                await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    @staticmethod
    def _is_anonymous_read(scope: Scope) -> bool:
        # Health checks and metrics must read the primary.
        return (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and scope["path"].startswith("/api/")
            and not has_authorization(scope)
        )
