"""Which requests may be answered from a replica, which is some moments behind."""

from starlette.types import ASGIApp, Receive, Scope, Send

from modules.kernel.infrastructure.persistence.database import Database


class ReplicaReadsMiddleware:
    """Lets the replica answer the GETs of the API that carry no token.

    Whoever has written has a token, whichever process took the write: so they read what they wrote
    from where they wrote it, however far behind the replica is.
    """

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the replica opened to it if it may be."""
        if self._is_nobodys_read(scope):
            with self._database.allow_replica():
                await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    @staticmethod
    def _is_nobodys_read(scope: Scope) -> bool:
        # The probes ask about the database itself.
        return (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and scope["path"].startswith("/api/")
            and all(name != b"authorization" for name, _ in scope["headers"])
        )
