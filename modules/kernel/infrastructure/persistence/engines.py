"""The engines of a database, by its URL.

Code outside this folder does not depend on the dialect, except modules with a full-text index, which
each engine has its own kind of. The remaining differences are in docs/operations.md.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine

from modules.kernel.infrastructure.persistence.connections import ConnectionPool
from modules.kernel.infrastructure.persistence.postgresql import (
    POOL_SIZE,
    POOL_TIMEOUT_SECONDS,
    SessionSettings,
    notifications,
    server_engine,
    session_settings,
)
from modules.kernel.infrastructure.persistence.replica import MAX_REPLICA_LAG_SECONDS, Replica
from modules.kernel.infrastructure.persistence.sqlite import (
    READ_POOL_SIZE,
    file_engines,
    in_memory_engine,
    is_in_working_directory,
    sqlite_file,
)
from modules.kernel.infrastructure.persistence.sqlite_connections import SqliteConnection, WriteQueue
from modules.kernel.infrastructure.persistence.sqlite_driver import (
    READ_TIMEOUT_SECONDS,
    DatabaseFile,
    DataVersionReader,
)
from modules.kernel.infrastructure.persistence.table_owners import TableOwners
from modules.kernel.infrastructure.persistence.write_ahead_log import WriteAheadLog

# How soon a commit of another process is noticed. Polling at this rate takes about 1 % of a core.
COMMIT_POLL_SECONDS = 0.02
WRITE_LOCK_TIMEOUT_SECONDS = 10.0
# Of a statement that has taken too long already.
REPLICA_CANCEL_TIMEOUT_SECONDS = 0.2


DataVersion = int | str


class VersionReader(Protocol):
    """Reads the data version of a database."""

    async def data_version(self) -> DataVersion | None:
        """Return a value that changes with every commit, of any process; None where it is not available."""

    async def close(self) -> None:
        """Close the connection."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The connections of one database: for transactions, for snapshots, for migrations and to its replica."""

    write: ConnectionPool
    read: ConnectionPool
    migrate: AsyncEngine
    migration_lock: Callable[[], AbstractAsyncContextManager[None]]
    probe: ConnectionPool
    """A connection of its own for health checks, which must not wait for requests."""

    listen: AsyncEngine | None = None
    """For notifications of PostgreSQL."""

    session_settings: Sequence[SessionSettings] = ()
    """Of PostgreSQL: for transactions and for snapshots."""

    version_reader: VersionReader | None = None
    replica: Replica | None = None
    write_ahead_log: WriteAheadLog | None = None
    """Of a SQLite file."""

    max_connections: int = 0
    """To the primary of PostgreSQL."""

    async def data_version(self) -> DataVersion | None:
        """Return a value that changes with every commit, of any process; None where it is not available."""
        return None if self.version_reader is None else await self.version_reader.data_version()

    async def notifications(self) -> AsyncIterator[str | None]:
        """Yield the topics that other processes notify, or None for any topic, as at the beginning.

        Ends at once for a database in memory, which no other process uses. Raises `ConnectionError`.
        """
        if self.listen is not None:
            # Without a pool: the connection stays open while there are listeners.
            async for topic in notifications(self.listen):
                yield topic
            return
        previous = None
        while self.version_reader is not None:
            await asyncio.sleep(COMMIT_POLL_SECONDS)
            current = await self.data_version()
            if current != previous:
                previous = current
                yield None

    async def dispose(self) -> None:
        """Close every connection."""
        if self.version_reader is not None:
            await self.version_reader.close()
        # The writer last: SQLite checkpoints the write-ahead log into the file when the last connection,
        # if it may write, closes.
        if self.replica is not None:
            await self.replica.dispose()
        for pool in (self.probe, self.read, self.write):
            await pool.dispose()
        await self.migrate.dispose()


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """How a database is used."""

    synchronous: str = "FULL"
    """SQLite's durability: with FULL, a commit survives a power failure."""

    pool_size: int = POOL_SIZE
    """Of PostgreSQL's connection pools, for writes and again for reads."""

    read_url: str | None = None
    """The URL of a replica."""

    max_replica_lag_seconds: float = MAX_REPLICA_LAG_SECONDS
    """How far a replica may be behind the primary to be read."""

    listen_url: str | None = None
    """A URL for notifications, if they cannot be received at the other one."""

    prepares_statements: bool = True
    """Whether PostgreSQL keeps statements to execute them again."""


DEFAULT_OPTIONS = DatabaseOptions()


