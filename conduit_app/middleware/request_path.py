"""The path of a request, as all other middleware and the routes expect it."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

SLASHES = re.compile("/{2,}")


class RequestPathMiddleware:
    """An ASGI middleware that replaces repeated slashes in the path by one.

    Frontends join a base URL that ends with a slash and a path that begins with one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application with the path; `raw_path` stays as received."""
        if scope["type"] == "http" and "//" in scope["path"]:
            scope["path"] = SLASHES.sub("/", scope["path"])
        await self._app(scope, receive, send)
