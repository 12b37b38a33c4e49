"""PostgreSQL: engines, the settings of transactions, the migration lock and LISTEN/NOTIFY.

A session has no settings of its own: behind a pooler in transaction mode, each transaction may be on
another connection to the server, which other clients use, too. So it begins with all settings that it needs.
https://www.pgbouncer.org/features.html
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    URL,
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    event,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from modules.kernel.infrastructure.persistence.driver_errors import is_created_meanwhile, is_unsupported
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare

# Of the pool for writes, and of the one for reads.
POOL_SIZE = 10
POOL_TIMEOUT_SECONDS = 3.0
CONNECT_TIMEOUT_SECONDS = 3
CANCEL_TIMEOUT_SECONDS = 5.0
# Enforced by the server, so that nothing waits forever for a session that hangs.
SERVER_TIMEOUTS = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}
# Detect an unreachable server after about five seconds (the first in milliseconds, others in seconds).
KEEPALIVES = {
    "tcp_user_timeout": 5_000,
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}
# An arbitrary key for the advisory lock: "conduit" in ASCII.
MIGRATION_LOCK = 0x636F6E64756974
# In place of the advisory lock, where that is not supported or not permitted.
migration_lock = Table("kernel_migration_lock", MetaData(), Column("id", Integer, primary_key=True))
# While a migration waits for a lock, requests wait behind it: less than their own limit.
MIGRATION_LOCK_TIMEOUT = "2s"
CHANNEL = "conduit"
NOTIFY = prepare(select(func.pg_notify(CHANNEL, bindparam("topic", type_=Text))))
"""Notifies other processes of a topic when the transaction is committed. SQLite's poll for commits."""

# NULL where there is no such function.
MAY_NOTIFY = prepare(
    select(func.has_function_privilege(func.to_regprocedure("pg_notify(text, text)"), "EXECUTE"))
)

