"""The check of a request's content coding."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from modules.kernel.api.errors import error_response

IDENTITY = "identity"


class ContentCodingMiddleware:
    """An ASGI middleware that returns 415 for a request with a `Content-Encoding`.

    Its `Accept-Encoding` says that there is no coding (RFC 9110, 12.5.3 and 15.5.16).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, unless the request has a content coding."""
        if scope["type"] == "http":
            codings = ",".join(Headers(scope=scope).getlist("content-encoding")).split(",")
            if any(coding.strip().lower() not in {"", IDENTITY} for coding in codings):
                response = error_response(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    {"content-encoding": ["is not supported"]},
                    {"Accept-Encoding": IDENTITY},
                )
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
