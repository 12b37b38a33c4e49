"""The connections on which units of work run, one after another."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, NoReturn

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

    @abstractmethod
    async def begin(self) -> None:
        """Begin a transaction."""

    @abstractmethod
    async def fetch(self, sql: str, values: Sequence[Any]) -> Rows:
        """Execute a statement and return its rows, none for a statement that returns no rows."""

    @abstractmethod
    async def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once for each row of values."""

    @abstractmethod
    async def commit(self) -> None:
        """Commit the transaction."""

    @abstractmethod
    async def rollback(self) -> None:
        """Roll back the transaction, if one is open."""

    def is_usable(self) -> bool:
        """Return whether another unit of work may use the connection."""
        return not self.is_invalidated

    @property
    def is_invalidated(self) -> bool:
        """Whether SQLAlchemy has closed the driver's connection: after an error, or a cancelled statement."""
        return self.connection.invalidated

    async def discard(self) -> None:
        """Close the driver's connection."""
        if not self.is_invalidated:
            await self.connection.invalidate()
        await self.connection.close()

    def release(self) -> None:
        """Let another unit of work acquire the connection."""
        self._pool.release(self)

    def _raise(self, sql: str, error: Exception) -> NoReturn:
        dialect = self.connection.dialect
        driver_error: Any = dialect.loaded_dbapi.Error
        raise DBAPIError.instance(
            sql, None, error, driver_error, hide_parameters=True, dialect=dialect
        ) from error


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

    async def acquire(self) -> PooledConnection:
        """Return a connection, to be released; raise `Unavailable` after the timeout."""
        # A timeout costs more than the rest, and a free connection needs none.
        waiting: AbstractAsyncContextManager[Any] = nullcontext()
        if self.limit.locked():
            waiting = asyncio.timeout(self.timeout)
        try:
            async with waiting:
                await self.limit.acquire()
        except TimeoutError as error:
            raise Unavailable from error
        try:
            connection = await self._usable_connection()
        except BaseException:
            self.limit.release()
            raise
        self.in_use += 1
        return connection

    def release(self, connection: PooledConnection) -> None:
        """Let others acquire the connection."""
        self.in_use -= 1
        self._idle.append(connection)
        self.limit.release()

    async def dispose(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            await self._idle.pop().connection.close()

    async def _usable_connection(self) -> PooledConnection:
        # The one used last comes first: its caches are warm.
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable():
                return connection
            await connection.discard()
        opened = await self.engine.connect()
        return self._wrap(self, opened, await opened.get_raw_connection())
