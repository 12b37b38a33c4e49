"""The connections on which units of work run, one after another."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from modules.kernel.domain.errors import Unavailable

Rows = Sequence[Sequence[Any]]


class PooledConnection(ABC):
    """A connection on which one unit of work at a time runs its statements.

    They run on the driver's connection. Its errors are raised as `DBAPIError`, as by SQLAlchemy.
    """

    def __init__(self, pool: "ConnectionPool", connection: AsyncConnection) -> None:
        self._pool = pool
        self.connection = connection
        """SQLAlchemy's connection. Its statements are part of the same transaction."""

        self.module: str | None = None
        """The module whose statements it executes, see `act_for`."""

        assert connection.sync_connection is not None  # noqa: S101 - it is open
        self._sync_connection = connection.sync_connection

    def act_for(self, module: str | None) -> None:
        """Execute statements of this module from now on. Those of no module may use all tables."""
        self.module = module

    @abstractmethod
    async def prepare(self) -> None:
        """Prepare the new connection for its first unit of work."""

    @abstractmethod
    async def begin(self) -> None:
        """Begin a transaction. Without one, each statement is committed by itself."""

    @abstractmethod
    async def fetch(self, sql: str, values: Sequence[Any]) -> Rows:
        """Execute a statement and return its rows, none for a statement that returns no rows."""

    @abstractmethod
    async def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once for each row of values."""

    @abstractmethod
    async def commit(self) -> None:
        """Commit the transaction, or roll it back if that fails, and release the connection.

        Must not be cancelled.
        """

    @abstractmethod
    async def rollback(self) -> None:
        """Roll back the transaction, if one is open, and release the connection."""

    async def end_snapshot(self) -> None:
        """End the transaction, which has written nothing, and release the connection."""
        await self.commit()

    async def is_usable(self) -> bool:
        """Return whether another unit of work may use the connection."""
        return not self.is_invalidated

    @property
    @abstractmethod
    def is_aborted(self) -> bool:
        """Whether an error has ended the transaction, so that a commit would commit nothing."""

    @property
    def is_invalidated(self) -> bool:
        """Whether SQLAlchemy has closed the driver's connection: after an error, or a cancelled statement."""
        return self._sync_connection.invalidated

    async def discard(self) -> None:
        """Close the driver's connection."""
        if not self.is_invalidated:
            await self.connection.invalidate()
        await self.connection.close()

    def release(self) -> None:
        """Let another unit of work acquire the connection, on which no transaction is open."""
        self._pool.release(self)

    def _wrapped(self, sql: str, error: Exception) -> Exception:
        """Return the error of the driver as SQLAlchemy raises it."""
        dialect = self.connection.dialect
        driver_error: Any = dialect.loaded_dbapi.Error
        return DBAPIError.instance(sql, None, error, driver_error, hide_parameters=True, dialect=dialect)


async def uninterrupted(work: Coroutine[Any, Any, None]) -> bool:
    """Complete the work, whatever cancels the caller meanwhile: a time-out, or the end of the process.

    Returns whether something did.
    """
    task, is_cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            is_cancelled = True
    task.result()
    return is_cancelled


class ConnectionPool:
    """The connections of one engine, for `size` units of work at a time.

    The engine has no pool. Checking a connection out of one of SQLAlchemy's and returning it takes
    several times as long as a lookup. Waiters are served in order.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        wrap: Callable[["ConnectionPool", AsyncConnection, PoolProxiedConnection], PooledConnection],
        size: int,
        timeout: float,
    ) -> None:
        self.engine = engine
        self.size = size
        self.limit = asyncio.Semaphore(size)
        self.timeout = timeout
        """How long a unit of work waits for a connection, in seconds."""
        self.in_use = 0
        """The number of acquired connections."""
        self.retry_at = 0.0
        """Of a replica that failed: when it may be used again, on the monotonic clock."""
        self._wrap = wrap
        self._idle: list[PooledConnection] = []

    async def acquire(self) -> PooledConnection:
        """Return a connection, to be released; raise `Unavailable` after the timeout."""
        try:
            await self._take_turn()
        except TimeoutError as error:
            raise Unavailable from error
        try:
            connection = await self._usable_connection()
        except BaseException:
            self._end_turn()
            raise
        self.in_use += 1
        if connection.module is not None:
            connection.act_for(None)
        return connection

    def release(self, connection: PooledConnection) -> None:
        """Let others acquire the connection."""
        self.in_use -= 1
        self._idle.append(connection)
        self._end_turn()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Acquire a connection without using it: if there is one only, no transaction is open meanwhile."""
        connection = await self.acquire()
        try:
            yield
        finally:
            connection.release()

    async def dispose(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            connection = self._idle.pop()
            if await connection.is_usable():
                await connection.connection.close()
            else:
                await connection.discard()

    async def _take_turn(self) -> None:
        # A timeout costs more than the rest, and a free connection needs none.
        if not self.limit.locked():
            await self.limit.acquire()
            return
        async with asyncio.timeout(self.timeout):
            await self.limit.acquire()

    def _end_turn(self) -> None:
        self.limit.release()

    async def _usable_connection(self) -> PooledConnection:
        # The one used last comes first: its caches are warm.
        while self._idle:
            connection = self._idle.pop()
            try:
                if await connection.is_usable():
                    return connection
            except BaseException:
                await uninterrupted(connection.discard())
                raise
            await connection.discard()
        opened = await self.engine.connect()
        connection = self._wrap(self, opened, await opened.get_raw_connection())
        await connection.prepare()
        return connection
