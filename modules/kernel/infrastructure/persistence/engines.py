"""What differs between SQLite and PostgreSQL.

Nothing outside this file asks which one it is, but for the column types in `schema.py`, and modules that
keep an index of a kind that engines have each their own. What differs and cannot be hidden is in
docs/operations.md.
"""

import asyncio
import json
import select as readiness
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    Select,
    Text,
    bindparam,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import NullPool, StaticPool
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from modules.kernel.infrastructure.persistence.sqlite_driver import (
    ReaderConnection,
    VersionWatch,
    WriterConnection,
    drive,
    follow,
)

Columns = ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]

READERS = 4
BUSY_TIMEOUT_MILLISECONDS = 5_000
MIGRATION_TIMEOUT_MILLISECONDS = 3_600_000
# How soon a commit of another process is seen. Fifty looks a second are about one percent of a core.
WATCH_SECONDS = 0.02
CHANNEL = "conduit"
LOADING_CACHE_KIB = 256 * 1024
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
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)
# Any number that nothing else on the server locks: "conduit" in ASCII.
MIGRATION_LOCK = 0x636F6E64756974

# How many connections to PostgreSQL a process keeps at most for writing, and as many for reading.
POOL_SIZE = 10
POOL_WAIT_SECONDS = 3.0
CONNECT_WAIT_SECONDS = 3
# What PostgreSQL itself ends, so that nothing waits for ever for somebody who hangs.
LIMITS = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}
WRITING = {"default_transaction_isolation": r"read\ committed"}
READING = {"default_transaction_isolation": r"repeatable\ read", "default_transaction_read_only": "on"}
# A server that vanished without a word is missed after about five seconds (milliseconds, and seconds).
KEEPALIVES = {
    "tcp_user_timeout": 5_000,
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}
# SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html), and what they begin with.
CONTENTION = frozenset({"40001", "40P01"})  # serialization failure, deadlock
NAMED_STATES = frozenset({"23505", "23514"})  # UNIQUE, CHECK
UNAVAILABLE_STATES = (
    "08",  # the connection
    "25006",  # read-only, as a server is that was a replica
    "25P03",  # idle for too long
    "53",  # out of memory, disk or connections
    "55P03",  # locked for too long
    "57",  # ended by an operator, or by a timeout
    "58",  # the system around it
)


@dataclass(frozen=True, slots=True)
class Engines:
    """The ways into one database: for units of work that may write, for reads, and for migrations."""

    write: AsyncEngine
    read: AsyncEngine
    migrate: AsyncEngine
    write_turn: AbstractAsyncContextManager[object]
    read_turn: AbstractAsyncContextManager[object]
    watch: VersionWatch | None = None
    replica: AsyncEngine | None = None

    def version(self) -> int | None:
        """Return a number that is another one after any commit, by any process; None if that is not known."""
        return None if self.watch is None else self.watch.version()

    def look_up(self, statement: Select[*tuple[Any, ...]], bound: Mapping[str, object]) -> list[Any] | None:
        """Return the rows that a look-up by key finds, or None if it takes a unit of work to find them."""
        if self.watch is None:
            return None
        words, names = _in_sqlites_words(statement)
        return self.watch.look_up(words, [bound[name] for name in names])

    async def heard(self) -> AsyncIterator[str | None]:
        """Yield the topics that other processes announce, or None where it may be any.

        Ends at once for a database in memory, which no other process has. Raises `ConnectionError`.
        """
        if self.write.dialect.name == "postgresql":
            # A connection of its own, out of the pool: it is kept for as long as somebody listens.
            async for topic in _notifications(self.migrate):
                yield topic
        seen = self.version()
        while self.watch is not None:
            await asyncio.sleep(WATCH_SECONDS)
            now = self.version()
            if now != seen:
                seen = now
                yield None

    async def dispose(self) -> None:
        """Close every connection."""
        if self.watch is not None:
            self.watch.close()
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
    parsed = _parsed(url)
    if read_url is not None:
        replica = _parsed(read_url)
        if {parsed.drivername, replica.drivername} != {"postgresql+psycopg"}:
            raise ValueError("only PostgreSQL has replicas")
        engines = _postgresql(parsed, pool_size)
        return replace(engines, replica=_postgresql_engine(replica, LIMITS | READING, pool_size=pool_size))
    match parsed.drivername:
        case "sqlite+aiosqlite":
            return _sqlite(parsed, synchronous)
        case "postgresql+psycopg":
            return _postgresql(parsed, pool_size)
    raise ValueError(f"cannot use {parsed.drivername}: it is sqlite+aiosqlite or postgresql+psycopg")


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        # Without what it is: a database URL may hold a password.
        raise ValueError("this is no database URL; one is sqlite+aiosqlite:///var/conduit.db") from error


