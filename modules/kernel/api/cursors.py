"""Pages that follow each other by a position and not by a number (RFC 8288: `Link: rel="next"`)."""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Query, Request, Response

from modules.kernel.api.fields import Limit, Offset, OptionalLimit, QueryText
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.pagination import DEFAULT_LIMIT, PageRequest, Position

SIGNING_CONTEXT = b"conduit cursor\0"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds since the epoch, which is as exact as stored times are, and an id.
POSITION_FORMAT = struct.Struct(">qq")
# Half of SHA-256: RFC 2104, 5, and far more than anybody can try.
SIGNATURE_SIZE = 16

Cursor = Annotated[
    QueryText,
    Query(description='Where the page before ended: a part of the URL that its `Link: rel="next"` gave.'),
]

NEXT_LINK: dict[int | str, dict[str, Any]] = {
    int(HTTPStatus.OK): {
        "headers": {
            "Link": {
                "description": 'The next page, if there is one: `<...>; rel="next"` (RFC 8288).',
                "schema": {"type": "string"},
            }
        }
    }
}
"""The documentation of an operation whose answers name the next page."""


class InvalidCursor(Invalid):
    """It was not given out for this list."""

    subject = "cursor"
    problem = "is not one that this list gave"


class OffsetAndCursor(Invalid):
    """A page begins after so many rows, or at a position."""

    subject = "offset"
    problem = "cannot be used with a cursor"


@dataclass(frozen=True, slots=True)
class _ListScope:
    """One list: its path, and the filters that it has and was asked with. Nothing else of a query counts."""

    path: str
    filters: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, request: Request, filters: Sequence[str]) -> "_ListScope":
        present = [(name, request.query_params[name]) for name in filters if name in request.query_params]
        return cls(quote(request.scope["path"]), present)

    @property
    def name(self) -> str:
        return f"{self.path}?{urlencode(self.filters)}"

    def after(self, cursor: str, limit: int) -> str:
        return f"{self.path}?{urlencode([*self.filters, ('limit', limit), ('cursor', cursor)])}"


@dataclass(frozen=True, slots=True)
class Pagination:
    """The page that a request asks for. Its answer can name the next one."""

    page: PageRequest
    _list: _ListScope
    _response: Response
    _cursors: "CursorPagination"

    def set_next_link(self, position: Position | None) -> None:
        """Say in the answer's headers where the next page is, if there is one."""
        if position is None:
            return
        cursor = self._cursors.encode(position, self._list.name)
        # Relative, because which host a caller knows Conduit by is the proxy's affair.
        self._response.headers["Link"] = f'<{self._list.after(cursor, self.page.limit)}>; rel="next"'


class CursorPagination:
    """Writes positions as texts that callers give back, and refuses what it did not write.

    A cursor is good for one list, with its filters, whoever asks and how ever much for. It is sealed
    with the signing keys, of which the first seals. It holds a time and an id, and is no secret.
    """

    def __init__(self, signing_keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in signing_keys]

    def params(self, *filters: str) -> Callable[..., Awaitable[Pagination]]:
        """Return a dependency: the page that a request asks for, of a list that has these filters.

        It raises `Invalid` of any kind.
        """

        async def page(
            request: Request,
            response: Response,
            limit: Limit = DEFAULT_LIMIT,
            offset: Offset = 0,
            cursor: Cursor = None,
        ) -> Pagination:
            if offset and cursor is not None:
                raise OffsetAndCursor
            return self._pagination(
                _ListScope.of(request, filters), response, PageRequest(limit, offset), cursor
            )

        return page

    async def optional_params(
        self, request: Request, response: Response, limit: OptionalLimit = None, cursor: Cursor = None
    ) -> Pagination | None:
        """Return the page that a request asks for, or None if it asks for all: a dependency.

        Raises `InvalidCursor`.
        """
        if limit is None and cursor is None:
            return None
        page = PageRequest(DEFAULT_LIMIT if limit is None else limit)
        return self._pagination(_ListScope.of(request, ()), response, page, cursor)

    def _pagination(
        self, of: _ListScope, response: Response, page: PageRequest, cursor: str | None
    ) -> Pagination:
        if cursor is not None:
            page = PageRequest(page.limit, after=self.decode(cursor, of.name))
        return Pagination(page, of, response, self)

    def encode(self, position: Position, of: str) -> str:
        """Return the position in this list as a text that is safe in a URL."""
        packed = POSITION_FORMAT.pack((position.at - EPOCH) // timedelta(microseconds=1), position.id)
        return _signed(packed, of, self._keys[0])

    def decode(self, cursor: str, of: str) -> Position:
        """Return the position; raise `InvalidCursor` if it was not written for this list."""
        try:
            packed = urlsafe_b64decode(cursor + "=")[: POSITION_FORMAT.size]
            microseconds, id_ = POSITION_FORMAT.unpack(packed)
        except (ValueError, struct.error) as error:
            raise InvalidCursor from error
        # The whole text, because one place can be spelled in several ways.
        if not any(
            hmac.compare_digest(_signed(packed, of, key).encode(), cursor.encode()) for key in self._keys
        ):
            raise InvalidCursor
        return Position(EPOCH + timedelta(microseconds=microseconds), id_)


def _signed(packed: bytes, of: str, key: bytes) -> str:
    seal = hmac.digest(key, SIGNING_CONTEXT + of.encode() + b"\0" + packed, "sha256")[:SIGNATURE_SIZE]
    return urlsafe_b64encode(packed + seal).decode().rstrip("=")
