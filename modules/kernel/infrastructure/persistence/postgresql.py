"""PostgreSQL's engines, what is set on its server, and what its processes tell each other."""

import select as readiness
from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy import URL, event, func, select, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

# How many connections to PostgreSQL a process keeps at most for writing, and as many for reading.
POOL_SIZE = 10
POOL_TIMEOUT_SECONDS = 3.0
CONNECT_TIMEOUT_SECONDS = 3
# What PostgreSQL itself ends, so that nothing waits for ever for somebody who hangs.
SERVER_TIMEOUTS = {
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
# Any number that nothing else on the server locks: "conduit" in ASCII.
MIGRATION_LOCK = 0x636F6E64756974
CHANNEL = "conduit"


def server_engines(url: URL, pool_size: int) -> tuple[AsyncEngine, AsyncEngine, AsyncEngine]:
    """Return the engines that write, read and migrate: many write at once, and locks on rows keep them apart.

    A unit of work that writes sees what others commit meanwhile (READ COMMITTED), so what is read to
    be overwritten is read FOR UPDATE. Stricter levels would refuse all but one of those who publish
    at the same moment, because each adds to the number of all articles. One that reads is of one
    moment (REPEATABLE READ) and cannot write.
    """
    write = _postgresql_engine(url, SERVER_TIMEOUTS | WRITING, pool_size=pool_size)
    read = _postgresql_engine(url, SERVER_TIMEOUTS | READING, pool_size=pool_size)
    # No limits: nobody waits for an answer from a migration.
    migrate = _postgresql_engine(url, WRITING, poolclass=NullPool)
    return write, read, migrate


def replica_engine(url: URL, pool_size: int) -> AsyncEngine:
    """Return the engine that reads from a replica."""
    return _postgresql_engine(url, SERVER_TIMEOUTS | READING, pool_size=pool_size)


def _postgresql_engine(url: URL, server_settings: Mapping[str, str], **options: Any) -> AsyncEngine:
    # As options of the connection: they cost no statement. What the URL says counts.
    told = " ".join(f"-c {name}={value}" for name, value in server_settings.items())
    defaults: Mapping[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, **KEEPALIVES}
    arguments = {name: value for name, value in defaults.items() if name not in url.query}
    arguments["options"] = f"{told} {url.query.get('options', '')}"
    if "poolclass" not in options:
        options |= {"max_overflow": 0, "pool_timeout": POOL_TIMEOUT_SECONDS, "pool_use_lifo": True}
    engine = create_async_engine(
        url, connect_args=arguments, hide_parameters=True, use_native_hstore=False, **options
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def discard_if_stale(connection: Any, _record: object, _proxy: object) -> None:
        # An idle connection has nothing to say, unless it is that the server went away. Looking costs
        # two microseconds, and asking (pool_pre_ping) a trip to the server in every unit of work.
        if _is_readable(connection.driver_connection.fileno()):
            raise DisconnectionError("the server has closed the connection")

    event.listen(engine.sync_engine, "handle_error", _redact_row_values)
    return engine


def _redact_row_values(context: ExceptionContext) -> None:
    # PostgreSQL says what is in the row that it refuses, password hash and all, and errors are logged.
    error: Any = context.original_exception
    told = getattr(getattr(error, "diag", None), "message_primary", None)
    if told is None:
        return
    everything = str(error)
    for carrier in (error, context.sqlalchemy_exception):
        if carrier is not None:
            carrier.args = (str(carrier.args[0]).replace(everything, told),)


def _is_readable(socket: int) -> bool:
    poll = readiness.poll()
    poll.register(socket, readiness.POLLIN)
    return bool(poll.poll(0))


async def take_migration_lock(connection: AsyncConnection) -> None:
    """Wait until nobody else migrates, until the transaction ends. SQLite's has the write lock already."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))


async def notify(session: AsyncSession, topic: str) -> None:
    """Let other processes hear of a topic when the transaction is committed. SQLite's see every commit."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select(func.pg_notify(CHANNEL, topic)))


async def notifications(engine: AsyncEngine) -> AsyncIterator[str]:
    """Yield the topics that other processes announce; raises `ConnectionError`."""
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
