"""The connections on which units of work run, one after another."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from modules.kernel.domain.errors import Unavailable

Rows = Sequence[Sequence[Any]]
FetchRows = Callable[[], Awaitable[Rows]]
CONNECT_PAUSE_SECONDS = 1.0
"""How long a pool with connections opens one less after that failed, as when the server is full."""


class Uncancellable(asyncio.Future[None]):
    """A future that is not cancelled with the task that awaits it. The task is cancelled when it is done."""

    def cancel(self, msg: Any | None = None) -> bool:
        """Return False: it is not cancelled."""
        del msg
        return False


async def uninterrupted(work: Coroutine[Any, Any, None] | Uncancellable) -> bool:
    """Complete the work, whatever cancels the caller meanwhile: a time-out, or the end of the process.

    Returns whether something did. As it ends, an event loop cancels the work, too, unless that has not begun.
    """
    if isinstance(work, Uncancellable):
        # A shielded task takes two more turns of the event loop, which may take milliseconds each.
        try:
            await work
        except asyncio.CancelledError:
            work.result()
            return True
        return False
    has_begun = is_cancelled = False

    async def complete() -> None:
        nonlocal has_begun
        has_begun = True
        await work

    task = asyncio.create_task(complete())
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            is_cancelled = True
            if task.done() and not has_begun:
                task = asyncio.create_task(complete())
    task.result()
    return is_cancelled


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
    async def begin(self) -> None:
        """Begin a transaction. Without one, each statement is committed by itself."""

    @abstractmethod
    async def fetch(self, sql: str, values: Sequence[Any]) -> Rows:
        """Execute a statement and return its rows, none for a statement that returns no rows."""

    def fetch_later(self, _sql: str, _values: Sequence[Any]) -> FetchRows | None:
        """Return a function that fetches the rows, or None if they cannot be fetched with the next ones."""
        return None

    @abstractmethod
    async def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once for each row of values.

        In a unit of work, it may be executed with the next statement, which then raises its error.
        """

    @abstractmethod
    async def settle(self) -> None:
        """Execute what would be executed with the next statement."""

    def join_commit(self) -> Uncancellable | None:
        """Release the connection to a unit of work that commits both, and return a future of the commit.

        Returns None if this one must commit.
        """
        return None

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
        """Close the connection at once, without ending its session on the server."""
        if not self.is_invalidated:
            await self.connection.invalidate()
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self.connection.close()

    def release(self) -> None:
        """Let another unit of work acquire the connection, on which no transaction is open."""
        self._pool.release(self)

    def _wrapped(self, sql: str, error: Exception) -> Exception:
        """Return the error of the driver as SQLAlchemy raises it."""
        dialect = self.connection.dialect
        driver_error: Any = dialect.loaded_dbapi.Error
        return DBAPIError.instance(sql, None, error, driver_error, hide_parameters=True, dialect=dialect)


class ConnectionPool:
    """The connections of one engine, for `size` units of work at a time: each has a slot until it ends.

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
        self.free_slots = size
        """How many units of work can begin without waiting for the end of another one."""
        self.timeout = timeout
        """How long a unit of work waits for a connection, in seconds."""
        self.in_use = 0
        """The number of acquired connections."""
        self._wrap = wrap
        self._idle: list[PooledConnection] = []
        # The units of work that wait for a slot, in order. Nobody else gets one while there are some.
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._connecting = 0
        # Attempts to connect whose caller was cancelled: the next one goes on with them.
        self._abandoned: list[asyncio.Task[PooledConnection]] = []

    async def acquire(self) -> PooledConnection:
        """Return a connection, to be released; raise `Unavailable` after the timeout.

        Raises what connecting raises if nobody has a connection to wait for.
        """
        deadline = time.monotonic() + self.timeout
        connection = None
        while connection is None:
            if self.free_slots and not self._waiters:
                self.free_slots -= 1
            else:
                await self._wait_for_slot(deadline)
            connection = await self._use_slot()
        self.in_use += 1
        if connection.module is not None:
            connection.act_for(None)
        return connection

    def release(self, connection: PooledConnection) -> None:
        """Let others acquire the connection."""
        self.in_use -= 1
        self._idle.append(connection)
        self._release_slot()

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
        attempts = list(self._abandoned)
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
        while self._idle:
            connection = self._idle.pop()
            if await connection.is_usable():
                await connection.close()
            else:
                await connection.discard()

    async def _wait_for_slot(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiters.append(waiter)
        # Costs less than `asyncio.timeout`, and under load nearly every unit of work waits.
        timer = loop.call_later(deadline - time.monotonic(), give_up, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                await uninterrupted(self._pass_on_slot())
            raise
        finally:
            timer.cancel()

    def _release_slot(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.free_slots += 1

    async def _pass_on_slot(self) -> None:
        """Give a slot that was assigned to a unit of work, which was cancelled, to the next one."""
        self._release_slot()

    async def _use_slot(self) -> PooledConnection | None:
        """Return a connection; None if the server accepts no other one, but there are some to wait for.

        The slot is then released only after a while, so that others wait for a connection, in order.
        """
        try:
            return await self._usable_connection()
        except DBAPIError:
            if self.in_use or self._connecting:
                asyncio.get_running_loop().call_later(CONNECT_PAUSE_SECONDS, self._release_slot)
                return None
            self._release_slot()
            raise
        except BaseException:
            self._release_slot()
            raise

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
        self._connecting += 1
        try:
            return await self._new_connection()
        finally:
            self._connecting -= 1

    async def _new_connection(self) -> PooledConnection:
        if self.engine.dialect.name == "sqlite":
            return await self._connect()
        # One of several servers may be unreachable. Connecting then takes longer than some callers wait, and
        # none would ever get past it.
        attempt = self._abandoned.pop() if self._abandoned else asyncio.create_task(self._connect())
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            if not attempt.done():
                self._abandoned.append(attempt)
                attempt.add_done_callback(self._keep)
            elif not attempt.cancelled() and attempt.exception() is None:
                self._idle.append(attempt.result())
            raise

    async def _connect(self) -> PooledConnection:
        opened = await self.engine.connect()
        try:
            return self._wrap(self, opened, await opened.get_raw_connection())
        except BaseException:
            await opened.close()
            raise

    def _keep(self, attempt: asyncio.Task[PooledConnection]) -> None:
        """Keep the connection for the next caller, unless one waits for it already."""
        if attempt in self._abandoned:
            self._abandoned.remove(attempt)
            if not attempt.cancelled() and attempt.exception() is None:
                self._idle.append(attempt.result())


def give_up(waiter: asyncio.Future[None]) -> None:
    """Let a unit of work that waits raise `Unavailable`."""
    if not waiter.done():
        waiter.set_exception(Unavailable())
