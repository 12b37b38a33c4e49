"""SQLite's engines: for writes, reads and migrations of a file, or one for a database in memory."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, StaticPool

from modules.kernel.infrastructure.persistence.sqlite_driver import (
    WRITE_AHEAD_LOG,
    DatabaseFile,
    ReaderConnection,
    WriterConnection,
    use_connection_class,
)
from modules.kernel.infrastructure.persistence.table_owners import TableOwners
from modules.kernel.infrastructure.persistence.write_ahead_log import MAX_SIZE

READ_POOL_SIZE = 4
BUSY_TIMEOUT_MILLISECONDS = 5_000
MIGRATION_TIMEOUT_MILLISECONDS = 3_600_000
APPLICATION_ID = int.from_bytes(b"Cond")
"""In the header of a migrated file: https://sqlite.org/fileformat2.html#application_id."""


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite URL, None in memory; raise `ValueError` for a URL with a host."""
    if url.host:
        # Of sqlite+aiosqlite://var/x.db, which SQLAlchemy would refuse at the first connection only.
        path = "/".join(filter(None, (url.host, url.database)))
        raise ValueError(f"a slash is missing: {url.drivername}:///{path}")
    return None if url.database in {None, "", ":memory:"} else Path(str(url.database))


def is_in_working_directory(file: Path) -> bool:
    """Return whether a file is in the working directory or a folder below it."""
    return Path(os.path.normpath(file.absolute())).is_relative_to(Path.cwd())


def file_engines(
    url: URL, file: DatabaseFile, synchronous: str, owners: TableOwners | None
) -> tuple[AsyncEngine, AsyncEngine, AsyncEngine]:
    """Return the engines for writes, reads and migrations of a database file.

    The file is created by the first connection, readable by its owner only. Its folder is created at once
    if it is inside of the working directory; otherwise `ValueError` is raised if there is none.
    """
    if is_in_working_directory(file.path):
        file.path.parent.mkdir(parents=True, exist_ok=True)
    elif not file.path.parent.is_dir():
        raise ValueError(f"there is no folder {file.path.parent}; conduit migrate creates it")
    pragmas = [f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}", "foreign_keys=ON"]
    durable = [WRITE_AHEAD_LOG, f"synchronous={synchronous}", f"journal_size_limit={MAX_SIZE}"]
    write = _sqlite_engine(url, WriterConnection, [*pragmas, *durable], file, owners)
    read = _sqlite_engine(url, ReaderConnection, [*pragmas, "query_only=ON"], file, owners)
    # A long timeout, because no client waits for a migration. Foreign keys are off: most changes of a
    # table copy and drop it, and dropping deletes its rows, which would cascade to other tables.
    migrating = [f"busy_timeout={MIGRATION_TIMEOUT_MILLISECONDS}", "foreign_keys=OFF", *durable]
    migrate = _sqlite_engine(url, WriterConnection, migrating, file, None)
    return write, read, migrate


def in_memory_engine(url: URL, owners: TableOwners | None) -> AsyncEngine:
    """Return an engine with one connection, whose end would delete a database in memory."""
    return _sqlite_engine(url, WriterConnection, ["foreign_keys=ON"], None, owners)


def _sqlite_engine(
    url: URL,
    kind: type[WriterConnection],
    pragmas: Sequence[str],
    file: DatabaseFile | None,
    owners: TableOwners | None,
) -> AsyncEngine:
    # isolation_level None: sqlite3 begins no transaction itself. Two threads use the connection, one at
    # a time.
    arguments = {"isolation_level": None, "check_same_thread": False}
    engine = create_async_engine(
        url,
        connect_args=arguments,
        hide_parameters=True,
        poolclass=NullPool if file else StaticPool,
        json_deserializer=orjson.loads,
    )
    use_connection_class(engine, kind, pragmas, file, owners)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        opened: Any = connection.connection.dbapi_connection
        try:
            opened.begin()
        except sqlite3.OperationalError as error:
            # SQLAlchemy wraps errors of its own statements only.
            raise OperationalError("BEGIN", None, error) from error

    return engine
