"""The data version of a PostgreSQL server."""

import asyncio

import structlog
from sqlalchemy.exc import DBAPIError

from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.persistence.connections import (
    ConnectionPool,
    PooledConnection,
)

# Two snapshots with the same text show the same rows: it names the transactions that they do not show.
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
# After a restart or a failover, transactions that were lost may be followed by others of the same number.
# On a standby, it does not name all transactions that a snapshot does not show.
VERSION = "SELECT pg_current_snapshot()::text, pg_postmaster_start_time()::text WHERE NOT pg_is_in_recovery()"
TIMEOUT_SECONDS = 1.0

log = structlog.get_logger("conduit.database")


class ServerDataVersionReader:
    """Reads the data version of a primary, in one round trip for all who ask before it is sent."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._unsent: asyncio.Task[str | None] | None = None
        self._connection: PooledConnection | None = None
        self._times_connected = 0

    async def data_version(self) -> str | None:
        """Return a text that changes with every commit, or None from a standby or without a reply in time."""
        if self._unsent is None:
            self._unsent = asyncio.create_task(self._read())
        return await asyncio.shield(self._unsent)

    async def close(self) -> None:
        """Close the connection."""
        await self._pool.dispose()

    async def _read(self) -> str | None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                # The pool has one connection: while a reading is under way, the next one waits here.
                connection = await self._pool.acquire()
                self._unsent = None
                try:
                    rows = await connection.fetch(VERSION, ())
                finally:
                    await connection.rollback()
        except (Unavailable, DBAPIError, OSError, TimeoutError) as error:
            log.warning("responses are not cached: database unavailable", cause=repr(error))
            return None
        finally:
            if self._unsent is asyncio.current_task():
                self._unsent = None
        if connection is not self._connection:
            # A crash of one of the server's processes, after which it may have lost transactions that were
            # not durable (`synchronous_commit`), ends all connections and does not change its start time.
            self._connection, self._times_connected = connection, self._times_connected + 1
        return " ".join([str(self._times_connected), *rows[0]]) if rows else None
