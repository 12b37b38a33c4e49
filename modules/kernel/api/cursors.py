"""Keyset pagination: signed cursors and the `Link: rel="next"` header (RFC 8288)."""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import Query, Request, Response
from pydantic import WithJsonSchema

from modules.kernel.api.fields import Limit, Offset, OptionalLimit
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.pagination import DEFAULT_LIMIT, MAX_LIMIT, PageRequest, Position

SIGNING_CONTEXT = b"conduit cursor\0"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds since the epoch, the resolution of stored times, and an id.
POSITION_FORMAT = struct.Struct(">qq")
# Half of SHA-256, the shortest truncation that RFC 2104, 5 allows.
SIGNATURE_SIZE = 16

Cursor = Annotated[
    str | None,
    # Not nullable, and not absent when empty: a client that lost it would read the first page again.
    WithJsonSchema({"type": "string"}),
    Query(description='Cursor from the previous page\'s `Link: rel="next"`.'),
]

NEXT_LINK: dict[int | str, dict[str, Any]] = {
    int(HTTPStatus.OK): {
        "headers": {
            "Link": {
                "description": 'The next page, if there is one: `<?...>; rel="next"` (RFC 8288), relative to '
                "the URL of the request.",
                "schema": {"type": "string"},
            }
        }
    }
}
"""The OpenAPI documentation of the `Link` header, for `responses=` of a paginated operation."""


class InvalidCursor(Invalid):
    """The cursor was not encoded for this list."""

    subject = "cursor"
    problem = "is not valid for this list"


class OffsetAndCursor(Invalid):
    """A request has both an offset and a cursor."""

    subject = "offset"
    problem = "cannot be used with a cursor"


class _ListScope(NamedTuple):
    """The list that a cursor is valid for: its path and the filters in the query."""

    path: str
    filters: str

    @classmethod
    def of(cls, request: Request, filters: Sequence[str]) -> "_ListScope":
        query = request.query_params if filters and request.scope["query_string"] else {}
        # An empty filter is none.
        present = [(name, query[name]) for name in filters if query.get(name)]
        return cls(quote(request.scope["path"]), urlencode(present) if present else "")

    @property
    def name(self) -> str:
        return f"{self.path}?{self.filters}"

    def after(self, cursor: str, limit: int) -> str:
        """Return the query of the page after the cursor."""
        # Both are safe in a URL.
        return f"{self.filters}{'&' if self.filters else ''}limit={limit}&cursor={cursor}"


@dataclass(frozen=True, slots=True)
class Pagination:
    """The page request of an HTTP request, and the `Link` header of its response."""

    page: PageRequest
    _request: Request
    _filters: Sequence[str]
    _cursors: "CursorPagination"

    def set_next_link(self, response: Response, position: Position | None) -> None:
        """Set the response's `Link` header to the page after `position`, if there is one."""
        if position is None:
            return
        scope = _ListScope.of(self._request, self._filters)
        cursor = self._cursors.encode(position, scope.name)
        # Relative to the URL of the request (RFC 3986, 5.2.2), of which a proxy may change host and path.
        limit = min(self.page.limit, MAX_LIMIT)
        link = f'<?{scope.after(cursor, limit)}>; rel="next"'
        response.raw_headers.append((b"link", link.encode()))


class CursorPagination:
    """Encodes positions as signed cursors, and rejects every cursor that it did not encode.

    A cursor is valid for one list with its filters, for any caller and any limit. The first signing
    key signs; all of them verify. A cursor contains a time and an id, and is not secret.
    """

    def __init__(self, signing_keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in signing_keys]

    def params(self, *filters: str) -> Callable[..., Awaitable[Pagination]]:
        """Return a dependency: the pagination of a list with these filters. It raises `Invalid`."""

        async def pagination(
            request: Request,
            limit: Limit = DEFAULT_LIMIT,
            offset: Offset = 0,
            cursor: Cursor = None,
        ) -> Pagination:
            if offset and cursor is not None:
                raise OffsetAndCursor
            return self._pagination(request, filters, PageRequest(limit, offset), cursor)

        return pagination

    def params_with_default(self, default: PageRequest) -> Callable[..., Awaitable[Pagination]]:
        """Return a dependency: the pagination of a list whose page without a limit is `default`.

        It raises `InvalidCursor`.
        """

        async def pagination(
            request: Request, limit: OptionalLimit = None, cursor: Cursor = None
        ) -> Pagination:
            page = default if limit is None else PageRequest(limit)
            return self._pagination(request, (), page, cursor)

        return pagination

    def _pagination(
        self, request: Request, filters: Sequence[str], page: PageRequest, cursor: str | None
    ) -> Pagination:
        if cursor is not None:
            page = replace(page, after=self.decode(cursor, _ListScope.of(request, filters).name))
        return Pagination(page, request, filters, self)

    def encode(self, position: Position, scope: str) -> str:
        """Return the position in this list as a URL-safe cursor."""
        packed = POSITION_FORMAT.pack((position.at - EPOCH) // timedelta(microseconds=1), position.id)
        return _signed(packed, scope, self._keys[0])

    def decode(self, cursor: str, scope: str) -> Position:
        """Return the position; raise `InvalidCursor` if the cursor was not encoded for this list."""
        try:
            packed = urlsafe_b64decode(cursor + "=")[: POSITION_FORMAT.size]
            microseconds, id_ = POSITION_FORMAT.unpack(packed)
        except (ValueError, struct.error) as error:
            raise InvalidCursor from error
        # The whole text is compared: base64 has several spellings of the same bytes.
        if not any(
            hmac.compare_digest(_signed(packed, scope, key).encode(), cursor.encode()) for key in self._keys
        ):
            raise InvalidCursor
        return Position(EPOCH + timedelta(microseconds=microseconds), id_)


def _signed(packed: bytes, scope: str, key: bytes) -> str:
    signature = hmac.digest(key, SIGNING_CONTEXT + scope.encode() + b"\0" + packed, "sha256")[:SIGNATURE_SIZE]
    return urlsafe_b64encode(packed + signature).decode().rstrip("=")
