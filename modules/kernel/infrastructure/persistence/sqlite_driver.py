"""An aiosqlite dialect that runs short statements on the event-loop thread.

aiosqlite runs every step of a statement (cursor, execute, fetch, close) on a thread of its own, and
SQLAlchemy awaits each: four thread switches of 60 to 90 microseconds for a read that takes SQLite 20.
Here statements run inline, on the event-loop thread, which suits lookups by index. aiosqlite's thread
runs what may take long: waiting for a write lock or for the disk at commit, inserts of many rows, and
any read that exceeds its budget of steps (docs/performance.md has the measurements).
"""

import asyncio
import math
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import structlog
from sqlalchemy import Dialect, event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import EMPTY_DICT
from sqlalchemy.util.concurrency import await_

from modules.kernel.infrastructure.persistence.connections import uninterrupted
from modules.kernel.infrastructure.persistence.table_owners import ForeignTable, TableOwners

T = TypeVar("T")
FileId = tuple[int, int] | None

READ_TIMEOUT_SECONDS = 5.0
"""The time limit of one read. A longer one is interrupted, and the database is unavailable to it."""

# In steps of SQLite's virtual machine, about two milliseconds: a longer read moves to aiosqlite's thread.
INLINE_READ_MAX_STEPS = 50_000
# The number of steps between two calls of the progress handler.
PROGRESS_INTERVAL = 5_000
INLINE_MAX_ROWS = 50
# How long reads may go on in a file that was removed or replaced: looking takes a twentieth of a request.
REPLACEMENT_CHECK_INTERVAL_SECONDS = 1.0
# The mode of new files: the owner may read and write.
PRIVATE = 0o600

WRITE_AHEAD_LOG = "journal_mode=WAL"

log = structlog.get_logger("conduit.database")

# Their arguments are no tables. https://sqlite.org/c3ref/c_alter_table.html
WITHOUT_TABLES = frozenset({sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_SAVEPOINT, sqlite3.SQLITE_TRANSACTION})
SAVEPOINTS = ("SAVEPOINT", "RELEASE", "ROLLBACK TO")
# Their second argument is a column.
WITH_COLUMN = frozenset({sqlite3.SQLITE_READ, sqlite3.SQLITE_UPDATE})

statements_in_thread: ContextVar[bool] = ContextVar("statements_in_thread", default=False)
"""Whether the current task's writes run on aiosqlite's thread, because they may take long."""


class DatabaseFile:
    """The file of a database, which somebody may remove or replace.

    All that reads it has one, so that the response cache and the reads agree on which file it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        self._id: FileId = None
        self._checked_at = -math.inf

    def current_id(self) -> FileId:
        """Return the device and inode of the file, or None if it does not exist."""
        self._checked_at = time.monotonic()
        try:
            status = os.stat(self._name)  # noqa: PTH116 - several times as fast as Path.stat
        except FileNotFoundError:
            self._id = None
        else:
            self._id = status.st_dev, status.st_ino
        return self._id

    def recent_id(self) -> FileId:
        """Return what `current_id` returned last, unless that is too long ago."""
        is_recent = time.monotonic() - self._checked_at < REPLACEMENT_CHECK_INTERVAL_SECONDS
        return self._id if is_recent else self.current_id()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ("_owner",)

    # sqlite3's own cursor, not aiosqlite's: closing it needs no thread.
    _awaitable_cursor_close = False

    def __init__(self, adapt_connection: "WriterConnection") -> None:
        self._adapt_connection = self._owner = adapt_connection
        self._connection = adapt_connection._connection
        self._cursor: Any = adapt_connection.driver.cursor()
        self._soft_closed_memoized = EMPTY_DICT
        self._rows: deque[Any] = deque()

    def execute(self, operation: str, parameters: Any = None) -> Any:
        """Run one statement and fetch its rows."""
        module = self._owner.module
        marked = operation if module is None else marked_sql(operation, module)

        def run() -> None:
            if module is not None and operation.startswith(SAVEPOINTS):
                with self._owner.acting_for_no_module():
                    self._cursor.execute(operation)
                return
            self._cursor.execute(marked, parameters or ())
            if self._cursor.description:
                self._rows = deque(self._cursor.fetchall())

        try:
            await_(self._owner.run(run))
        except Exception as error:
            self._owner.reraise(error)

    def executemany(self, operation: str, seq_of_parameters: Sequence[Any]) -> Any:
        """Run one statement for several rows; for many rows on aiosqlite's thread."""
        module = self._owner.module
        marked = operation if module is None else marked_sql(operation, module)

        def run() -> None:
            self._cursor.executemany(marked, seq_of_parameters)

        try:
            await_(self._owner.run(run, len(seq_of_parameters)))
        except Exception as error:
            self._owner.reraise(error)


