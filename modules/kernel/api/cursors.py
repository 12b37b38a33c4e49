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

from modules.kernel.api.fields import Limit, LimitOrAll, Offset, QueryText
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.pagination import DEFAULT_LIMIT, Page, Position

PURPOSE = b"conduit cursor\0"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds since the epoch, which is as exact as stored times are, and an id.
PLACE = struct.Struct(">qq")
# Half of SHA-256: RFC 2104, 5, and far more than anybody can try.
SEAL_SIZE = 16

Cursor = Annotated[
    QueryText,
    Query(description='Where the page before ended: a part of the URL that its `Link: rel="next"` gave.'),
]

LEADS_ON: dict[int | str, dict[str, Any]] = {
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


class CursorInvalid(Invalid):
    """It was not given out for this list."""

    subject = "cursor"
    problem = "is not one that this list gave"


class OffsetAndCursor(Invalid):
    """A page begins after so many rows, or at a position."""

    subject = "offset"
    problem = "cannot be used with a cursor"


@dataclass(frozen=True, slots=True)
class _List:
    """One list: its path, and the filters that it has and was asked with. Nothing else of a query counts."""

    path: str
    filters: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, request: Request, filters: Sequence[str]) -> "_List":
        asked = [(name, request.query_params[name]) for name in filters if name in request.query_params]
        return cls(quote(request.scope["path"]), asked)

    @property
    def name(self) -> str:
        return f"{self.path}?{urlencode(self.filters)}"

    def after(self, cursor: str, limit: int) -> str:
        return f"{self.path}?{urlencode([*self.filters, ('limit', limit), ('cursor', cursor)])}"


@dataclass(frozen=True, slots=True)
class AskedPage:
    """The page that a request asks for. Its answer can name the next one."""

    page: Page
    _list: _List
    _response: Response
    _cursors: "Cursors"

    def link_next(self, position: Position | None) -> None:
        """Say in the answer's headers where the next page is, if there is one."""
        if position is None:
            return
        cursor = self._cursors.written(position, self._list.name)
        # Relative, because which host a caller knows Conduit by is the proxy's affair.
        self._response.headers["Link"] = f'<{self._list.after(cursor, self.page.limit)}>; rel="next"'


class Cursors:
    """Writes positions as texts that callers give back, and refuses what it did not write.

    A cursor is good for one list, with its filters, whoever asks and how ever much for. It is sealed
    with the signing keys, of which the first seals. It holds a time and an id, and is no secret.
    """

    def __init__(self, signing_keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in signing_keys]

    def pages(self, *filters: str) -> Callable[..., Awaitable[AskedPage]]:
        """Return a dependency: the page that a request asks for, of a list that has these filters.

        It raises `Invalid` of any kind.
        """

        async def page(
            request: Request,
            response: Response,
            limit: Limit = DEFAULT_LIMIT,
            offset: Offset = 0,
            cursor: Cursor = None,
        ) -> AskedPage:
            if offset and cursor is not None:
                raise OffsetAndCursor
            return self._asked(_List.of(request, filters), response, Page(limit, offset), cursor)

        return page

    async def part(
        self, request: Request, response: Response, limit: LimitOrAll = None, cursor: Cursor = None
    ) -> AskedPage | None:
        """Return the page that a request asks for, or None if it asks for all: a dependency.

        Raises `CursorInvalid`.
        """
        if limit is None and cursor is None:
            return None
        page = Page(DEFAULT_LIMIT if limit is None else limit)
        return self._asked(_List.of(request, ()), response, page, cursor)

    def _asked(self, of: _List, response: Response, page: Page, cursor: str | None) -> AskedPage:
        if cursor is not None:
            page = Page(page.limit, after=self.read(cursor, of.name))
        return AskedPage(page, of, response, self)

    def written(self, position: Position, of: str) -> str:
        """Return the position in this list as a text that is safe in a URL."""
        place = PLACE.pack((position.at - EPOCH) // timedelta(microseconds=1), position.id)
        return _sealed(place, of, self._keys[0])

    def read(self, cursor: str, of: str) -> Position:
        """Return the position; raise `CursorInvalid` if it was not written for this list."""
        try:
            place = urlsafe_b64decode(cursor + "=")[: PLACE.size]
            microseconds, id_ = PLACE.unpack(place)
        except (ValueError, struct.error) as error:
            raise CursorInvalid from error
        # The whole text, because one place can be spelled in several ways.
        if not any(
            hmac.compare_digest(_sealed(place, of, key).encode(), cursor.encode()) for key in self._keys
        ):
            raise CursorInvalid
        return Position(EPOCH + timedelta(microseconds=microseconds), id_)


def _sealed(place: bytes, of: str, key: bytes) -> str:
    seal = hmac.digest(key, PURPOSE + of.encode() + b"\0" + place, "sha256")[:SEAL_SIZE]
    return urlsafe_b64encode(place + seal).decode().rstrip("=")
