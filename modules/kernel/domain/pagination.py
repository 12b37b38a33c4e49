"""Page requests: offset and keyset pagination of lists that are newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
# Offset plus limit must fit a database's 64-bit integer.
MAX_OFFSET = 2**62


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a list that is newest first: directly after the row with this time and id.

    It stays valid when rows are inserted or deleted, that row included.
    """

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for at most `limit` rows (capped at `max_limit`), after `offset` rows or after a position."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    after: Position | None = None
    max_limit: int = MAX_LIMIT

    def __post_init__(self) -> None:
        if self.limit < 1 or self.offset < 0 or (self.offset and self.after):
            raise ValueError(self)
        object.__setattr__(self, "limit", min(self.limit, self.max_limit))
        object.__setattr__(self, "offset", min(self.offset, MAX_OFFSET))


class KeysetRow(Protocol):
    """A row of a list that is ordered by creation time and id."""

    @property
    def created_at(self) -> datetime:
        """The time of its creation."""
        ...

    @property
    def id(self) -> int:
        """Its id, the tie-break between rows of the same time."""
        ...


KeysetRowT = TypeVar("KeysetRowT", bound=KeysetRow)


def split_page(rows: Sequence[KeysetRowT], page: PageRequest) -> tuple[Sequence[KeysetRowT], Position | None]:
    """Return the rows of the page and the position of the next page, or None on the last page.

    `rows` are the rows of the page and, if there is one, the row after them.
    """
    if len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], Position(last.created_at, last.id)