def shown(url: URL) -> str:
    """Return a database URL as it may be read by anybody: without its password."""
    # libpq takes one from the query, too; nothing else there need be seen to know which database it is.
    return url.set(
        query={name: url.query[name] for name in ("host", "port") if name in url.query}
    ).render_as_string()


def _sqlite(url: URL, synchronous: str) -> Engines:
    """Return SQLite's engines: one writer in turn, several readers beside it.

    SQLite has one writer at a time anyhow. When every unit of work takes the write lock as it
    begins, none reads a state that it then overwrites, and none fails half way with "database is
    locked"; the asyncio lock queues them fairly, where SQLite would make them sleep and retry.
    """
    if url.database in {None, "", ":memory:"}:
        return _sqlite_in_memory(url)
    file = Path(str(url.database))
    file.parent.mkdir(parents=True, exist_ok=True)
    pragmas = [f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}", "foreign_keys=ON"]
    durable = ["journal_mode=WAL", f"synchronous={synchronous}"]
    write = _sqlite_engine(url, WriterConnection, [*pragmas, *durable], pool_size=1, max_overflow=0)
    read = _sqlite_engine(
        url, ReaderConnection, [*pragmas, "query_only=ON"], pool_size=READERS, max_overflow=0
    )
    # Nobody waits for an answer from a migration, so it may wait for others that migrate. SQLite changes
    # most of a table by copying and dropping it, and to drop a table is to delete its rows: foreign
    # keys that are on would take along what hangs on them.
    patient = [f"busy_timeout={MIGRATION_TIMEOUT_MILLISECONDS}", "foreign_keys=OFF", *durable]
    migrate = _sqlite_engine(url, WriterConnection, patient, poolclass=NullPool)
    for engine in (write, read):
        follow(engine, file)
    return Engines(write, read, migrate, asyncio.Lock(), nullcontext(), VersionWatch(file))


def _sqlite_in_memory(url: URL) -> Engines:
    """Return one engine on one connection: a database in memory is gone with its connection."""
    engine = _sqlite_engine(url, WriterConnection, ["foreign_keys=ON"], poolclass=StaticPool)
    turn = asyncio.Lock()
    return Engines(engine, engine, engine, turn, turn)


def _sqlite_engine(
    url: URL, kind: type[WriterConnection], pragmas: Sequence[str], **options: Any
) -> AsyncEngine:
    # isolation_level None: sqlite3 begins nothing by itself. Both threads use the connection, by turns.
    arguments = {"isolation_level": None, "check_same_thread": False}
    engine = create_async_engine(url, connect_args=arguments, hide_parameters=True, **options)
    drive(engine, kind, pragmas)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        opened: Any = connection.connection.dbapi_connection
        try:
            opened.begin()
        except sqlite3.OperationalError as error:
            # No statement of SQLAlchemy's, so nothing wraps what the driver raises.
            raise OperationalError("BEGIN", None, error) from error

    return engine


def _postgresql(url: URL, pool_size: int) -> Engines:
    """Return PostgreSQL's engines: many write at once, and locks on rows keep them apart.

    A unit of work that writes sees what others commit meanwhile (READ COMMITTED), so what is read to
    be overwritten is read FOR UPDATE. Stricter levels would refuse all but one of those who publish
    at the same moment, because each adds to the number of all articles. One that reads is of one
    moment (REPEATABLE READ) and cannot write.
    """
    write = _postgresql_engine(url, LIMITS | WRITING, pool_size=pool_size)
    read = _postgresql_engine(url, LIMITS | READING, pool_size=pool_size)
    # No limits: nobody waits for an answer from a migration.
    migrate = _postgresql_engine(url, WRITING, poolclass=NullPool)
    return Engines(write, read, migrate, nullcontext(), nullcontext())


