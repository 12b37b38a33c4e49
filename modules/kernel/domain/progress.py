"""The progress of long-running work, displayed to an operator."""

from typing import Protocol


class Progress(Protocol):
    """A display of progress in stages."""

    def begin(self, what: str, total: int) -> None:
        """Begin the next stage: the plural noun of its items, and their number."""
        ...

    def advance(self, number: int) -> None:
        """Advance the stage by a number of items."""
        ...
