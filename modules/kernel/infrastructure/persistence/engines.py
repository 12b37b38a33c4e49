"""The engines of a database, by its URL.

Code outside this folder does not depend on the dialect, except modules with a full-text index, which
each engine has its own kind of. The remaining differences are in docs/operations.md.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Select, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine

from modules.kernel.infrastructure.persistence.postgresql import (
    POOL_SIZE,
    notifications,
    replica_engine,
    server_engines,
)
from modules.kernel.infrastructure.persistence.sqlite import (
    compile_for_sqlite,
    file_engines,
    in_memory_engine,
)
from modules.kernel.infrastructure.persistence.sqlite_driver import DataVersionReader

# How soon a commit of another process is noticed. Polling at this rate takes about 1 % of a core.
COMMIT_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of one database: for transactions, for snapshots, for migrations and for its replica."""

    write: AsyncEngine
    read: AsyncEngine
    migrate: AsyncEngine
    write_lock: AbstractAsyncContextManager[object]
    read_lock: AbstractAsyncContextManager[object]
    version_reader: DataVersionReader | None = None
    replica: AsyncEngine | None = None

    def data_version(self) -> int | None:
        """Return a number that changes with every commit, of any process; None where it is not available."""
        return None if self.version_reader is None else self.version_reader.data_version()

    def fetch_rows(
        self, statement: Select[*tuple[Any, ...]], bound: Mapping[str, object]
    ) -> list[Any] | None:
        """Return the rows of a lookup by key, or None if it must be run in a unit of work."""
        if self.version_reader is None:
            return None
        sql, names = compile_for_sqlite(statement)
        return self.version_reader.fetch_rows(sql, [bound[name] for name in names])

    async def notifications(self) -> AsyncIterator[str | None]:
        """Yield the topics that other processes notify, or None for any topic.

        Ends at once for a database in memory, which no other process uses. Raises `ConnectionError`.
        """
        if self.write.dialect.name == "postgresql":
            # On the engine without a pool: the connection stays open while there are listeners.
            async for topic in notifications(self.migrate):
                yield topic
        previous = self.data_version()
        while self.version_reader is not None:
            await asyncio.sleep(COMMIT_POLL_SECONDS)
            current = self.data_version()
            if current != previous:
                previous = current
                yield None

    async def dispose(self) -> None:
        """Close every connection."""
        if self.version_reader is not None:
            self.version_reader.close()
        # The writer last: SQLite checkpoints the write-ahead log into the file when the last connection,
        # if it may write, closes.
        for engine in dict.fromkeys((self.replica, self.read, self.migrate, self.write)):
            if engine is not None:
                await engine.dispose()


def open_engines(
    url: str, *, synchronous: str = "FULL", pool_size: int = POOL_SIZE, read_url: str | None = None
) -> Engines:
    """Return the engines for a database URL, not connected yet.

    `synchronous` is SQLite's durability: with FULL, a commit survives a power failure. `pool_size` is the
    size of PostgreSQL's connection pools for writes and for reads; `read_url` is the URL of a replica.
    Raises `ValueError` unless the URL is sqlite+aiosqlite or postgresql+psycopg, and for a replica of
    SQLite.
    """
    parsed = _parse_url(url)
    if read_url is not None:
        replica = _parse_url(read_url)
        if {parsed.drivername, replica.drivername} != {"postgresql+psycopg"}:
            raise ValueError("only PostgreSQL has replicas")
        engines = _postgresql(parsed, pool_size)
        return replace(engines, replica=replica_engine(replica, pool_size))
    match parsed.drivername:
        case "sqlite+aiosqlite":
            return _sqlite(parsed, synchronous)
        case "postgresql+psycopg":
            return _postgresql(parsed, pool_size)
    raise ValueError(f"cannot use {parsed.drivername}: it is sqlite+aiosqlite or postgresql+psycopg")


def _sqlite(url: URL, synchronous: str) -> Engines:
    """Return SQLite's engines: one writer at a time, and concurrent readers.

    Every transaction acquires SQLite's write lock as it begins, so that no other one changes what it
    reads before it writes, and none fails midway with "database is locked". The asyncio lock queues
    writers fairly, where SQLite would let them sleep and retry.
    """
    if url.database in {None, "", ":memory:"}:
        engine, lock = in_memory_engine(url), asyncio.Lock()
        return Engines(engine, engine, engine, lock, lock)
    file = Path(str(url.database))
    engines = file_engines(url, file, synchronous)
    return Engines(*engines, asyncio.Lock(), nullcontext(), DataVersionReader(file))


def _postgresql(url: URL, pool_size: int) -> Engines:
    return Engines(*server_engines(url, pool_size), nullcontext(), nullcontext())


def _parse_url(url: str) -> URL:
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
