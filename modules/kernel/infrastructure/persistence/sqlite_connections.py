"""The connections to SQLite on which units of work run, and the queue of those that write."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from modules.kernel.domain.identity import write_authorization
from modules.kernel.infrastructure.persistence.connections import (
    ConnectionPool,
    PooledConnection,
    Rows,
    Uncancellable,
    give_up,
    uninterrupted,
)
from modules.kernel.infrastructure.persistence.sqlite_driver import (
    SAVEPOINTS,
    WriterConnection,
    marked_sql,
    statements_in_thread,
)

MAX_UNITS_PER_COMMIT = 32
RELEASE = "RELEASE unit_of_work"


class SqliteConnection(PooledConnection):
    """A connection to SQLite. Statements run inline or on aiosqlite's thread, as its adapter decides."""

    def __init__(self, pool: ConnectionPool, connection: AsyncConnection, raw: PoolProxiedConnection) -> None:
        super().__init__(pool, connection)
        adapter: Any = raw.dbapi_connection
        self._adapter: WriterConnection = adapter
        self._driver = self._adapter.driver

    def act_for(self, module: str | None) -> None:
        self.module = self._adapter.module = module

    async def begin(self) -> None:
        try:
            await self._adapter.begin_unit_of_work()
        except sqlite3.Error as error:
            raise self._wrapped("BEGIN", error) from error

    async def fetch(self, sql: str, values: Sequence[Any]) -> Rows:
        marked = sql if self.module is None else marked_sql(sql, self.module)
        try:
            if self.module is not None and sql.startswith(SAVEPOINTS):
                with self._adapter.acting_for_no_module():
                    return await self._adapter.run(lambda: self._driver.execute(sql).fetchall())
            return await self._adapter.run(lambda: self._driver.execute(marked, values).fetchall())
        except sqlite3.Error as error:
            raise self._adapter.refusal(error) or self._wrapped(sql, error) from error

    async def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        marked = sql if self.module is None else marked_sql(sql, self.module)
        try:
            await self._adapter.run(lambda: self._driver.executemany(marked, rows), len(rows))
        except sqlite3.Error as error:
            raise self._adapter.refusal(error) or self._wrapped(sql, error) from error

    async def settle(self) -> None:
        """Do nothing: each statement is executed at once."""

    async def commit(self) -> None:
        try:
            await self._adapter.end_unit_of_work(self._driver.commit)
        except sqlite3.Error as error:
            await self.rollback()
            raise self._wrapped("COMMIT", error) from error
        self.release()

    async def rollback(self) -> None:
        try:
            if not self.is_invalidated:
                await self._adapter.end_unit_of_work(self._driver.rollback)
        except sqlite3.Error as error:
            raise self._wrapped("ROLLBACK", error) from error
        finally:
            self.release()

    @property
    def is_aborted(self) -> bool:
        # By some errors, such as a full disk: https://sqlite.org/lang_transaction.html, 3.
        return self.is_invalidated or not self._driver.in_transaction

    async def is_usable(self) -> bool:
        return not (self.is_invalidated or self._driver.in_transaction or self._adapter.is_replaced())


