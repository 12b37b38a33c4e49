"""What a URL may not be, whoever it leads to."""

from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from modules.kernel.api.errors import error_response


class Utf8UrlMiddleware:
    """Answers 422 to a URL whose percent-encoded octets are not UTF-8 (RFC 3986, 2.5).

    The framework puts U+FFFD in their place, so that two different URLs would ask for the same.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its path and its query can be read."""
        if scope["type"] == "http":
            for part in ("path", "query"):
                raw = scope["raw_path" if part == "path" else "query_string"]
                # Most have nothing encoded in them.
                if b"%" in raw and not _is_utf_8(raw):
                    answer = error_response(HTTPStatus.UNPROCESSABLE_ENTITY, {part: ["must be UTF-8"]})
                    await answer(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _is_utf_8(raw: bytes) -> bool:
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return False
    return True