class OtherUrlError(ValueError):
    """A URL in the options is invalid; `field` is its name there."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def open_engines(
    url: str, options: DatabaseOptions = DEFAULT_OPTIONS, owners: TableOwners | None = None
) -> Engines:
    """Return the engines for a database URL, not connected yet.

    With `owners`, statements of a module on tables of others are refused. Raises `ValueError` unless the URL
    is sqlite+aiosqlite or postgresql+psycopg with libpq's options, and for another URL beside one of SQLite.
    """
    parsed = parse_url(url)
    match parsed.drivername:
        case "sqlite+aiosqlite":
            if options.read_url is not None or options.listen_url is not None:
                raise ValueError("only PostgreSQL has replicas and notifications")
            return _sqlite(parsed, options.synchronous, owners)
        case "postgresql+psycopg":
            return _postgresql(parsed, options, owners)
    raise ValueError(f"cannot use {parsed.drivername}: it is sqlite+aiosqlite or postgresql+psycopg")


def _sqlite(url: URL, synchronous: str, owners: TableOwners | None) -> Engines:
    """Return SQLite's engines: one writer at a time, and concurrent readers.

    Every transaction acquires SQLite's write lock as it begins, so that no other one changes what it
    reads before it writes, and none fails midway with "database is locked". The pool queues
    writers fairly, where SQLite would let them sleep and retry.
    """
    path = sqlite_file(url)
    if path is None:
        engine = in_memory_engine(url, owners)
        pool = ConnectionPool(engine, SqliteConnection, 1, WRITE_LOCK_TIMEOUT_SECONDS)
        return Engines(pool, pool, engine, pool.exclusive, pool)
    file = DatabaseFile(path)
    write, read, migrate = file_engines(url, file, synchronous, owners)
    writer = WriteQueue(write, WRITE_LOCK_TIMEOUT_SECONDS)
    readers = ConnectionPool(read, SqliteConnection, READ_POOL_SIZE, READ_TIMEOUT_SECONDS)
    probe = ConnectionPool(read, SqliteConnection, 1, READ_TIMEOUT_SECONDS)
    return Engines(
        writer,
        readers,
        migrate,
        writer.exclusive,
        probe,
        version_reader=DataVersionReader(file),
        write_ahead_log=WriteAheadLog(path),
    )


def _postgresql(url: URL, options: DatabaseOptions, owners: TableOwners | None) -> Engines:
    from modules.kernel.infrastructure.persistence.postgresql_connections import (  # noqa: PLC0415 - saves memory on SQLite
        PostgresqlConnection,
        run_sessions_in_units_of_work,
    )
    from modules.kernel.infrastructure.persistence.postgresql_data_version import (  # noqa: PLC0415 - saves memory on SQLite
        ServerDataVersionReader,
    )

    def pool(engine: AsyncEngine, settings: SessionSettings, size: int) -> ConnectionPool:
        wrap = partial(PostgresqlConnection, settings=settings, owners=owners)
        return ConnectionPool(engine, wrap, size, POOL_TIMEOUT_SECONDS)

    engine = listen = server_engine(url)
    run_sessions_in_units_of_work(engine)
    replica = None
    writing, reading = session_settings(url, prepares=options.prepares_statements)
    if options.listen_url is not None:
        listen = _other_engine("listen_url", options.listen_url)
    if options.read_url is not None:
        standby = _other_engine("read_url", options.read_url)
        run_sessions_in_units_of_work(standby)
        _, settings = session_settings(
            standby.url,
            prepares=options.prepares_statements,
            cancel_timeout=REPLICA_CANCEL_TIMEOUT_SECONDS,
        )
        replica = Replica(
            pool(standby, settings, options.pool_size),
            own=pool(standby, settings, 1),
            primary=pool(engine, reading, 1),
            max_lag_seconds=options.max_replica_lag_seconds,
        )
    return Engines(
        write=pool(engine, writing, options.pool_size),
        read=pool(engine, reading, options.pool_size),
        migrate=engine,
        migration_lock=nullcontext,
        probe=pool(engine, reading, 1),
        listen=listen,
        session_settings=(writing, reading),
        # On a connection of its own: it must not wait for slow reads, which may be what is cached.
        version_reader=ServerDataVersionReader(pool(engine, reading, 1)),
        replica=replica,
        # Besides the pools: for probes, the data version, notifications and the lag of the replica.
        max_connections=2 * options.pool_size + 3 + (replica is not None),
    )


def _other_engine(field: str, url: str) -> AsyncEngine:
    """Return the engine of another URL of PostgreSQL; raise `OtherUrlError`."""
    try:
        parsed = parse_url(url)
        engine = server_engine(parsed) if parsed.drivername == "postgresql+psycopg" else None
    except ValueError as error:
        raise OtherUrlError(field, str(error)) from error
    if engine is None:
        raise OtherUrlError(field, f"cannot use {parsed.drivername}: it is postgresql+psycopg")
    return engine


def create_folder(url: str) -> Path | None:
    """Create the folder of a SQLite database outside of the working directory.

    Returns the folder if it did not exist. Raises `OSError`.
    """
    try:
        parsed = parse_url(url)
        file = sqlite_file(parsed) if parsed.get_backend_name() == "sqlite" else None
    except ValueError:
        # The connection reports it.
        return None
    if file is None or is_in_working_directory(file) or file.parent.is_dir():
        return None
    file.parent.mkdir(parents=True)
    return file.parent


def parse_url(url: str) -> URL:
    """Return the parts of a database URL; raise `ValueError`, whose message does not contain it."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        # The message omits the URL, which may contain a password.
        raise ValueError("invalid database URL (example: sqlite+aiosqlite:///var/conduit.db)") from error


def redact_password(url: URL) -> str:
    """Return a database URL with its password redacted."""
    # libpq also accepts a password in the query, of which only host and port identify the database.
    return url.set(
        query={name: url.query[name] for name in ("host", "port") if name in url.query}
    ).render_as_string()