class WriterConnection(AsyncAdapt_aiosqlite_connection):
    """A connection for writes: one transaction at a time, committed on aiosqlite's thread."""

    _cursor_cls: type[AsyncAdapt_aiosqlite_cursor] = _Cursor

    def __init__(self, dbapi: Any, connection: Any, file: DatabaseFile | None) -> None:
        super().__init__(dbapi, connection)
        self.driver: sqlite3.Connection = connection._conn
        """The standard library's connection inside aiosqlite's."""

        self._in_unit_of_work = False
        self._file = file
        self._file_id = None if file is None else file.current_id()
        self.module: str | None = None
        """The module whose statements it executes. Those of no module may use all tables."""

        self._owners: TableOwners | None = None
        self._refusal: ForeignTable | None = None

    def isolate_modules(self, owners: TableOwners) -> None:
        """Refuse statements of a module on tables of others. SQLite asks when it prepares a statement.

        https://sqlite.org/c3ref/set_authorizer.html
        """
        self._owners = owners
        self.driver.set_authorizer(self._authorize)

    def _authorize(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if self.module is None or self._owners is None or action in WITHOUT_TABLES:
            return sqlite3.SQLITE_OK
        for name in (first, None if action in WITH_COLUMN else second):
            if name is not None and (refusal := self._owners.refusal(self.module, name)) is not None:
                self._refusal = refusal
                return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    @contextmanager
    def acting_for_no_module(self) -> Iterator[None]:
        """Execute statements of no module in this block: of savepoints, and of SQLite itself.

        The full-text index writes what it was given before a savepoint begins or ends.
        """
        module, self.module = self.module, None
        try:
            yield
        finally:
            self.module = module

    def refusal(self, error: Exception) -> ForeignTable | None:
        """Return the refusal that the driver's error reports, or None."""
        is_refusal = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_AUTH
        return self._refusal if is_refusal else None

    def reraise(self, error: Exception) -> None:
        """Raise the refusal that the driver's error reports, or the error as SQLAlchemy does."""
        if (refusal := self.refusal(error)) is not None:
            raise refusal from error
        self._handle_exception(error)

    def is_replaced(self) -> bool:
        """Return whether the file was removed or replaced since it was opened.

        A connection to a deleted file continues to work without an error, and its writes are lost.
        """
        return self._file is not None and self._file_id != self._file.current_id()

    async def run_in_thread(self, work: Callable[[], T]) -> T:
        """Run this on aiosqlite's thread and return its result, or raise `CancelledError` after its end.

        Until then, the connection cannot be used on the event-loop thread, which would wait for its lock.
        """
        try:
            result: T = await self._connection._execute(work)
        except asyncio.CancelledError:
            self._interrupt()
            await uninterrupted(self._connection._execute(lambda: None))
            raise
        return result

    def _interrupt(self) -> None:
        """Do nothing: an interrupted write rolls back all of its transaction."""

    async def run(self, work: Callable[[], T], rows: int = 1) -> T:
        """Run a statement and return its result.

        A statement for few rows by key runs on the event-loop thread, with the write lock acquired.
        """
        if self._in_unit_of_work and not self.driver.in_transaction:
            # The statement would be a transaction of its own.
            raise sqlite3.OperationalError("SQLite has rolled back the transaction")
        if rows > INLINE_MAX_ROWS or statements_in_thread.get():
            return await self.run_in_thread(work)
        return work()

    async def begin_unit_of_work(self) -> None:
        """Begin a transaction that SQLAlchemy does not end, but `end_unit_of_work`."""
        await self._begin()
        self._in_unit_of_work = True

    async def end_unit_of_work(self, end: Callable[[], None]) -> None:
        """Commit or roll back the transaction, if it is open."""
        self._in_unit_of_work = False
        if self.driver.in_transaction:
            await self._end(end)

    def begin(self) -> None:
        """Begin a transaction for SQLAlchemy, unless its unit of work has begun it."""
        if not self._in_unit_of_work:
            await_(self._begin())

    def commit(self) -> None:
        """Commit SQLAlchemy's transaction, unless its unit of work does."""
        if not self._in_unit_of_work:
            await_(self.end_unit_of_work(self.driver.commit))

    def rollback(self) -> None:
        """Roll back SQLAlchemy's transaction, unless its unit of work does."""
        if not self._in_unit_of_work:
            await_(self.end_unit_of_work(self.driver.rollback))

    async def _begin(self) -> None:
        # Acquires the write lock: inline if it is free, otherwise on aiosqlite's thread.
        if not self._try_begin():
            await self.run_in_thread(lambda: self.driver.execute("BEGIN IMMEDIATE"))

    async def _end(self, end: Callable[[], None]) -> None:
        await self.run_in_thread(end)

    def _try_begin(self) -> bool:
        [busy_timeout] = self.driver.execute("PRAGMA busy_timeout").fetchone()
        self.driver.execute("PRAGMA busy_timeout=0")
        try:
            self.driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
        finally:
            self.driver.execute(f"PRAGMA busy_timeout={busy_timeout}")
        return True


class ReaderConnection(WriterConnection):
    """A connection for reads: inline, unless they exceed their budget of steps; each has a time limit."""

    def __init__(self, dbapi: Any, connection: Any, file: DatabaseFile | None) -> None:
        super().__init__(dbapi, connection, file)
        self._loop_thread_id = threading.get_ident()
        self._progress_calls = 0
        self._deadline = math.inf
        self.driver.set_progress_handler(self._is_over, PROGRESS_INTERVAL)

    def _is_over(self) -> bool:
        """Return whether to interrupt the running read."""
        if threading.get_ident() != self._loop_thread_id:
            return time.monotonic() >= self._deadline
        # SQLite continues the step count of the statement's previous run, so that the first call may come
        # at once: a single call does not mean that the read is long.
        self._progress_calls += 1
        return self._progress_calls > INLINE_READ_MAX_STEPS // PROGRESS_INTERVAL

    def is_replaced(self) -> bool:
        """Return whether the file was removed or replaced, as of a moment ago: nothing is lost by a read."""
        return self._file is not None and self._file_id != self._file.recent_id()

    async def run(self, work: Callable[[], T], _rows: int = 1) -> T:
        """Run one read inline; if it exceeds its budget, restart it on aiosqlite's thread."""
        self._progress_calls = 0
        try:
            return work()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
        return await self._run_within_limit(work)

    async def _run_within_limit(self, work: Callable[[], T]) -> T:
        self._deadline = time.monotonic() + READ_TIMEOUT_SECONDS
        return await self.run_in_thread(work)

    def _interrupt(self) -> None:
        self._deadline = -math.inf

    async def _begin(self) -> None:
        self.driver.execute("BEGIN")

    async def _end(self, end: Callable[[], None]) -> None:
        end()


def marked_sql(sql: str, module: str) -> str:
    """Return the SQL for a statement of a module.

    The driver caches prepared statements by their text, so each module prepares its own.
    """
    return f"{sql}\n--{module}"


class DataVersionReader:
    """Reads the data version of a database file."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._opened: FileId = None
        self._times_opened = 0

    async def data_version(self) -> int | None:
        """Return a number that changes with every commit, or None when the file cannot be read.

        https://sqlite.org/pragma.html#pragma_data_version: it changes when another connection commits,
        and this one never writes. Reading it takes a few microseconds.
        """
        try:
            if self._connection is None or self._opened != self._file.recent_id():
                self._connection = self._open()
            [version] = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            self._close()
            return None
        # A new connection may repeat the numbers of the previous one; SQLite counts in 32 bits.
        return self._times_opened << 32 | int(version)

    async def close(self) -> None:
        """Close the connection; the next read opens it again."""
        self._close()

    def _open(self) -> sqlite3.Connection:
        self._close()
        self._opened = self._file.current_id()
        self._times_opened += 1
        uri = f"{self._file.path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def create_private(file: Path) -> None:
    """Create an empty file that only its owner may read, unless the file exists or cannot be created.

    SQLite would create it with mode 0644. It gives the mode of the database to its -wal, -shm and -journal
    files (https://sqlite.org/tempfiles.html), and reports why a file cannot be created.
    """
    with suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))


def use_connection_class(
    engine: AsyncEngine,
    kind: type[WriterConnection],
    pragmas: Sequence[str],
    file: DatabaseFile | None,
    owners: TableOwners | None,
) -> None:
    """Make the engine open connections of this class to the file, if any, with these PRAGMAs set.

    With owners, they refuse statements of a module on tables of others.

    The first connection creates a missing file. Later ones do not: a file that was removed from under a
    server is an error, and an empty one in its place would only hide it.
    """
    has_existed = False

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(dialect: Dialect, _record: object, arguments: Any, options: Any) -> WriterConnection:
        nonlocal has_existed
        if file is not None:
            if not has_existed:
                create_private(file.path)
            # https://sqlite.org/uri.html: a read-write connection does not create the file.
            arguments = (f"{file.path.absolute().as_uri()}?mode=rw",)
            options = {**options, "uri": True}
        opened: Any = aiosqlite.connect(*arguments, **options)
        opened._thread.daemon = True  # as in SQLAlchemy: an unclosed connection does not block the exit
        try:
            connection = kind(dialect.loaded_dbapi, await_(_awaited(opened)), file)
            await_(connection.run_in_thread(lambda: prepare_connection(connection.driver, pragmas)))
            if owners is not None:
                connection.isolate_modules(owners)
            has_existed = True
        except BaseException:
            # The thread reports its end to the event loop. Without the join, a failed command may have
            # closed the loop by then, and the thread would print a traceback.
            opened.stop()
            opened._thread.join()
            raise
        return connection


def prepare_connection(driver: sqlite3.Connection, pragmas: Sequence[str]) -> None:
    """Set the PRAGMAs; log a warning if there is no write-ahead log."""
    for pragma in pragmas:
        while not _is_set(driver, pragma):
            # Waits for other writers for the busy timeout, and then raises.
            driver.execute("BEGIN IMMEDIATE")
            driver.execute("COMMIT")
    if WRITE_AHEAD_LOG in pragmas:
        [mode] = driver.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            # https://sqlite.org/wal.html, 2: on file systems without shared memory, such as network ones.
            log.warning("write-ahead log unavailable, readers wait for writers", journal_mode=mode)


def _is_set(driver: sqlite3.Connection, pragma: str) -> bool:
    # While another process writes to a new file, SQLite rejects journal_mode=WAL at once, regardless of
    # the busy timeout: of twelve processes on a new file, 1 or 2 in 100 failed.
    try:
        driver.execute(f"PRAGMA {pragma}")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


async def _awaited(connection: aiosqlite.Connection) -> Any:
    return await connection
