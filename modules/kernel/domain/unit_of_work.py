"""The unit of work, as use cases see the database."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class UnitOfWork(Protocol):
    """Opens units of work, which calls into other modules join."""

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Open a unit of work that may write, or join the open one.

        It is committed when the outermost block ends, and rolled back when an exception leaves it.
        Raises `RuntimeError` inside a snapshot.
        """
        ...

    def long_transaction(self) -> AbstractAsyncContextManager[object]:
        """Open a unit of work as `transaction` does, for statements on as many rows as users choose.

        Each may take long, and does not block the event loop.
        """
        ...

    def snapshot(self) -> AbstractAsyncContextManager[object]:
        """Open a read-only unit of work at one point in time, or join the open unit of work."""
        ...
