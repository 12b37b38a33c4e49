"""The database as modules see it: units of work that any module joins."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from modules.kernel.domain.errors import ConcurrencyConflict, DomainError, Unavailable
from modules.kernel.infrastructure.persistence.driver_errors import (
    is_conflict,
    is_unavailable,
    violated_constraint,
)
from modules.kernel.infrastructure.persistence.engines import open_engines, redact_password
from modules.kernel.infrastructure.persistence.postgresql import POOL_SIZE, notify, take_migration_lock

WRITE_LOCK_TIMEOUT_SECONDS = 10.0
# While a replica does not answer, one request in this time waits for it, and the others do not.
REPLICA_RETRY_SECONDS = 5.0

log = structlog.get_logger("conduit.database")


class DatabaseUnavailable(Unavailable):
    """The database is gone, locked, full or read-only; its cause is the driver's error."""

    subject, problem = "database", "is not available"


@dataclass(frozen=True, slots=True)
class _Unit:
    session: AsyncSession
    task: asyncio.Task[object] | None
    writes: bool
    then: list[Callable[[], None]] = field(default_factory=list)


class Database:
    """One database, entered through units of work.

    The open unit is ambient: it belongs to the task that opened it, and whatever that task calls,
    in whatever module, joins it. So a use case decides what is done together, and repositories
    need no session passed to them.
    """

    def __init__(
        self,
        url: str,
        *,
        synchronous: str = "FULL",
        pool_size: int = POOL_SIZE,
        read_url: str | None = None,
    ) -> None:
        self._engines = open_engines(url, synchronous=synchronous, pool_size=pool_size, read_url=read_url)
        self._unit: ContextVar[_Unit | None] = ContextVar("unit", default=None)
        self._stale_reads_allowed: ContextVar[bool] = ContextVar("may_be_old", default=False)
        self._replica_retry_at = 0.0

    @property
    def engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        """The engine that writes and the one that reads, for tests that listen; they may be the same."""
        return self._engines.write, self._engines.read

    @property
    def dialect(self) -> str:
        """What SQLAlchemy calls the engine, for what one has and another has not: sqlite or postgresql."""
        return self._engines.write.dialect.name

    @property
    def display_url(self) -> str:
        """The URL of the database, without its password: to be shown."""
        return redact_password(self._engines.write.url)

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a unit of work that may write, or join the open one.

        Committed when the outermost block ends, rolled back when an exception leaves it. Raises
        `Unavailable` when the write lock or a connection is not available in time, `ConcurrencyConflict`
        when all of it was undone because of what others did at the same moment, and `RuntimeError`
        when another task tries to join or the open unit only reads.
        """
        unit = self._current_unit()
        if unit is None:
            return self._begin_write()
        if not unit.writes:
            raise RuntimeError("a snapshot is open, and a snapshot cannot write")
        return nullcontext(unit.session)

    def snapshot(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a view for reads that agree with each other, or join whatever unit is open.

        It is of this moment, but inside `from_replica()`. Raises `RuntimeError` when another task tries
        to join.
        """
        unit = self._current_unit()
        return self._begin_read() if unit is None else nullcontext(unit.session)

    async def fetch_value(self, statement: Select[*tuple[Any, ...]], bound: Mapping[str, object]) -> Any:
        """Return the one value of the row that a key finds, as it is at this moment, or None.

        For what every request asks: SQLite answers in a twentieth of what opening a snapshot costs. The
        value is a number or a text, as the database has it.
        """
        rows = self._engines.fetch_value(statement, bound) if self._unit.get() is None else None
        if rows is not None:
            return rows[0][0] if rows else None
        async with self.snapshot() as session:
            return await session.scalar(statement, bound)

    @contextmanager
    def allow_replica(self) -> Iterator[None]:
        """Let snapshots in this block come from the replica, if there is one, which may be behind."""
        token = self._stale_reads_allowed.set(True)
        try:
            yield
        finally:
            self._stale_reads_allowed.reset(token)

    @asynccontextmanager
    async def translating_violations(
        self, refusals: Mapping[str, Callable[[], DomainError]]
    ) -> AsyncIterator[AsyncSession]:
        """Try to write: a broken constraint named in `refusals` is raised as the error it means.

        What the block wrote is undone then, and the transaction around it goes on.
        """
        async with self.transaction() as session:
            try:
                async with session.begin_nested():
                    yield session
            except IntegrityError as error:
                refusal = refusals.get(violated_constraint(error) or "")
                if refusal is None:
                    raise
                raise refusal() from error

    @asynccontextmanager
    async def migration_connection(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection and a transaction for migrations; processes that ask at once take turns.

        Raises `DatabaseUnavailable` when the database cannot be used.
        """
        with _translated_errors():
            async with self._engines.write_lock, self._engines.migrate.begin() as connection:
                await take_migration_lock(connection)
                yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for looking at the schema; raises `DatabaseUnavailable`."""
        with _translated_errors():
            async with self._engines.read.connect() as connection:
                yield connection

    def data_version(self) -> int | None:
        """Return a number that is another one after any commit, by any process; None if that is not known."""
        return self._engines.data_version()

    def require_transaction(self) -> None:
        """Raise `RuntimeError` unless a unit of work that may write is open in this task."""
        self._open_transaction()

    def after_commit(self, then: Callable[[], None]) -> None:
        """Call this once the open transaction is committed, and never if it is undone.

        Raises `RuntimeError` when none is open in this task.
        """
        self._open_transaction().then.append(then)

    async def notify(self, topic: str) -> None:
        """Let other processes hear of this topic once the open transaction is committed."""
        await notify(self._open_transaction().session, topic)

    async def notifications(self) -> AsyncIterator[str | None]:
        """Yield the topics that other processes announce, or None where it may be any; ends if none can.

        Raises `ConnectionError` or `DatabaseUnavailable` when the database cannot be listened to.
        """
        with _translated_errors():
            async for topic in self._engines.notifications():
                yield topic

    async def dispose(self) -> None:
        """Close every connection."""
        await self._engines.dispose()

    async def _replica_session(self) -> AsyncSession | None:
        """Return a session on the replica, or None when the database itself is to be asked."""
        replica = self._engines.replica
        if (
            replica is None
            or not self._stale_reads_allowed.get()
            or time.monotonic() < self._replica_retry_at
        ):
            return None
        session = AsyncSession(replica)
        try:
            # Connected here, where another way is open still.
            await session.connection()
        except (DBAPIError, PoolTimeoutError) as error:
            await session.close()
            self._replica_retry_at = time.monotonic() + REPLICA_RETRY_SECONDS
            log.warning("the replica does not answer", cause=repr(error))
            return None
        return session

    def _open_transaction(self) -> _Unit:
        unit = self._current_unit()
        if unit is None or not unit.writes:
            raise RuntimeError("this needs an open transaction")
        return unit

    @asynccontextmanager
    async def _begin_write(self) -> AsyncIterator[AsyncSession]:
        async with self._write_lock():
            with _translated_errors():
                session = AsyncSession(self._engines.write, expire_on_commit=False)
                try:
                    with self._entered(session, writes=True) as unit:
                        yield session
                    await session.commit()
                except BaseException:
                    # Undone in a task of its own: one who is cancelled leaves nothing half done.
                    await asyncio.shield(session.close())
                    raise
                # Not by `async with`, which closes in a task of its own at a tenth of the cost.
                await session.close()
        for then in unit.then:
            then()

    @asynccontextmanager
    async def _begin_read(self) -> AsyncIterator[AsyncSession]:
        async with self._engines.read_lock:
            with _translated_errors():
                session = await self._replica_session() or AsyncSession(self._engines.read)
                try:
                    with self._entered(session, writes=False):
                        yield session
                finally:
                    await session.close()

    def _current_unit(self) -> _Unit | None:
        unit = self._unit.get()
        if unit is not None and unit.task is not asyncio.current_task():
            raise RuntimeError("the open unit of work belongs to another task")
        return unit

    @asynccontextmanager
    async def _write_lock(self) -> AsyncIterator[None]:
        turn = self._engines.write_lock
        try:
            async with asyncio.timeout(WRITE_LOCK_TIMEOUT_SECONDS):
                await turn.__aenter__()
        except TimeoutError as error:
            raise Unavailable from error
        try:
            yield
        finally:
            await turn.__aexit__(None, None, None)

    @contextmanager
    def _entered(self, session: AsyncSession, *, writes: bool) -> Iterator[_Unit]:
        unit = _Unit(session, asyncio.current_task(), writes)
        token = self._unit.set(unit)
        try:
            yield unit
        finally:
            self._unit.reset(token)


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable from error
    except DBAPIError as error:
        if is_conflict(error):
            raise ConcurrencyConflict from error
        if is_unavailable(error):
            raise DatabaseUnavailable from error
        raise
