"""aiosqlite with fewer errands between threads.

aiosqlite runs every step of a statement (cursor, execute, fetch, close) on a thread of its own, and
SQLAlchemy awaits each: four trips of 60 to 90 microseconds for a read that takes SQLite 20. Here a
statement runs where it is called, on the event loop's thread, which is right for what an index
answers, and only what may take long takes a trip: waiting for a write lock that others hold, waiting
for the disk at commit, many rows at once, and any read that turns out long (docs/performance.md has
the figures).
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import Dialect, event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import EMPTY_DICT
from sqlalchemy.util.concurrency import await_

T = TypeVar("T")
FileId = tuple[int, int] | None

# In steps of SQLite's virtual machine, about two milliseconds' worth: a longer read takes the trip.
INLINE_READ_MAX_STEPS = 50_000
# So many of them between two looks at how long a read has taken.
PROGRESS_INTERVAL = 5_000
INLINE_MAX_ROWS = 50


class _Completed:
    """Something to await that is there already."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


# SQLAlchemy demands that an asynchronous driver awaits something in every statement.
COMPLETED = _Completed()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ("_owner",)

    # sqlite3's own cursor, not aiosqlite's: closing it is no trip.
    _awaitable_cursor_close = False

    def __init__(self, adapt_connection: "WriterConnection") -> None:
        self._adapt_connection = self._owner = adapt_connection
        self._connection = adapt_connection._connection
        self._cursor: Any = adapt_connection.driver.cursor()
        self._soft_closed_memoized = EMPTY_DICT
        self._rows: deque[Any] = deque()

    def execute(self, operation: str, parameters: Any = None) -> Any:
        """Run one statement and fetch what it returns."""

        def run() -> None:
            self._cursor.execute(operation, parameters or ())
            if self._cursor.description:
                self._rows = deque(self._cursor.fetchall())

        try:
            self._owner.run_inline(run)
        except Exception as error:
            self._owner._handle_exception(error)

    def executemany(self, operation: str, seq_of_parameters: Sequence[Any]) -> Any:
        """Run one statement for several rows; for many, on aiosqlite's thread."""

        def run() -> None:
            self._cursor.executemany(operation, seq_of_parameters)

        try:
            if len(seq_of_parameters) > INLINE_MAX_ROWS:
                self._owner.run_in_thread(run)
            else:
                self._owner.run_inline(run)
        except Exception as error:
            self._owner._handle_exception(error)


class WriterConnection(AsyncAdapt_aiosqlite_connection):
    """A connection that writes: one transaction at a time, committed on aiosqlite's thread."""

    _cursor_cls: type[AsyncAdapt_aiosqlite_cursor] = _Cursor

    @property
    def driver(self) -> sqlite3.Connection:
        """The connection of the standard library, beneath aiosqlite's."""
        connection: sqlite3.Connection = self._connection._conn
        return connection

    def run_in_thread(self, run: Callable[[], T]) -> T:
        """Run this on aiosqlite's thread and wait for it, while the event loop goes on."""
        result: T = await_(self._connection._execute(run))
        return result

    def run_inline(self, run: Callable[[], None]) -> None:
        """Run one statement: here, because it is one of few rows by key, and the lock is held."""
        await_(COMPLETED)
        run()

    def begin(self) -> None:
        """Take the write lock: here if it is free, else where it can be waited for."""
        try:
            if not self._try_begin():
                self.run_in_thread(lambda: self.driver.execute("BEGIN IMMEDIATE"))
        except Exception as error:
            self._handle_exception(error)

    def _try_begin(self) -> bool:
        [patience] = self.driver.execute("PRAGMA busy_timeout").fetchone()
        self.driver.execute("PRAGMA busy_timeout=0")
        try:
            self.driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
        finally:
            self.driver.execute(f"PRAGMA busy_timeout={patience}")
        return True

    def rollback(self) -> None:
        """Undo the transaction, if one is open: after a commit, the pool asks for this all the same."""
        if self.driver.in_transaction:
            super().rollback()


