"""The kernel's ports in memory, for tests of use cases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from modules.kernel.domain.events import Event

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class FakeClock:
    """A clock that stands still until it is set."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class FakeTransactions:
    """Units of work that undo nothing, but know whether one is open.

    Fakes of repositories ask it, so that a use case that forgets its transaction fails its test.
    """

    def __init__(self) -> None:
        self._open: list[str] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        if "snapshot" in self._open:
            raise RuntimeError("a snapshot is open")
        async with self._opened("transaction"):
            yield

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        async with self._opened("snapshot"):
            yield

    def require_transaction(self) -> None:
        """Raise `AssertionError` unless something may be written now."""
        assert "transaction" in self._open, "written or held outside of a transaction"

    def require_unit(self) -> None:
        """Raise `AssertionError` unless what is read now agrees with what is read next."""
        assert self._open, "read outside of a unit of work"

    @asynccontextmanager
    async def _opened(self, kind: str) -> AsyncIterator[None]:
        self._open.append(kind)
        try:
            yield
        finally:
            self._open.pop()


class FakeEvents:
    """Remembers what it was told, inside a transaction."""

    def __init__(self, transactions: FakeTransactions) -> None:
        self._transactions = transactions
        self.told: list[Event] = []

    async def publish(self, event: Event) -> None:
        self._transactions.require_transaction()
        self.told.append(event)
