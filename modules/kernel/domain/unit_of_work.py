"""What a use case knows of the database: that things can be done together."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class UnitOfWork(Protocol):
    """Opens units of work. Everything done inside one, in whatever module, is one unit."""

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Open a unit of work that may write, or join the open one.

        It is durable when the outermost block has ended without an exception, and undone by one.
        """
        ...

    def snapshot(self) -> AbstractAsyncContextManager[object]:
        """Open a view for several reads that agree with each other, or join what is open."""
        ...
