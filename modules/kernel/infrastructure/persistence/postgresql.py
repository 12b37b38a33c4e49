"""PostgreSQL: engines, session settings, the migration lock and LISTEN/NOTIFY."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy import URL, Text, bindparam, event, func, select, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from modules.kernel.infrastructure.persistence.statements import prepare

# Of the pool for writes, and of the one for reads.
POOL_SIZE = 10
POOL_TIMEOUT_SECONDS = 3.0
CONNECT_TIMEOUT_SECONDS = 3
# Enforced by the server, so that nothing waits forever for a session that hangs.
SERVER_TIMEOUTS = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}
WRITING = {"default_transaction_isolation": r"read\ committed"}
READING = {"default_transaction_isolation": r"repeatable\ read", "default_transaction_read_only": "on"}
# Detect an unreachable server after about five seconds (the first in milliseconds, others in seconds).
KEEPALIVES = {
    "tcp_user_timeout": 5_000,
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}
# An arbitrary key for the advisory lock: "conduit" in ASCII.
MIGRATION_LOCK = 0x636F6E64756974
# While a migration waits for a lock, requests wait behind it: less than their own limit.
MIGRATION_LOCK_TIMEOUT = "2s"
CHANNEL = "conduit"
NOTIFY = prepare(select(func.pg_notify(CHANNEL, bindparam("topic", type_=Text))))
"""Notifies other processes of a topic when the transaction is committed. SQLite's poll for commits."""

MAY_NOTIFY = prepare(select(func.has_function_privilege("pg_notify(text, text)", "EXECUTE")))

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


def server_engines(url: URL) -> tuple[AsyncEngine, AsyncEngine, AsyncEngine]:
    """Return the engines for writes, reads and migrations.

    Transactions are READ COMMITTED: they run concurrently, and rows that are read to be updated are
    locked FOR UPDATE. A stricter level would reject all but one of several concurrent publications, as
    each updates the count of all articles. Snapshots are REPEATABLE READ and read-only.
    """
    write = _postgresql_engine(url, SERVER_TIMEOUTS | WRITING)
    # No time limit for a statement: no client waits for a migration, except for its locks.
    return write, reading_engine(url), _postgresql_engine(url, WRITING)


def reading_engine(url: URL) -> AsyncEngine:
    """Return the engine for reads, of the primary or of a replica."""
    return _postgresql_engine(url, SERVER_TIMEOUTS | READING)


def _postgresql_engine(url: URL, server_settings: Mapping[str, str]) -> AsyncEngine:
    # Connection options, which take no statement. Those in the URL take precedence.
    session_options = " ".join(f"-c {name}={value}" for name, value in server_settings.items())
    defaults: Mapping[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, **KEEPALIVES}
    arguments = {name: value for name, value in defaults.items() if name not in url.query}
    arguments["options"] = f"{session_options} {url.query.get('options', '')}"
    engine = create_async_engine(
        url, connect_args=arguments, hide_parameters=True, use_native_hstore=False, poolclass=NullPool
    )

    @event.listens_for(engine.sync_engine, "handle_error")
    def redact(context: ExceptionContext) -> None:
        redact_row_values(context.original_exception, context.sqlalchemy_exception)

    return engine


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


async def take_migration_lock(connection: AsyncConnection) -> None:
    """Acquire the migration lock until the transaction ends. SQLite's transaction has the write lock.

    For other locks, it waits for a limited time.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        await connection.execute(text(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'"))


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
