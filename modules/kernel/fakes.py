"""In-memory implementations of the kernel's contracts and ports, for tests of modules."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.events import Event
from modules.kernel.domain.idempotency import RETENTION, IdempotencyKeyReused, IdempotentRequest
from modules.kernel.domain.identity import Principal, Session, TokenInvalid, UserId
from modules.kernel.domain.unit_of_work import UnitOfWork

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
FAR_FUTURE = datetime(9999, 12, 31, tzinfo=UTC)


class FakeClock:
    """A clock that tests set."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class StatementRecorder:
    """Records the statements that are sent to a database, as one of its `observers`."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def executed(self, statement: str, seconds: float) -> None:  # noqa: ARG002 - what an observer is passed
        self.statements.append(statement)


class FakeTokenVerifier:
    """Accepts the tokens that it issued, until they are revoked. It does not check their expiry."""

    def __init__(self) -> None:
        self._principals: dict[str, Principal] = {}
        self._numbers = itertools.count(1)

    def issue(self, user_id: UserId, *, expires_at: datetime = FAR_FUTURE) -> str:
        """Return a new token of this user."""
        token = f"token-{next(self._numbers)}-of-user-{user_id}"
        session = Session(token, "epoch", int(LONG_AGO.timestamp()))
        self._principals[token] = Principal(user_id, session, int(expires_at.timestamp()), token)
        return token

    def revoke(self, token: str) -> None:
        """Revoke a token, as its expiry, a new password or the deletion of its user does."""
        del self._principals[token]

    async def verify(self, token: str) -> Principal:
        if token not in self._principals:
            raise TokenInvalid
        return self._principals[token]

    async def authorize_write(self, principal: Principal, body_bytes: int) -> None:  # noqa: ARG002 - no limit
        await self.verify(principal.token)


class AmbientUnitOfWork(UnitOfWork, Protocol):
    """A unit of work that knows whether it is open: `Database` or `FakeUnitOfWork`."""

    def require_transaction(self) -> None:
        """Raise `RuntimeError` unless a transaction is open."""
        ...


class FakeUnitOfWork:
    """A unit of work that rolls nothing back, but knows whether it is open.

    Fakes of repositories check it, so that the test of a use case without a transaction fails.
    """

    def __init__(self) -> None:
        self._open: list[str] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        if "snapshot" in self._open:
            raise RuntimeError("a snapshot is open, and a snapshot cannot write")
        async with self._opened("transaction"):
            yield

    def long_transaction(self) -> AbstractAsyncContextManager[None]:
        return self.transaction()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        async with self._opened("snapshot"):
            yield

    def require_transaction(self) -> None:
        if "transaction" not in self._open:
            raise RuntimeError("a write or a lock outside of a transaction")

    def require_open(self) -> None:
        """Raise `RuntimeError` unless a transaction or a snapshot is open."""
        if not self._open:
            raise RuntimeError("a read outside of a unit of work")

    @asynccontextmanager
    async def _opened(self, kind: str) -> AsyncIterator[None]:
        self._open.append(kind)
        try:
            yield
        finally:
            self._open.pop()


class FakeEvents:
    """Records the published events; requires an open transaction."""

    def __init__(self, unit_of_work: AmbientUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self._published: list[Event] = []

    @property
    def published(self) -> Sequence[Event]:
        """The published events, in order."""
        return self._published

    async def publish(self, event: Event) -> None:
        self._unit_of_work.require_transaction()
        self._published.append(event)


class FakeIdempotencyStore:
    """Stores responses by caller and key."""

    def __init__(self, unit_of_work: UnitOfWork, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._stored: dict[tuple[UserId | None, str], tuple[bytes, str, datetime]] = {}

    async def run(
        self, request: IdempotentRequest, caller: UserId | None, work: Callable[[], Awaitable[str]]
    ) -> str:
        content, response, expires_at = self._stored.get((caller, request.key), (b"", "", LONG_AGO))
        if expires_at > self._clock.now():
            if content != request.content:
                raise IdempotencyKeyReused
            return response
        async with self._unit_of_work.transaction():
            response = await work()
        self._stored[caller, request.key] = (request.content, response, self._clock.now() + RETENTION)
        return response

    async def delete_for_user(self, user_id: UserId) -> None:
        self._stored = {key: stored for key, stored in self._stored.items() if key[0] != user_id}
