"""The progress of long work, shown to an operator."""

from typing import Protocol


class Progress(Protocol):
    """Shows how far the work is."""

    def begin(self, what: str, total: int) -> None:
        """Start the next stage: what it makes, as a plural noun, and how many of it."""
        ...

    def advance(self, number: int) -> None:
        """Note that so many more are made."""
        ...
