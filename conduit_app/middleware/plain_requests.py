"""The middleware that only some requests need."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from conduit_app.middleware.problem_details import PROBLEM_JSON

# Of a body, and of a page of another origin.
SPECIAL_HEADERS = frozenset({b"content-length", b"transfer-encoding", b"content-encoding", b"origin"})
ACCEPT = b"accept"
RAW_PROBLEM_JSON = PROBLEM_JSON.encode()


class PlainRequestMiddleware:
    """An ASGI middleware that calls one stack of others for plain requests, and another one for all others.

    A plain request is a GET without a body, an `Origin`, a percent sign in its URL, or an `Accept` that names
    problem details. Most are: one look at the head costs less than a call of each middleware.
    """

    def __init__(self, app: ASGIApp, plain: Sequence[Middleware], others: Sequence[Middleware]) -> None:
        self._plain = _wrapped(app, plain)
        self._others = _wrapped(app, others)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application in the stack for this request."""
        application = self._plain if _is_plain(scope) else self._others
        await application(scope, receive, send)


def _wrapped(app: ASGIApp, middleware: Sequence[Middleware]) -> ASGIApp:
    for one in reversed(middleware):
        app = one.cls(app, *one.args, **one.kwargs)
    return app


def _is_plain(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    if b"%" in scope["raw_path"] or b"%" in scope["query_string"]:
        return False
    for name, value in scope["headers"]:
        if name in SPECIAL_HEADERS or (name == ACCEPT and RAW_PROBLEM_JSON in value.lower()):
            return False
    return True