def _postgresql_engine(url: URL, server_settings: Mapping[str, str], **options: Any) -> AsyncEngine:
    # As options of the connection: they cost no statement. What the URL says counts.
    told = " ".join(f"-c {name}={value}" for name, value in server_settings.items())
    defaults: Mapping[str, Any] = {"connect_timeout": CONNECT_WAIT_SECONDS, **KEEPALIVES}
    arguments = {name: value for name, value in defaults.items() if name not in url.query}
    arguments["options"] = f"{told} {url.query.get('options', '')}"
    if "poolclass" not in options:
        options |= {"max_overflow": 0, "pool_timeout": POOL_WAIT_SECONDS, "pool_use_lifo": True}
    engine = create_async_engine(
        url, connect_args=arguments, hide_parameters=True, use_native_hstore=False, **options
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def still_there(connection: Any, _record: object, _proxy: object) -> None:
        # An idle connection has nothing to say, unless it is that the server went away. Looking costs
        # two microseconds, and asking (pool_pre_ping) a trip to the server in every unit of work.
        if _has_something_to_say(connection.driver_connection.fileno()):
            raise DisconnectionError("the server has closed the connection")

    event.listen(engine.sync_engine, "handle_error", _leave_out_rows)
    return engine


def _leave_out_rows(context: ExceptionContext) -> None:
    # PostgreSQL says what is in the row that it refuses, password hash and all, and errors are logged.
    error: Any = context.original_exception
    told = getattr(getattr(error, "diag", None), "message_primary", None)
    if told is None:
        return
    everything = str(error)
    for carrier in (error, context.sqlalchemy_exception):
        if carrier is not None:
            carrier.args = (str(carrier.args[0]).replace(everything, told),)


def _has_something_to_say(socket: int) -> bool:
    poll = readiness.poll()
    poll.register(socket, readiness.POLLIN)
    return bool(poll.poll(0))


def is_unavailability(error: DBAPIError) -> bool:
    """Return whether the database could not be used, for a reason that may pass.

    It is gone, damaged, locked for too long, out of space or read-only; not: the statement was wrong.
    """
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & PRIMARY_CODE in UNAVAILABLE
    state = _state(error)
    if state is not None:
        return state.startswith(UNAVAILABLE_STATES)
    # Without a code it is no answer of the database, but of the way there. The driver calls an unknown
    # option in the URL a programming error; there is no statement then.
    return error.statement is None or isinstance(error, OperationalError | InterfaceError)


def is_contention(error: DBAPIError) -> bool:
    """Return whether everything was undone because of others, so that doing it again may work."""
    return _state(error) in CONTENTION


def _state(error: DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state


async def take_migration_lock(connection: AsyncConnection) -> None:
    """Wait until nobody else migrates, until the transaction ends. SQLite's has the write lock already."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))


async def announce(session: AsyncSession, topic: str) -> None:
    """Let other processes hear of a topic when the transaction is committed. SQLite's see every commit."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select(func.pg_notify(CHANNEL, topic)))


async def _notifications(engine: AsyncEngine) -> AsyncIterator[str]:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f"LISTEN {CHANNEL}"))
        driver: Any = (await connection.get_raw_connection()).driver_connection
        try:
            async for notification in driver.notifies():
                yield notification.payload
        except engine.dialect.loaded_dbapi.Error as error:
            await connection.invalidate(error)
            # No statement of SQLAlchemy's, so nothing wraps what the driver raises.
            raise ConnectionError("the database cannot be listened to") from error


async def prepare_to_load(session: AsyncSession) -> None:
    """Make room, or time, for many rows and the indexes that are made of them."""
    if session.get_bind().dialect.name == "sqlite":
        # Until the database is disposed of. SQLite's own 2 MB are too few for the keys.
        await session.execute(text(f"PRAGMA cache_size = -{LOADING_CACHE_KIB}"))
    else:
        await session.execute(text("SET LOCAL statement_timeout = 0"))


Updated = Callable[[Columns, Columns], Mapping[str, object]]
Condition = Callable[[Columns], ColumnElement[bool]]