class ReaderConnection(WriterConnection):
    """A connection that reads: here, unless it takes long."""

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._loop_thread_id = threading.get_ident()
        self._progress_calls = 0
        self.driver.set_progress_handler(self._over_budget, PROGRESS_INTERVAL)

    def _over_budget(self) -> bool:
        # SQLite counts on where it was when the same statement ran before: so the first stride may end
        # at once, and one such look would interrupt what is short.
        self._progress_calls += 1
        return (
            threading.get_ident() == self._loop_thread_id
            and self._progress_calls > INLINE_READ_MAX_STEPS // PROGRESS_INTERVAL
        )

    def run_inline(self, run: Callable[[], None]) -> None:
        """Run one read here; if it turns out long, begin it again on aiosqlite's thread."""
        await_(COMPLETED)
        self._progress_calls = 0
        try:
            run()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            self.run_in_thread(run)

    def begin(self) -> None:
        """Begin a snapshot."""
        self.driver.execute("BEGIN")

    def rollback(self) -> None:
        """End the snapshot."""
        self.driver.rollback()

    def commit(self) -> None:
        """End the snapshot."""
        self.driver.commit()


class DataVersionReader:
    """Sees every commit to a database file, by any process, as it happens, and what is there then."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._opened: FileId = None
        self._times_opened = 0

    def data_version(self) -> int | None:
        """Return a number that is another one after any commit, or None when the file cannot be read.

        https://sqlite.org/pragma.html#pragma_data_version: it changes when another connection
        commits, and nothing is ever written on this one. Asking takes a few microseconds, half of
        them for seeing whether the file is still the one that was opened.
        """
        found = self.fetch_value("PRAGMA data_version")
        # Two connections count alike; 32 bits are what SQLite counts in.
        return None if found is None else self._times_opened << 32 | int(found[0][0])

    def fetch_value(self, run_inline: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]] | None:
        """Return the rows that a statement finds at this moment, or None when the file cannot be read.

        Here and now, so that it must be a look-up by key.
        """
        try:
            if self._connection is None or self._opened != file_id(self._file):
                self._connection = self._open()
            return self._connection.execute(run_inline, values).fetchall()
        except sqlite3.Error:
            self.close()
            return None

    def _open(self) -> sqlite3.Connection:
        self.close()
        self._opened = file_id(self._file)
        self._times_opened += 1
        uri = f"{self._file.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0)

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def file_id(file: Path) -> FileId:
    """Return what tells this file from another one of the same name, or None when there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def reconnect_when_replaced(engine: AsyncEngine, file: Path) -> None:
    """Make the engine's connections open the file anew when it was removed or replaced.

    A connection to a file that is gone works on as if nothing had happened, and what is written
    through it is lost with it.
    """

    @event.listens_for(engine.sync_engine, "connect")
    def opened(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["file"] = file_id(file)

    @event.listens_for(engine.sync_engine, "checkout")
    def discard_if_stale(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["file"] != file_id(file):
            raise DisconnectionError(f"{file} is not the file that was opened")


def use_connection_class(engine: AsyncEngine, kind: type[WriterConnection], pragmas: Sequence[str]) -> None:
    """Make the engine open connections of this kind, prepared with these PRAGMAs."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(dialect: Dialect, _record: object, arguments: Any, options: Any) -> WriterConnection:
        opened: Any = aiosqlite.connect(*arguments, **options)
        opened._thread.daemon = True  # as SQLAlchemy does: a forgotten connection keeps no process alive
        try:
            connection = kind(dialect.loaded_dbapi, await_(_awaited(opened)))
            connection.run_in_thread(lambda: _prepare(connection.driver, pragmas))
        except Exception:
            # Its thread tells the event loop that it ends. Not waited for, it finds the loop of a
            # command that failed closed, and says so at length on standard error.
            opened.stop()
            opened._thread.join()
            raise
        return connection


def _prepare(driver: sqlite3.Connection, pragmas: Sequence[str]) -> None:
    for pragma in pragmas:
        while not _is_set(driver, pragma):
            # Waits for whoever is in the way, as long as the busy timeout is, and then raises.
            driver.execute("BEGIN IMMEDIATE")
            driver.execute("COMMIT")


def _is_set(driver: sqlite3.Connection, pragma: str) -> bool:
    # While somebody else writes to a new file, SQLite refuses to turn on its write-ahead log at once,
    # whatever the busy timeout: of twelve processes on a new file, 1 or 2 in 100 found it locked.
    try:
        driver.execute(f"PRAGMA {pragma}")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


async def _awaited(connection: aiosqlite.Connection) -> Any:
    return await connection
