"""A read replica of PostgreSQL: whether it may be read, and how far it is behind the primary."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import structlog
from sqlalchemy.exc import DBAPIError

from modules.kernel.domain.errors import ConcurrencyConflict, Unavailable
from modules.kernel.infrastructure.persistence.connections import ConnectionPool, PooledConnection, Rows
from modules.kernel.infrastructure.persistence.driver_errors import is_unavailable

MAX_REPLICA_LAG_SECONDS = 10.0

TIME_LIMIT_SECONDS = 1.0
"""For the wait for a connection to a replica, and again for a unit of work on it."""

RETRY_SECONDS = 5.0
"""How long the primary is read after a unit of work on the replica has failed."""

MEASUREMENT_INTERVAL_SECONDS = 1.0
MAX_SAMPLES = 3_600

# Positions in the write-ahead log, in bytes: https://www.postgresql.org/docs/current/functions-admin.html
# The start time identifies the server.
WRITTEN = "SELECT (pg_current_wal_lsn() - '0/0')::bigint, pg_postmaster_start_time()::text"
# The age of the last commit alone would grow while nobody writes.
REPLAYED = """
SELECT
    pg_is_in_recovery(),
    (pg_last_wal_replay_lsn() - '0/0')::bigint,
    extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8,
    pg_postmaster_start_time()::text
"""

log = structlog.get_logger("conduit.database")


class ReplicaFailed(ConcurrencyConflict):
    """The replica did not respond in time; another attempt reads from the primary."""


class NotAStandby(Exception):
    """The server is neither a standby nor the primary, such as one that was promoted."""


class Replica:
    """A replica that is not read for a while after it failed, or while it is too far behind the primary."""

    def __init__(
        self, pool: ConnectionPool, *, own: ConnectionPool, primary: ConnectionPool, max_lag_seconds: float
    ) -> None:
        self.pool = pool
        """The connections for reads."""

        self.lag_seconds: float | None = None
        """How far it was behind at the last measurement; None if it was not measured then."""

        self._is_behind = False
        self._own, self._primary = own, primary
        self._max_lag_seconds = max_lag_seconds
        self._retry_at = 0.0
        # When the primary had written how much; the first one has been replayed, if any has.
        self._written: deque[tuple[float, int]] = deque(maxlen=MAX_SAMPLES)

    @property
    def is_usable(self) -> bool:
        """Whether to read from it."""
        return not self._is_behind and time.monotonic() >= self._retry_at

    async def acquire(self) -> PooledConnection:
        """Return a connection, to be released; raise `ReplicaFailed` after the time limit."""
        try:
            async with asyncio.timeout(TIME_LIMIT_SECONDS):
                return await self.pool.acquire()
        except (DBAPIError, Unavailable, TimeoutError) as error:
            # All of the pool may be in use by others, who would notice a failure.
            if self.pool.free_slots:
                self._skip(error)
            raise ReplicaFailed from error

    @asynccontextmanager
    async def limited(self) -> AsyncIterator[None]:
        """Limit the time of the block, a unit of work on the replica. Raises `ReplicaFailed`."""
        try:
            async with asyncio.timeout(TIME_LIMIT_SECONDS) as limit:
                yield
        except ConcurrencyConflict:
            raise
        except (Unavailable, TimeoutError) as error:
            if not limit.expired() and not isinstance(error.__cause__, DBAPIError):
                raise
            self._skip(error)
            raise ReplicaFailed from error

    async def watch(self) -> NoReturn:
        """Measure how far it is behind, again and again; until cancelled."""
        while True:
            await self.measure()
            await asyncio.sleep(MEASUREMENT_INTERVAL_SECONDS)

    async def measure(self) -> None:
        """Measure how far it is behind, or find out that it does not respond.

        While the primary does not respond, it stays as usable as it was.
        """
        try:
            async with asyncio.timeout(TIME_LIMIT_SECONDS):
                [[written, primary]] = await _fetch(self._primary, WRITTEN)
        except (DBAPIError, Unavailable, TimeoutError):
            # Requests report what is wrong with the primary.
            self.lag_seconds = None
            return
        self.lag_seconds = await self._measure(int(written), primary)
        self._is_behind = self.lag_seconds is not None and self.lag_seconds > self._max_lag_seconds

    async def _measure(self, written: int, primary: str) -> float | None:
        """Return the lag behind the server with this start time, None if it cannot be measured."""
        now = time.monotonic()
        try:
            async with asyncio.timeout(TIME_LIMIT_SECONDS):
                [[is_standby, replayed, age, server]] = await _fetch(self._own, REPLAYED)
        except (DBAPIError, Unavailable, TimeoutError) as error:
            # Another error is that of an engine without these functions: it is read without a measurement.
            if not isinstance(error, DBAPIError) or is_unavailable(error):
                self._skip(error)
            return None
        if is_standby:
            return self._lag(now, written, int(replayed), age)
        if server != primary:
            self._skip(NotAStandby())
        return None

    async def dispose(self) -> None:
        """Close the connections that are not in use."""
        for pool in (self.pool, self._own, self._primary):
            await pool.dispose()

    def _lag(self, now: float, written: int, replayed: int, age: float | None) -> float | None:
        """Return the lag, which is too large by the interval of the measurements at most."""
        samples = self._written
        if samples and written < samples[-1][1]:
            # Of another primary, after a failover.
            samples.clear()
        samples.append((now, written))
        while len(samples) > 1 and samples[1][1] <= replayed:
            samples.popleft()
        at, first = samples[0]
        if first > replayed:
            # Since before the first measurement, so the age of the last commit that it has replayed counts.
            return age
        return 0.0 if len(samples) == 1 else now - at

    def _skip(self, error: BaseException) -> None:
        if time.monotonic() >= self._retry_at:
            log.warning("replica unavailable", cause=repr(error.__cause__ or error))
        self._retry_at = time.monotonic() + RETRY_SECONDS


async def _fetch(pool: ConnectionPool, sql: str) -> Rows:
    connection = await pool.acquire()
    try:
        return await connection.fetch(sql, ())
    finally:
        await connection.rollback()