PREFER_INDEXES = prepare(
    select(
        *(
            func.set_config(name, "off", True)
            for name in ("enable_sort", "enable_seqscan", "enable_bitmapscan")
        )
    )
)
"""Makes the planner read by indexes until the transaction ends. SQLite's needs no statistics for that.

Without statistics of recent rows, it expects few of them, and sorts millions to return the first.
"""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The settings of the transactions of a session. The timeouts also apply to statements outside of one."""

    isolation: str
    read_only: bool
    timeouts: Mapping[str, str]
    prepares: bool
    """Whether the server keeps a statement to execute it again, or parses it again."""

    cancel_timeout: float
    """How long a cancelled statement may take to end before the connection is closed, in seconds."""

    @property
    def begin(self) -> str:
        """The statement that begins a transaction."""
        # A standby rejects READ WRITE even in a transaction that only reads.
        return f"BEGIN ISOLATION LEVEL {self.isolation.upper()}{' READ ONLY' if self.read_only else ''}"

    @property
    def set_timeouts(self) -> str:
        """The statement that sets the timeouts until the transaction ends."""
        # SET LOCAL needs BEGIN before it; this applies to the statement that is sent with it, too.
        quoted = {name: value.replace("'", "''") for name, value in self.timeouts.items()}
        values = (f"set_config('{name}', '{value}', true)" for name, value in quoted.items())
        return f"SELECT {', '.join(values)}"

    @property
    def comparison(self) -> PreparedStatement:
        """Selects the name of each setting, its value in force and the one that it should have.

        Those of timeouts are set, because the server writes them in other units.
        """
        modes = {"isolation": self.isolation, "read_only": "on" if self.read_only else "off"}
        rows = [
            select(
                literal(f"transaction_{name}"), func.current_setting(f"transaction_{name}"), literal(value)
            )
            for name, value in modes.items()
        ]
        rows += [
            select(literal(name), func.current_setting(name), func.set_config(name, value, True))
            for name, value in self.timeouts.items()
        ]
        return prepare(select(union_all(*rows).subquery()))


def session_settings(
    url: URL, *, prepares: bool, cancel_timeout: float | None = None
) -> tuple[SessionSettings, SessionSettings]:
    """Return the settings for transactions and for snapshots. Timeouts in the URL's options take precedence.

    Transactions are READ COMMITTED: they run concurrently, and rows that are read to be updated are
    locked FOR UPDATE. A stricter level would reject all but one of several concurrent publications, as
    each updates the count of all articles. Snapshots are REPEATABLE READ and read-only.
    """
    in_url = {name: value for name, value in _options(url).items() if name in SERVER_TIMEOUTS}
    of_both = ({**SERVER_TIMEOUTS, **in_url}, prepares, cancel_timeout or CANCEL_TIMEOUT_SECONDS)
    return (
        SessionSettings("read committed", False, *of_both),
        SessionSettings("repeatable read", True, *of_both),
    )


def server_engine(url: URL) -> AsyncEngine:
    """Return an engine without a pool; raise `ValueError` for an option in the URL that libpq does not have.

    Its transactions, such as those of migrations, are READ COMMITTED and have no timeouts.
    """
    from psycopg.pq import Conninfo  # noqa: PLC0415 - saves memory on SQLite

    # psycopg's own options cannot be in a URL: their values are no texts.
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    for name in url.query:
        if name not in known:
            raise ValueError(f'invalid connection option "{name}"')
    defaults: Mapping[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, **KEEPALIVES}
    arguments = {name: value for name, value in defaults.items() if name not in url.query}
    # psycopg deallocates all prepared statements at a rollback, also those of `PostgresqlConnection`.
    arguments["prepare_threshold"] = None
    try:
        engine = create_async_engine(
            url,
            connect_args=arguments,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            use_native_hstore=False,
            poolclass=NullPool,
            json_deserializer=orjson.loads,
        )
    except ArgumentError as error:
        # Such as two hosts with three ports.
        raise ValueError(str(error)) from error

    @event.listens_for(engine.sync_engine, "handle_error")
    def redact(context: ExceptionContext) -> None:
        redact_row_values(context.original_exception, context.sqlalchemy_exception)

    return engine


def _options(url: URL) -> Mapping[str, str]:
    """Return the settings of the server in the URL's options, as the server reads them.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS
    """
    options = url.query.get("options", "")
    text = options if isinstance(options, str) else " ".join(options)
    words = [re.sub(r"\\(.)", r"\1", word) for word in re.findall(r"(?:\\.|\S)+", text)]
    settings = re.findall(
        r"\x1f(?:-c\x1f?|--)([^=\x1f]+)=([^\x1f]*)", "".join(f"\x1f{word}" for word in words)
    )
    return {name.lower().replace("-", "_"): value for name, value in settings}


def redact_row_values(error: Any, wrapped: Exception | None = None) -> None:
    """Remove the row from the messages of a driver's error and of the one that wraps it."""
    # The detail of a constraint violation contains the row, password hash included; errors are logged.
    primary_message = getattr(getattr(error, "diag", None), "message_primary", None)
    if primary_message is None:
        return
    full_message = str(error)
    for exception in (error, wrapped):
        if exception is not None:
            exception.args = (str(exception.args[0]).replace(full_message, primary_message),)


async def try_migration_lock(connection: AsyncConnection) -> bool:
    """Acquire the migration lock until the transaction ends; return False if another process has it.

    SQLite's transaction has the write lock. For other locks, the transaction waits for a limited time.
    """
    if connection.dialect.name != "postgresql":
        return True
    await connection.execute(text(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'"))
    await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    try:
        async with connection.begin_nested():
            return bool(await connection.scalar(select(func.pg_try_advisory_xact_lock(MIGRATION_LOCK))))
    except DBAPIError as error:
        if not is_unsupported(error):
            raise
    first_row = select(literal(1)).where(~exists(select(migration_lock)))
    try:
        async with connection.begin_nested():
            await connection.execute(CreateTable(migration_lock, if_not_exists=True))
            await connection.execute(insert(migration_lock).from_select(["id"], first_row))
    except DBAPIError as error:
        if not is_created_meanwhile(error):
            raise
        return False
    locked = select(migration_lock).with_for_update(skip_locked=True)
    return await connection.scalar(locked) is not None


async def notifications(engine: AsyncEngine) -> AsyncIterator[str | None]:
    """Yield the topics that other processes notify, after None: there may have been any before.

    Raises `ConnectionError`.
    """
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f"LISTEN {CHANNEL}"))
        driver: Any = (await connection.get_raw_connection()).driver_connection
        yield None
        try:
            async for notification in driver.notifies():
                yield notification.payload
        except engine.dialect.loaded_dbapi.Error as error:
            await connection.invalidate(error)
            # SQLAlchemy wraps errors of its own statements only.
            raise ConnectionError("cannot listen for notifications") from error
