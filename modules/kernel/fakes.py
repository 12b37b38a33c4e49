"""The kernel's contracts and ports in memory, for tests of modules."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.events import Event
from modules.kernel.domain.idempotency import RETENTION, IdempotencyKeyReused, IdempotentRequest
from modules.kernel.domain.identity import Principal, TokenInvalid, UserId
from modules.kernel.domain.unit_of_work import UnitOfWork

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
FAR_FUTURE = datetime(9999, 12, 31, tzinfo=UTC)


class FakeClock:
    """A clock that stands still until it is set."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        """Return the time that it was set to."""
        return self.at


class FakeTokenVerifier:
    """Takes the tokens that it issued, until they are ended. It knows no time by itself."""

    def __init__(self) -> None:
        self._principals: dict[str, Principal] = {}
        self._numbers = itertools.count(1)

    def issue(self, user: UserId, *, until: datetime = FAR_FUTURE) -> str:
        """Return a new token of this user, that says until when it is good."""
        token = f"token-{next(self._numbers)}-of-user-{user}"
        self._principals[token] = Principal(user, int(until.timestamp()))
        return token

    def end(self, token: str) -> None:
        """Make a token bad, as its expiry, its user's new password or its user's leaving does."""
        del self._principals[token]

    async def verify(self, token: str) -> Principal:
        """Return whose token this is; raise `TokenInvalid` if it is not good at this moment."""
        if token not in self._principals:
            raise TokenInvalid
        return self._principals[token]


class AmbientUnitOfWork(UnitOfWork, Protocol):
    """Transactions that know whether one is open: `Database`, or `FakeUnitOfWork`."""

    def require_transaction(self) -> None:
        """Raise `RuntimeError` unless a transaction is open."""
        ...


class FakeUnitOfWork:
    """Units of work that undo nothing, but know whether one is open.

    Fakes of repositories ask it, so that a use case that forgets its transaction fails its test.
    """

    def __init__(self) -> None:
        self._open: list[str] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Open a unit that may write; raise `RuntimeError` inside one that may not."""
        if "snapshot" in self._open:
            raise RuntimeError("a snapshot is open, and a snapshot cannot write")
        async with self._opened("transaction"):
            yield

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """Open a unit for reads that agree with each other."""
        async with self._opened("snapshot"):
            yield

    def require_transaction(self) -> None:
        """Raise `RuntimeError` unless something may be written now."""
        if "transaction" not in self._open:
            raise RuntimeError("written or held outside of a transaction")

    def require_open(self) -> None:
        """Raise `RuntimeError` unless what is read now agrees with what is read next."""
        if not self._open:
            raise RuntimeError("read outside of a unit of work")

    @asynccontextmanager
    async def _opened(self, kind: str) -> AsyncIterator[None]:
        self._open.append(kind)
        try:
            yield
        finally:
            self._open.pop()


class FakeEvents:
    """Remembers what it was told, inside a transaction."""

    def __init__(self, unit_of_work: AmbientUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self._published: list[Event] = []

    @property
    def published(self) -> Sequence[Event]:
        """The events it was told, in order."""
        return self._published

    async def publish(self, event: Event) -> None:
        """Remember the event; raise `RuntimeError` when no transaction is open."""
        self._unit_of_work.require_transaction()
        self._published.append(event)


class FakeIdempotencyStore:
    """Remembers what was answered to keyed requests, until so much time has passed."""

    def __init__(self, unit_of_work: UnitOfWork, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._kept: dict[tuple[UserId | None, str], tuple[bytes, str, datetime]] = {}

    async def run(
        self, request: IdempotentRequest, caller: UserId | None, work: Callable[[], Awaitable[str]]
    ) -> str:
        """Do the work once and return its response, or the stored one; raise `IdempotencyKeyReused`."""
        content, answer, until = self._kept.get((caller, request.key), (b"", "", LONG_AGO))
        if until > self._clock.now():
            if content != request.content:
                raise IdempotencyKeyReused
            return answer
        async with self._unit_of_work.transaction():
            answer = await work()
        self._kept[caller, request.key] = (request.content, answer, self._clock.now() + RETENTION)
        return answer

    async def forget(self, caller: UserId) -> None:
        """Forget all that was answered to a caller."""
        self._kept = {name: kept for name, kept in self._kept.items() if name[0] != caller}
