"""The path of a request: below the root path for the middleware, with it for the routes."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

SLASHES = re.compile("/{2,}")


class RequestPathMiddleware:
    """An ASGI middleware that replaces repeated slashes in the path by one, and removes the root path.

    Frontends join a base URL that ends with a slash and a path that begins with one. Some reverse proxies
    remove the root path themselves.
    """

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application with the path; `raw_path` stays as received."""
        if scope["type"] == "http":
            path = scope["path"]
            if "//" in path:
                path = SLASHES.sub("/", path)
            if f"{path}/".startswith(f"{self._root_path}/"):
                path = path[len(self._root_path) :] or "/"
            scope["path"] = path
        await self._app(scope, receive, send)


class RootPathMiddleware:
    """An ASGI middleware that adds the root path to the scope: the routes expect `path` to begin with it.

    https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the routes."""
        if scope["type"] == "http":
            scope["root_path"] = self._root_path
            scope["path"] = self._root_path + scope["path"]
        await self._app(scope, receive, send)
