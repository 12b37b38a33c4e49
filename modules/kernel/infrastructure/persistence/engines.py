"""The engines of a database, by its URL.

Code outside this folder does not depend on the dialect, except modules with a full-text index, which
each engine has its own kind of. The remaining differences are in docs/operations.md.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
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
    notifications,
    reading_engine,
    server_engines,
)
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
    DataVersionReader,
)
from modules.kernel.infrastructure.persistence.table_owners import TableOwners
from modules.kernel.infrastructure.persistence.write_ahead_log import WriteAheadLog

# How soon a commit of another process is noticed. Polling at this rate takes about 1 % of a core.
COMMIT_POLL_SECONDS = 0.02
WRITE_LOCK_TIMEOUT_SECONDS = 10.0


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

    version_reader: VersionReader | None = None
    replica: ConnectionPool | None = None
    write_ahead_log: WriteAheadLog | None = None
    """Of a SQLite file."""

    async def data_version(self) -> DataVersion | None:
        """Return a value that changes with every commit, of any process; None where it is not available."""
        return None if self.version_reader is None else await self.version_reader.data_version()

    async def notifications(self) -> AsyncIterator[str | None]:
        """Yield the topics that other processes notify, or None for any topic, as at the beginning.

        Ends at once for a database in memory, which no other process uses. Raises `ConnectionError`.
        """
        if self.write.engine.dialect.name == "postgresql":
            # On the engine without a pool: the connection stays open while there are listeners.
            async for topic in notifications(self.migrate):
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
        for pool in (self.replica, self.probe, self.read, self.write):
            if pool is not None:
                await pool.dispose()
        await self.migrate.dispose()


def open_engines(
    url: str,
    *,
    synchronous: str = "FULL",
    pool_size: int = POOL_SIZE,
    read_url: str | None = None,
    owners: TableOwners | None = None,
) -> Engines:
    """Return the engines for a database URL, not connected yet.

    `synchronous` is SQLite's durability: with FULL, a commit survives a power failure. `pool_size` is the
    size of PostgreSQL's connection pools for writes and for reads; `read_url` is the URL of a replica. With
    `owners`, statements of a module on tables of others are refused.
    Raises `ValueError` unless the URL is sqlite+aiosqlite or postgresql+psycopg, and for a replica of
    SQLite.
    """
    parsed = parse_url(url)
    if read_url is not None:
        replica = parse_url(read_url)
        if {parsed.drivername, replica.drivername} != {"postgresql+psycopg"}:
            raise ValueError("only PostgreSQL has replicas")
        engines = _postgresql(parsed, pool_size, owners)
        return replace(engines, replica=_postgresql_pool(reading_engine(replica), pool_size, owners))
    match parsed.drivername:
        case "sqlite+aiosqlite":
            return _sqlite(parsed, synchronous, owners)
        case "postgresql+psycopg":
            return _postgresql(parsed, pool_size, owners)
    raise ValueError(f"cannot use {parsed.drivername}: it is sqlite+aiosqlite or postgresql+psycopg")


def _sqlite(url: URL, synchronous: str, owners: TableOwners | None) -> Engines:
    """Return SQLite's engines: one writer at a time, and concurrent readers.

    Every transaction acquires SQLite's write lock as it begins, so that no other one changes what it
    reads before it writes, and none fails midway with "database is locked". The pool queues
    writers fairly, where SQLite would let them sleep and retry.
    """
    file = sqlite_file(url)
    if file is None:
        engine = in_memory_engine(url, owners)
        pool = ConnectionPool(engine, SqliteConnection, 1, WRITE_LOCK_TIMEOUT_SECONDS)
        return Engines(pool, pool, engine, pool.exclusive, pool)
    write, read, migrate = file_engines(url, file, synchronous, owners)
    writer = WriteQueue(write, WRITE_LOCK_TIMEOUT_SECONDS)
    readers = ConnectionPool(read, SqliteConnection, READ_POOL_SIZE, READ_TIMEOUT_SECONDS)
    probe = ConnectionPool(read, SqliteConnection, 1, READ_TIMEOUT_SECONDS)
    return Engines(
        writer, readers, migrate, writer.exclusive, probe, DataVersionReader(file), None, WriteAheadLog(file)
    )


def _postgresql(url: URL, pool_size: int, owners: TableOwners | None) -> Engines:
    write, read, migrate = server_engines(url)
    from modules.kernel.infrastructure.persistence.postgresql_data_version import (  # noqa: PLC0415 - saves memory on SQLite
        ServerDataVersionReader,
    )

    # On a connection of its own: it must not wait for slow reads, which may be what is cached.
    version_reader = ServerDataVersionReader(_postgresql_pool(read, 1, None))
    writers, readers = (_postgresql_pool(engine, pool_size, owners) for engine in (write, read))
    return Engines(writers, readers, migrate, nullcontext, _postgresql_pool(read, 1, None), version_reader)


def _postgresql_pool(engine: AsyncEngine, size: int, owners: TableOwners | None) -> ConnectionPool:
    from modules.kernel.infrastructure.persistence.postgresql_connections import (  # noqa: PLC0415 - saves memory on SQLite
        PostgresqlConnection,
        take_roles_in_sessions,
    )

    if owners is not None:
        take_roles_in_sessions(engine)
    wrap = partial(PostgresqlConnection, owners=owners)
    return ConnectionPool(engine, wrap, size, POOL_TIMEOUT_SECONDS)


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