class WriteQueue(ConnectionPool):
    """The connection for writes to a database file, for one unit of work at a time.

    A commit waits for the disk, so units of work that wait for each other share one: each is a savepoint
    of one transaction, and each ends when that is committed. A unit of work that fails is rolled back
    alone. If nobody waits, a unit of work is a transaction of its own.

    Those that wait are woken together. Few units of work suspend before their commit, so that all of them run
    in one turn of the event loop; a turn may take milliseconds, because reads run in it.
    """

    def __init__(self, engine: AsyncEngine, timeout: float) -> None:
        super().__init__(engine, SqliteWriter, 1, timeout)
        self.uncommitted: list[Uncancellable] = []
        """One for each unit of work that ended in the open transaction; done after its commit."""

        self.units = 0
        """The number of units of work that began in the open transaction, also those that failed."""

        self._max_units = 0

    def can_go_on(self) -> bool:
        """Return whether another unit of work waits, and may join the open transaction.

        Those that do not wait yet when the first one ends may not: they could put off its commit for long.
        """
        if not self.uncommitted:
            self._max_units = min(self.units + len(self._waiters), MAX_UNITS_PER_COMMIT)
        return self.units < self._max_units and bool(self._waiters)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        connection = await self.acquire()
        try:
            if await uninterrupted(self._commit(connection)):
                raise asyncio.CancelledError
            yield
        finally:
            connection.release()

    async def dispose(self) -> None:
        if self.uncommitted and self.free_slots:
            self.free_slots -= 1
            try:
                await self._commit(self._idle[-1])
            finally:
                self._release_slot()
        await super().dispose()

    async def _wait_for_slot(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiters.append(waiter)
        timer = loop.call_later(deadline - time.monotonic(), give_up, waiter)
        try:
            await waiter
            while not self.free_slots or self._waiters[0] is not waiter:
                # One of those before it has suspended.
                timer.cancel()
                position, waiter = self._waiters.index(waiter), loop.create_future()
                self._waiters[position] = waiter
                timer = loop.call_later(deadline - time.monotonic(), give_up, waiter)
                await waiter
            self._waiters.popleft()
            self.free_slots -= 1
        except BaseException:
            self._waiters.remove(waiter)
            if self.free_slots:
                await self._pass_on_slot()
            raise
        finally:
            timer.cancel()

    def _release_slot(self) -> None:
        self.free_slots += 1
        for waiter in islice(self._waiters, MAX_UNITS_PER_COMMIT):
            if not waiter.done():
                waiter.set_result(None)

    async def _pass_on_slot(self) -> None:
        self.free_slots -= 1
        is_cancelled = False
        try:
            if self.uncommitted and not self.can_go_on():
                # The others have relied on it for their commit.
                is_cancelled = await uninterrupted(self._commit(self._idle[-1]))
        finally:
            self._release_slot()
        if is_cancelled:
            raise asyncio.CancelledError

    async def _commit(self, connection: PooledConnection) -> None:
        if self.uncommitted:
            assert isinstance(connection, SqliteWriter)  # noqa: S101 - the only kind in this pool
            await connection.commit_shared()


class SqliteWriter(SqliteConnection):
    """The connection of a `WriteQueue`."""

    _pool: WriteQueue
    _is_savepoint = False

    async def begin(self) -> None:
        # Others may be waiting for this commit. An event handler, or a statement on many rows, may take long.
        is_short = write_authorization.get() is not None and not statements_in_thread.get()
        if self._pool.uncommitted and not is_short and await uninterrupted(self.commit_shared()):
            raise asyncio.CancelledError
        self._is_savepoint = bool(self._pool.uncommitted)
        if self._is_savepoint:
            self._pool.units += 1
            await self.fetch("SAVEPOINT unit_of_work", ())
        else:
            self._pool.units = 1
            await super().begin()

    def join_commit(self) -> Uncancellable | None:
        if not self._pool.can_go_on() or self.is_aborted:
            return None
        if self._is_savepoint:
            try:
                self._driver.execute(RELEASE)
            except sqlite3.Error:
                # `commit` raises it.
                return None
        committed = Uncancellable()
        self._pool.uncommitted.append(committed)
        self.release()
        return committed

    async def commit(self) -> None:
        if self._is_savepoint:
            try:
                await self.fetch(RELEASE, ())
            except BaseException:
                await self.rollback()
                raise
        can_go_on, committed = self._pool.can_go_on(), Uncancellable()
        self._pool.uncommitted.append(committed)
        try:
            if not can_go_on:
                await self.commit_shared()
        finally:
            self.release()
        await committed

    async def rollback(self) -> None:
        try:
            if self.is_aborted:
                # With all units of work in the transaction.
                self._end_shared(sqlite3.OperationalError("rolled back with another unit of work"))
            elif self._is_savepoint:
                for statement in ("ROLLBACK TO unit_of_work", RELEASE):
                    await self._adapter.run(partial(self._driver.execute, statement))
            else:
                await self._adapter.end_unit_of_work(self._driver.rollback)
            if self._pool.uncommitted and not self._pool.can_go_on():
                await self.commit_shared()
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                await self._adapter.end_unit_of_work(self._driver.rollback)
            self._end_shared(error)
            raise self._wrapped("ROLLBACK", error) from error
        finally:
            self.release()

    async def commit_shared(self) -> None:
        """Commit the transaction, and tell the result to every unit of work in it."""
        error: Exception | None = sqlite3.OperationalError("interrupted")

        def commit() -> None:
            nonlocal error
            self._driver.commit()
            error = None

        try:
            await self._adapter.end_unit_of_work(commit)
        except sqlite3.Error as commit_error:
            error = commit_error
        finally:
            # Even if the event loop ends: the others wait for it, and cannot be cancelled.
            try:
                if error is not None and self._driver.in_transaction:
                    await self._adapter.end_unit_of_work(self._driver.rollback)
            finally:
                self._end_shared(error)

    async def is_usable(self) -> bool:
        return bool(self._pool.uncommitted) or await super().is_usable()

    def _end_shared(self, error: Exception | None) -> None:
        committed, self._pool.uncommitted = self._pool.uncommitted, []
        for unit in committed:
            if error is None:
                unit.set_result(None)
            else:
                unit.set_exception(self._wrapped("COMMIT", error))
