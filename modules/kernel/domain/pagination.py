"""Which part of a list is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
# No list is as long, and a limit may be added to it before it is beyond a database's integers.
MAX_OFFSET = 2**62


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list that is newest first: right behind the row of this time and id.

    It stays where it is, whatever is added to the list or taken from it, that row too.
    """

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A window on a list: how many rows at most (served up to 100), after so many others or a position."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    after: Position | None = None

    def __post_init__(self) -> None:
        if self.limit < 1 or self.offset < 0 or (self.offset and self.after):
            raise ValueError(self)
        object.__setattr__(self, "limit", min(self.limit, MAX_LIMIT))
        object.__setattr__(self, "offset", min(self.offset, MAX_OFFSET))


class KeysetRow(Protocol):
    """A row that has a place in a list by its time and its id."""

    @property
    def created_at(self) -> datetime:
        """When it came to be."""
        ...

    @property
    def id(self) -> int:
        """What tells it from others of that time."""
        ...


KeysetRowT = TypeVar("KeysetRowT", bound=KeysetRow)


def split_page(rows: Sequence[KeysetRowT], page: PageRequest) -> tuple[Sequence[KeysetRowT], Position | None]:
    """Return the rows of the page, and where the next one begins, or None when there is none.

    `rows` are those of the page and, if there is any, the one behind them.
    """
    if len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], Position(last.created_at, last.id)