def insert_unless_there(
    session: AsyncSession, table: type[DeclarativeBase], returning: str | None = None
) -> Insert:
    """Return an INSERT, to execute with rows, that does nothing where a unique key is taken.

    With `returning` it gives that column of each row that was inserted.
    """
    return _insert_unless_there(session.get_bind().dialect.name, table, returning)


def insert_or_update(
    session: AsyncSession,
    table: type[DeclarativeBase],
    updated: Updated,
    *,
    only_where: Condition | None = None,
    returning: str | None = None,
) -> Insert:
    """Return an INSERT, to execute with rows, that updates where the primary key is taken.

    `updated` is given the columns of the row that is there and of the new one, and returns the new
    value of each column that changes. A row of which `only_where` does not hold stays as it is. With
    `returning` it gives that column of each row that was inserted or updated.
    """
    return _insert_or_update(session.get_bind().dialect.name, table, updated, only_where, returning)


# Built once for each table: building costs more than executing.
@cache
def _insert_unless_there(dialect: str, table: type[DeclarativeBase], returning: str | None) -> Insert:
    insert = _insert(dialect, table).on_conflict_do_nothing()
    return insert if returning is None else insert.returning(insert.table.c[returning])


@cache
def _insert_or_update(
    dialect: str,
    table: type[DeclarativeBase],
    updated: Updated,
    only_where: Condition | None,
    returning: str | None,
) -> Insert:
    insert = _insert(dialect, table)
    changed = updated(insert.table.c, insert.excluded)
    where = None if only_where is None else only_where(insert.table.c)
    insert = insert.on_conflict_do_update(
        index_elements=list(insert.table.primary_key), set_=changed, where=where
    )
    return insert if returning is None else insert.returning(insert.table.c[returning])


def _insert(dialect: str, table: type[DeclarativeBase]) -> postgresql.Insert:
    # SQLite took ON CONFLICT over from PostgreSQL; SQLAlchemy has a class for each all the same.
    kinds: Any = sqlite if dialect == "sqlite" else postgresql
    insert: postgresql.Insert = kinds.insert(table.metadata.tables[table.__tablename__])
    return insert


class _Ids(TypeDecorator[Collection[int]]):
    """Many ids as one value: JSON in SQLite, an array in PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else postgresql.ARRAY(BigInteger))

    def process_bind_param(self, value: Collection[int] | None, dialect: Dialect) -> Any:
        ids = list(value or ())
        return json.dumps(ids) if dialect.name == "sqlite" else ids


class _Each(FunctionElement[int]):
    """The rows of such a value."""

    name = "each"
    inherit_cache = True


@compiles(_Each, "sqlite")
def _each_of_json(element: _Each, compiler: SQLCompiler, **options: Any) -> str:
    # No SQL of somebody else: the compiler made it of a bound value.
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"  # noqa: S608


@compiles(_Each, "postgresql")
def _each_of_array(element: _Each, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.clauses, **options)}))"


def is_one_of(column: ColumnElement[int], ids: str) -> ColumnElement[bool]:
    """Return the condition that the column is one of the ids that are bound to this name.

    However many they are, they are one value, and the statement is the same one: an IN with a value
    for each is put together anew for every number of them, and databases have a limit.
    """
    return column.bool_op("IN")(_Each(bindparam(ids, type_=_Ids())))


@cache
def _in_sqlites_words(statement: Select[*tuple[Any, ...]]) -> tuple[str, Sequence[str]]:
    compiled = statement.compile(dialect=sqlite.dialect())
    return str(compiled), compiled.positiontup or ()


def violated_constraint(error: IntegrityError) -> str | None:
    """Return the name of the UNIQUE or CHECK that a statement broke, or None when it broke another one.

    PostgreSQL says the name, of others too. SQLite says it of CHECK only; of UNIQUE it says the
    columns, from which the naming convention makes the name.
    """
    state = _state(error)
    if state is not None:
        told: Any = error.orig
        name: str | None = told.diag.constraint_name if state in NAMED_STATES else None
        return name
    kind, _, what = str(error.orig).partition(" constraint failed: ")
    if kind == "CHECK":
        return what
    if kind != "UNIQUE":
        return None
    columns = [column.split(".") for column in what.split(", ")]
    return "_".join(["uq", columns[0][0], *(column for _, column in columns)])
