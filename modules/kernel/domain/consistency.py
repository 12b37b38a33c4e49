"""Checks that stored data agrees: counts with the rows that they count, references with their targets."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored value that is wrong, or the rows of one target that is missing."""

    text: str
    """The difference in a few words: `user 7: 3`, for three rows."""

    rows: int = 1


class ConsistencyCheck(Protocol):
    """A check of a module's own tables, with bounded memory for any number of rows.

    Both methods are safe while servers run. An interrupted repair has no partial effect on a row, and can
    be repeated.
    """

    @property
    def columns(self) -> Sequence[str]:
        """The columns that it checks, as `table.column`."""
        ...

    @property
    def problem(self) -> str:
        """The problem of the rows that it reports: `rows of a missing user`."""
        ...

    def differences(self) -> AsyncIterator[Difference]:
        """Yield what differs, without changing anything."""
        ...

    async def repair(self) -> int:
        """Recompute what differs or delete rows without their target; return the number of rows.

        Works in batches, in one transaction each.
        """
        ...
