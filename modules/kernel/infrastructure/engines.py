"""What differs between SQLite and PostgreSQL. Nothing outside this file asks which one it is."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Insert, event, func, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import StaticPool

READERS = 4
BUSY_TIMEOUT_MILLISECONDS = 5_000
# SQLite's result codes; the low byte of an extended code is its primary one.
PRIMARY_CODE = 0xFF
UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
# Any number that nothing else on the server locks: "conduit" in ASCII.
MIGRATION_LOCK = 0x636F6E64756974


@dataclass(frozen=True, slots=True)
class Engines:
    """The two ways into one database: for units of work that may write, and for reads."""

    write: AsyncEngine
    read: AsyncEngine
    write_turn: AbstractAsyncContextManager[object]
    read_turn: AbstractAsyncContextManager[object]

    async def dispose(self) -> None:
        """Close every connection."""
        await self.write.dispose()
        if self.read is not self.write:
            await self.read.dispose()


def open_engines(url: str, *, synchronous: str = "FULL") -> Engines:
    """Return the engines for a database URL; nothing is connected yet.

    `synchronous` is SQLite's durability: with FULL, a commit survives the loss of power.
    Raises `ValueError` for a URL of any other kind than sqlite+aiosqlite and postgresql+psycopg.
    """
    parsed = make_url(url)
    match parsed.drivername:
        case "sqlite+aiosqlite":
            return _sqlite(parsed, synchronous)
        case "postgresql+psycopg":
            engine = create_async_engine(parsed, pool_pre_ping=True)
            return Engines(engine, engine, nullcontext(), nullcontext())
    raise ValueError(f"cannot use {parsed.drivername}: it is sqlite+aiosqlite or postgresql+psycopg")


def _sqlite(url: URL, synchronous: str) -> Engines:
    """Return SQLite's engines: one writer in turn, several readers beside it.

    SQLite has one writer at a time anyhow. When every unit of work takes the write lock as it
    begins, none reads a state that it then overwrites, and none fails half way with "database is
    locked"; the asyncio lock queues them fairly, where SQLite would make them sleep and retry.
    """
    if url.database in {None, "", ":memory:"}:
        return _sqlite_in_memory(url)
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    pragmas = [f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}", "foreign_keys=ON"]
    write = _sqlite_engine(
        url,
        pragmas=[*pragmas, "journal_mode=WAL", f"synchronous={synchronous}"],
        begin="BEGIN IMMEDIATE",
        pool_size=1,
        max_overflow=0,
    )
    read = _sqlite_engine(
        url,
        pragmas=[*pragmas, "query_only=ON"],
        begin="BEGIN",
        pool_size=READERS,
        max_overflow=0,
    )
    return Engines(write, read, asyncio.Lock(), nullcontext())


def _sqlite_in_memory(url: URL) -> Engines:
    """Return one engine on one connection: a database in memory is gone with its connection."""
    engine = _sqlite_engine(url, pragmas=["foreign_keys=ON"], begin="BEGIN IMMEDIATE", poolclass=StaticPool)
    turn = asyncio.Lock()
    return Engines(engine, engine, turn, turn)


class _Cursor(Protocol):
    def execute(self, statement: str) -> object: ...

    def close(self) -> None: ...


class _DriverConnection(Protocol):
    def cursor(self) -> _Cursor: ...


def _sqlite_engine(url: URL, *, pragmas: Sequence[str], begin: str, **options: Any) -> AsyncEngine:
    # isolation_level None: sqlite3 begins nothing by itself, so that `begin` is what begins.
    engine = create_async_engine(url, connect_args={"isolation_level": None}, **options)

    def run(connection: _DriverConnection, *statements: str) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: _DriverConnection, _record: object) -> None:
        run(connection, *(f"PRAGMA {pragma}" for pragma in pragmas))

    @event.listens_for(engine.sync_engine, "begin")
    def take_lock(connection: Connection) -> None:
        run(connection.connection, begin)

    return engine


def is_unavailability(error: DBAPIError) -> bool:
    """Return whether the database could not be used, for a reason that may pass.

    It is gone, locked for too long, out of space or read-only; not: the statement was wrong.
    """
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & PRIMARY_CODE in UNAVAILABLE
    return isinstance(error, OperationalError | InterfaceError)


async def take_migration_lock(connection: AsyncConnection) -> None:
    """Wait until nobody else migrates, until the transaction ends. SQLite's has the write lock already."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))


def insert_unless_there(
    session: AsyncSession, table: type[DeclarativeBase], values: Mapping[str, object]
) -> Insert:
    """Return an INSERT that does nothing, without an error, where a unique key is taken."""
    dialect = session.get_bind().dialect.name
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).values(values).on_conflict_do_nothing()


def violated_constraint(error: IntegrityError) -> str | None:
    """Return the name of the constraint that a statement broke, or None when it is not known.

    PostgreSQL says the name. SQLite says it of CHECK only; of UNIQUE it says the columns, from
    which the naming convention makes the name.
    """
    diagnostics = getattr(error.orig, "diag", None)
    if diagnostics is not None:
        name: str | None = diagnostics.constraint_name
        return name
    kind, _, what = str(error.orig).partition(" constraint failed: ")
    if kind == "CHECK":
        return what
    if kind != "UNIQUE":
        return None
    columns = [column.split(".") for column in what.split(", ")]
    return "_".join(["uq", columns[0][0], *(column for _, column in columns)])
