"""The connections on which units of work run, one after another."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from modules.kernel.domain.errors import Unavailable

Rows = Sequence[Sequence[Any]]
CONNECT_PAUSE_SECONDS = 1.0
"""How long a pool with connections opens no other after that failed, as when the server is full."""


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
        self._wrap = wrap
        self._idle: list[PooledConnection] = []
        # If the server accepts no other connection: who waits for one of these, and when to try again.
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._connect_at = 0.0
        self._connecting = 0

    async def acquire(self) -> PooledConnection:
        """Return a connection, to be released; raise `Unavailable` after the timeout.

        Raises what connecting raises if nobody has a connection to wait for.
        """
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
        if self._waiting:
            self._waiting.popleft().set_result(None)
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
        """Return an idle connection or a new one, or wait for one if the server accepts no other."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.timeout
        while (idle := await self._idle_connection()) is None:
            if self._may_get_another() and loop.time() < self._connect_at:
                await self._wait_for_another(deadline)
                continue
            self._connecting += 1
            try:
                return await self._new_connection()
            except DBAPIError as error:
                self._connect_at = loop.time() + CONNECT_PAUSE_SECONDS
                if self._connecting == 1 and self.in_use == 0:
                    while self._waiting:
                        self._waiting.popleft().set_exception(error)
                    raise
            finally:
                self._connecting -= 1
        return idle

    def _may_get_another(self) -> bool:
        return self.in_use > 0 or self._connecting > 0

    async def _wait_for_another(self, deadline: float) -> None:
        """Wait until a connection is released; raise `Unavailable` at the deadline."""
        released: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(released)
        try:
            async with asyncio.timeout_at(deadline):
                await released
        except TimeoutError as error:
            raise Unavailable from error
        finally:
            with suppress(ValueError):
                self._waiting.remove(released)

    async def _idle_connection(self) -> PooledConnection | None:
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
        return None

    async def _new_connection(self) -> PooledConnection:
        opened = await self.engine.connect()
        connection = self._wrap(self, opened, await opened.get_raw_connection())
        await connection.prepare()
        return connection
