"""The database as modules see it: units of work that calls into other modules join."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from modules.kernel.domain.errors import ConcurrencyConflict, DomainError, Unavailable
from modules.kernel.domain.identity import write_authorization
from modules.kernel.infrastructure.persistence.driver_errors import (
    is_conflict,
    is_unavailable,
    violated_constraint,
)
from modules.kernel.infrastructure.persistence.engines import open_engines, redact_password
from modules.kernel.infrastructure.persistence.postgresql import POOL_SIZE, notify, take_migration_lock
from modules.kernel.infrastructure.persistence.sqlite_driver import statements_in_thread

WRITE_LOCK_TIMEOUT_SECONDS = 10.0
# How long requests read from the primary after the replica failed, before one tries the replica again.
REPLICA_RETRY_SECONDS = 5.0

log = structlog.get_logger("conduit.database")


class DatabaseUnavailable(Unavailable):
    """The database is unreachable, locked, full or read-only; the cause is the driver's error."""

    subject, problem = "database", "is not available"


@dataclass(frozen=True, slots=True)
class _Unit:
    session: AsyncSession
    task: asyncio.Task[object] | None
    writes: bool
    after_commit: list[Callable[[], None]] = field(default_factory=list)


class Database:
    """One database, used through units of work.

    The open unit of work is ambient: it belongs to the task that opened it, and calls into any module
    join it. So the use case defines the transaction, and repositories need no session passed to them.
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
        self._stale_reads_allowed: ContextVar[bool] = ContextVar("stale_reads_allowed", default=False)
        self._replica_retry_at = 0.0

    @property
    def engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        """The engines for writes and for reads, for instrumentation and tests; they may be the same."""
        return self._engines.write, self._engines.read

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of the dialect, for features of one engine only: sqlite or postgresql."""
        return self._engines.write.dialect.name

    @property
    def display_url(self) -> str:
        """The URL of the database, with its password redacted."""
        return redact_password(self._engines.write.url)

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a unit of work that may write, or join the open one.

        Committed when the outermost block ends, rolled back when an exception leaves it. In an
        authenticated request it begins with `write_authorization`, and raises what that raises. Raises
        `Unavailable` when the write lock or a connection cannot be acquired in time,
        `ConcurrencyConflict` when a concurrent transaction caused a rollback, and `RuntimeError` inside
        a snapshot or when another task tries to join.
        """
        unit = self._current_unit()
        if unit is None:
            return self._begin_write()
        if not unit.writes:
            raise RuntimeError("a snapshot is open, and a snapshot cannot write")
        return nullcontext(unit.session)

    @asynccontextmanager
    async def long_transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a unit of work as `transaction` does, for statements that may take long.

        SQLite runs them on a thread instead of the event loop.
        """
        previous = statements_in_thread.set(True)
        try:
            async with self.transaction() as session:
                yield session
        finally:
            statements_in_thread.reset(previous)

    def snapshot(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a read-only unit of work at one point in time, or join the open unit of work.

        Reads the primary unless inside `allow_replica()`. Raises `RuntimeError` when another task tries
        to join.
        """
        unit = self._current_unit()
        return self._begin_read() if unit is None else nullcontext(unit.session)

    async def fetch_row(
        self, statement: Select[*tuple[Any, ...]], bound: Mapping[str, object]
    ) -> Sequence[Any] | None:
        """Return the committed row that a lookup by key selects, or None.

        Inside a unit of work it is read there. For lookups in every request: on SQLite it takes a
        twentieth of the time of a snapshot. Values are numbers or text, not converted by SQLAlchemy.
        """
        rows = self._engines.fetch_rows(statement, bound) if self._unit.get() is None else None
        if rows is not None:
            return rows[0] if rows else None
        async with self.snapshot() as session:
            return (await session.execute(statement, bound)).one_or_none()

    @contextmanager
    def allow_replica(self) -> Iterator[None]:
        """Allow snapshots in this block to read from the replica, if there is one, which may lag."""
        token = self._stale_reads_allowed.set(True)
        try:
            yield
        finally:
            self._stale_reads_allowed.reset(token)

    @asynccontextmanager
    async def translating_violations(
        self, errors: Mapping[str, Callable[[], DomainError]]
    ) -> AsyncIterator[AsyncSession]:
        """Open a savepoint; a violation of a constraint named in `errors` is raised as its domain error.

        The block is then rolled back, and the surrounding transaction can continue.
        """
        async with self.transaction() as session:
            try:
                async with session.begin_nested():
                    yield session
            except IntegrityError as error:
                domain_error = errors.get(violated_constraint(error) or "")
                if domain_error is None:
                    raise
                raise domain_error() from error

    @asynccontextmanager
    async def migration_connection(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection and a transaction for migrations, exclusive between processes.

        Raises `DatabaseUnavailable`.
        """
        with _translated_errors():
            async with self._engines.write_lock, self._engines.migrate.begin() as connection:
                await take_migration_lock(connection)
                yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for inspecting the schema; raises `DatabaseUnavailable`."""
        with _translated_errors():
            async with self._engines.read.connect() as connection:
                yield connection

    def data_version(self) -> int | None:
        """Return a number that changes with every commit, of any process; None where it is not available."""
        return self._engines.data_version()

    def require_transaction(self) -> None:
        """Raise `RuntimeError` unless a transaction is open in this task."""
        self._open_transaction()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call this after the open transaction is committed; not after a rollback.

        Raises `RuntimeError` when no transaction is open in this task.
        """
        self._open_transaction().after_commit.append(callback)

    async def notify(self, topic: str) -> None:
        """Notify other processes of this topic when the open transaction is committed."""
        await notify(self._open_transaction().session, topic)

    async def notifications(self) -> AsyncIterator[str | None]:
        """Yield the topics that other processes notify, or None for any topic.

        Ends at once for a database in memory, which no other process uses. Raises `ConnectionError` or
        `DatabaseUnavailable`.
        """
        with _translated_errors():
            async for topic in self._engines.notifications():
                yield topic

    async def dispose(self) -> None:
        """Close every connection."""
        await self._engines.dispose()

    async def _replica_session(self) -> AsyncSession | None:
        """Return a session on the replica, or None to read from the primary."""
        replica = self._engines.replica
        if (
            replica is None
            or not self._stale_reads_allowed.get()
            or time.monotonic() < self._replica_retry_at
        ):
            return None
        session = AsyncSession(replica)
        try:
            # Connect here, where the primary can still be used instead.
            await session.connection()
        except (DBAPIError, PoolTimeoutError) as error:
            await session.close()
            self._replica_retry_at = time.monotonic() + REPLICA_RETRY_SECONDS
            log.warning("replica unavailable", cause=repr(error))
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
                        if (authorize := write_authorization.get()) is not None:
                            await authorize()
                        yield session
                    # The caller must know whether it was committed: once it was, the request ends as if it
                    # was in time.
                    await _uninterrupted(session.commit())
                except BaseException:
                    await _uninterrupted(session.close())
                    raise
                # Without the shielded task of `async with`, which takes a tenth of the transaction's time.
                await session.close()
        for callback in unit.after_commit:
            callback()

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
        lock = self._engines.write_lock
        try:
            async with asyncio.timeout(WRITE_LOCK_TIMEOUT_SECONDS):
                await lock.__aenter__()
        except TimeoutError as error:
            raise Unavailable from error
        try:
            yield
        finally:
            await lock.__aexit__(None, None, None)

    @contextmanager
    def _entered(self, session: AsyncSession, *, writes: bool) -> Iterator[_Unit]:
        unit = _Unit(session, asyncio.current_task(), writes)
        token = self._unit.set(unit)
        try:
            yield unit
        finally:
            self._unit.reset(token)


async def _uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Complete the work, whatever cancels the caller meanwhile: a time-out, or the end of the process."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()


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
