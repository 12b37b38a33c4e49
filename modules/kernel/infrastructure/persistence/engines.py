"""The ways into a database, by its URL.

Nothing outside this folder asks whether it is SQLite or PostgreSQL, but modules that keep an index of a
kind that engines have each their own. What differs and cannot be hidden is in docs/operations.md.
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
from modules.kernel.infrastructure.persistence.sqlite import file_engines, in_memory_engine, in_sqlites_words
from modules.kernel.infrastructure.persistence.sqlite_driver import DataVersionReader

# How soon a commit of another process is seen. Fifty looks a second are about one percent of a core.
COMMIT_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Engines:
    """The ways into one database: for units of work that may write, for reads, and for migrations."""

    write: AsyncEngine
    read: AsyncEngine
    migrate: AsyncEngine
    write_lock: AbstractAsyncContextManager[object]
    read_lock: AbstractAsyncContextManager[object]
    version_reader: DataVersionReader | None = None
    replica: AsyncEngine | None = None

    def data_version(self) -> int | None:
        """Return a number that is another one after any commit, by any process; None if that is not known."""
        return None if self.version_reader is None else self.version_reader.data_version()

    def fetch_value(
        self, statement: Select[*tuple[Any, ...]], bound: Mapping[str, object]
    ) -> list[Any] | None:
        """Return the rows that a look-up by key finds, or None if it takes a unit of work to find them."""
        if self.version_reader is None:
            return None
        words, names = in_sqlites_words(statement)
        return self.version_reader.fetch_value(words, [bound[name] for name in names])

    async def notifications(self) -> AsyncIterator[str | None]:
        """Yield the topics that other processes announce, or None where it may be any.

        Ends at once for a database in memory, which no other process has. Raises `ConnectionError`.
        """
        if self.write.dialect.name == "postgresql":
            # A connection of its own, out of the pool: it is kept for as long as somebody listens.
            async for topic in notifications(self.migrate):
                yield topic
        seen = self.data_version()
        while self.version_reader is not None:
            await asyncio.sleep(COMMIT_POLL_SECONDS)
            now = self.data_version()
            if now != seen:
                seen = now
                yield None

    async def dispose(self) -> None:
        """Close every connection."""
        if self.version_reader is not None:
            self.version_reader.close()
        # The writer last: whoever closes a SQLite file last takes what is in the log into it, and only
        # then is the file by itself all there is to keep.
        for engine in dict.fromkeys((self.replica, self.read, self.migrate, self.write)):
            if engine is not None:
                await engine.dispose()


def open_engines(
    url: str, *, synchronous: str = "FULL", pool_size: int = POOL_SIZE, read_url: str | None = None
) -> Engines:
    """Return the engines for a database URL; nothing is connected yet.

    `synchronous` is SQLite's durability: with FULL, a commit survives the loss of power. `pool_size` is
    how many connections to PostgreSQL are kept for writing, and how many for reading; `read_url` is where
    a replica of it is. Raises `ValueError` for a URL of any other kind than sqlite+aiosqlite and
    postgresql+psycopg, and for a replica of SQLite.
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
    """Return SQLite's engines: one writer in turn, several readers beside it.

    SQLite has one writer at a time anyhow. When every unit of work takes the write lock as it
    begins, none reads a state that it then overwrites, and none fails half way with "database is
    locked"; the asyncio lock queues them fairly, where SQLite would make them sleep and retry.
    """
    if url.database in {None, "", ":memory:"}:
        engine, turn = in_memory_engine(url), asyncio.Lock()
        return Engines(engine, engine, engine, turn, turn)
    file = Path(str(url.database))
    engines = file_engines(url, file, synchronous)
    return Engines(*engines, asyncio.Lock(), nullcontext(), DataVersionReader(file))


def _postgresql(url: URL, pool_size: int) -> Engines:
    return Engines(*server_engines(url, pool_size), nullcontext(), nullcontext())


def _parse_url(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        # Without what it is: a database URL may hold a password.
        raise ValueError("this is no database URL; one is sqlite+aiosqlite:///var/conduit.db") from error


def redact_password(url: URL) -> str:
    """Return a database URL as it may be read by anybody: without its password."""
    # libpq takes one from the query, too; nothing else there need be seen to know which database it is.
    return url.set(
        query={name: url.query[name] for name in ("host", "port") if name in url.query}
    ).render_as_string()
