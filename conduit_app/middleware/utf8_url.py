"""The check of a URL's encoding."""

from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from modules.kernel.api.errors import error_response


class Utf8UrlMiddleware:
    """An ASGI middleware that returns 422 for percent-encoded bytes that are not UTF-8 (RFC 3986, 2.5).

    The framework would replace them by U+FFFD, so that different URLs would name one resource.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application if the path and the query string are UTF-8."""
        if scope["type"] == "http":
            for part in ("path", "query"):
                raw = scope["raw_path" if part == "path" else "query_string"]
                # Without a "%" nothing is encoded: skips the check for most requests.
                if b"%" in raw and not _is_utf_8(raw):
                    response = error_response(HTTPStatus.UNPROCESSABLE_ENTITY, {part: ["must be UTF-8"]})
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _is_utf_8(raw: bytes) -> bool:
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return False
    return True
