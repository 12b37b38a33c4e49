"""The connections to PostgreSQL on which units of work run."""

import select as readiness
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import PoolProxiedConnection

from modules.kernel.infrastructure.persistence.connections import ConnectionPool, PooledConnection, Rows
from modules.kernel.infrastructure.persistence.postgresql import redact_row_values


class PostgresqlConnection(PooledConnection):
    """A connection to PostgreSQL."""

    def __init__(self, pool: ConnectionPool, connection: AsyncConnection, raw: PoolProxiedConnection) -> None:
        super().__init__(pool, connection)
        driver: Any = raw.driver_connection
        self._driver: psycopg.AsyncConnection[Any] = driver

    async def prepare(self) -> None:
        # By default psycopg begins a transaction before any statement: a round trip more for a lookup.
        await self._driver.set_autocommit(True)

    async def begin(self) -> None:
        await self.fetch("BEGIN", ())

    async def fetch(self, sql: str, values: Sequence[Any]) -> Rows:
        try:
            cursor = psycopg.AsyncRawCursor(self._driver)
            await cursor.execute(sql.encode(), values)
            return await cursor.fetchall() if cursor.description else ()
        except psycopg.Error as error:
            raise self._wrapped(sql, error) from error

    async def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        try:
            await psycopg.AsyncRawCursor(self._driver).executemany(sql.encode(), rows)
        except psycopg.Error as error:
            raise self._wrapped(sql, error) from error

    async def commit(self) -> None:
        try:
            await self._driver.commit()
        except psycopg.Error as error:
            raise self._wrapped("COMMIT", error) from error
        finally:
            self.release()

    async def rollback(self) -> None:
        try:
            if not self.is_invalidated:
                await self._driver.rollback()
        except psycopg.Error as error:
            raise self._wrapped("ROLLBACK", error) from error
        finally:
            self.release()

    def is_usable(self) -> bool:
        # Readable without a statement only if the server has closed the connection. Closed: status UNKNOWN.
        status = self._driver.info.transaction_status
        return status is TransactionStatus.IDLE and not _is_readable(self._driver.fileno())

    def _wrapped(self, sql: str, error: Exception) -> Exception:
        redact_row_values(error)
        return super()._wrapped(sql, error)


def _is_readable(socket: int) -> bool:
    poll = readiness.poll()
    poll.register(socket, readiness.POLLIN)
    return bool(poll.poll(0))
