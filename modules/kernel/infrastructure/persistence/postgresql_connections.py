"""The connections to PostgreSQL on which units of work run.

psycopg's cursors wait for the server several times for one statement, and each wait takes longer than
PostgreSQL needs. Here what belongs together is sent at once in libpq's pipeline mode: BEGIN and the settings
of the transaction with the first statement of a unit of work, a statement with its preparation, and
statements whose rows nobody needs, or not yet, with the next one.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import asyncio
import os
import re
import secrets
import select as readiness
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util.concurrency import await_

from modules.kernel.infrastructure.persistence.connections import (
    ConnectionPool,
    FetchRows,
    PooledConnection,
    Rows,
    uninterrupted,
)
from modules.kernel.infrastructure.persistence.postgresql import SessionSettings, redact_row_values
from modules.kernel.infrastructure.persistence.postgresql_roles import role_of
from modules.kernel.infrastructure.persistence.table_owners import ForeignTable, TableOwners

# How many rows are sent before their results are read.
MAX_ROWS_AT_ONCE = 500
# How many rows wait for the next statement at most.
MAX_DEFERRED_ROWS = 50
OPEN = frozenset({TransactionStatus.INTRANS, TransactionStatus.INERROR})
COMMITTABLE = frozenset({TransactionStatus.IDLE, TransactionStatus.INTRANS})
NO_VALUES: Sequence[Sequence[Any]] = [()]
# Statements must be prepared again: the type of a column has changed, or a pooler has discarded them.
UNPREPARED = (psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidSqlStatementName)
# PostgreSQL infers the types of parameters, because those of psycopg depend on the value (int2, int4, …);
# but floating-point numbers, which SQLAlchemy does not cast, could be text.
UNSPECIFIED = 0
# They need no privilege. In a failed transaction, nothing may precede them.
CONTROL = ("COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
TO_SAVEPOINT = "ROLLBACK TO"
UNKNOWN = "?"
POOLED = "conduit.pooled"
FAILED = readiness.POLLERR | readiness.POLLHUP
FLOAT8 = psycopg.adapters.types["float8"].oid


class _Statement(NamedTuple):
    """A statement to be sent once for each row of values, for a module."""

    sql: str
    rows: Sequence[Sequence[Buffer | None]] = NO_VALUES
    types: Sequence[int] = ()
    module: str | None = None
    result: list[pq.abc.PGresult] | None = None
    """Receives the last result, if it is needed later."""


# A statement and, if it is the preparation of one, its new name.
_Sent = tuple[_Statement, bytes | None]


class _Input:
    """Reads the server's results of a `PostgresqlConnection` into libpq, as soon as the socket is readable.

    The event loop watches a duplicate of the socket from one statement to the next. Watching it for each wait
    anew, as psycopg does, takes nine system calls on uvloop. If the socket is readable while no result
    `is_expected`, the data is for psycopg, or the connection was closed: nothing is read, and the socket is
    not watched until the next wait.
    """

    def __init__(self, libpq: pq.abc.PGconn) -> None:
        self._libpq = libpq
        self._loop = asyncio.get_running_loop()
        self._socket = os.dup(libpq.socket)
        self._poll = readiness.poll()
        self._poll.register(self._socket, readiness.POLLIN)
        self.is_expected = False
        """Whether the response to a statement is awaited, or will be."""

        self._is_watched = self._is_closed = False
        self._arrival: asyncio.Future[None] | None = None
        self._failure: psycopg.Error | None = None

    @property
    def has_unexpected(self) -> bool:
        """Whether something has arrived while nothing is expected: the end of the connection."""
        return self._is_closed or bool(self._poll.poll(0))

    async def arrival(self) -> None:
        """Wait until something was read; raise `OperationalError` if the connection is lost."""
        if self._failure is not None:
            raise self._failure
        if not self._is_watched:
            self._loop.add_reader(self._socket, self._read)
            self._is_watched = True
        self._arrival = self._loop.create_future()
        try:
            await self._arrival
        finally:
            self._arrival = None
        if self._failure is not None:
            raise self._failure

    async def arrival_or_room(self) -> None:
        """Wait until something was read, or the socket is writable."""
        self._loop.add_writer(self._socket, self._wake)
        try:
            await self.arrival()
        finally:
            if not self._is_closed:
                self._loop.remove_writer(self._socket)

    def close(self) -> None:
        """Stop reading."""
        self._stop_watching()
        if not self._is_closed:
            self._is_closed = True
            os.close(self._socket)

    def _read(self) -> None:
        if not self.is_expected:
            self._stop_watching()
            return
        try:
            self._libpq.consume_input()
        except psycopg.Error as error:
            self._failure = error
            self._stop_watching()
        else:
            if any(events & FAILED for _, events in self._poll.poll(0)):
                # For a socket with an error, uvloop calls back once and then no more. What has arrived before
                # the error was read now, and the error is read next.
                self._stop_watching()
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _stop_watching(self) -> None:
        if self._is_watched:
            self._loop.remove_reader(self._socket)
            self._is_watched = False


class PostgresqlConnection(PooledConnection):
    """A connection to PostgreSQL. A transaction begins with the first statement of its unit of work.

    With owners, a module's statements in a unit of work have the privileges of the module's role only.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        connection: AsyncConnection,
        raw: PoolProxiedConnection,
        settings: SessionSettings,
        owners: TableOwners | None = None,
    ) -> None:
        super().__init__(pool, connection)
        self._begin, self._set_timeouts = _Statement(settings.begin), _Statement(settings.set_timeouts)
        self._prepares = settings.prepares
        self._cancel_timeout = settings.cancel_timeout
        self._owners = owners
        # The module whose role is in force in the open transaction.
        self._role_of: str | None = None
        self._sync_connection.info[POOLED] = self
        driver: Any = raw.driver_connection
        self._driver: psycopg.AsyncConnection[Any] = driver
        self._libpq: pq.abc.PGconn = driver.pgconn
        try:
            self._input = _Input(self._libpq)
        except OSError as error:
            # The process has no more file descriptors.
            raise self._wrapped("", psycopg.OperationalError(str(error))) from error
        self._transformer = Transformer(driver)
        # Of this session: a pooler that does not keep statements would execute another one's of this name.
        session = secrets.token_hex(8)
        self._new_names = (f"conduit_{session}_{number}".encode() for number in count())
        self._prepared: dict[str, bytes] = {}
        self._deferred: list[_Statement] = []
        self._in_unit_of_work = False

    async def begin(self) -> None:
        self._in_unit_of_work, self._role_of = True, None

    async def fetch(self, sql: str, values: Sequence[Any]) -> Rows:
        return self._rows(await self._send_with_deferred(self._statement(sql, [values])))

    def fetch_later(self, sql: str, values: Sequence[Any]) -> FetchRows | None:
        if not self._in_unit_of_work:
            return None
        result: list[pq.abc.PGresult] = []
        statement = self._statement(sql, [values])._replace(result=result)
        self._deferred.append(statement)

        async def fetch_rows() -> Rows:
            if not result:
                self._deferred = [other for other in self._deferred if other is not statement]
                result.append(await self._send_with_deferred(statement))
            return self._rows(result[0])

        return fetch_rows

    async def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        deferred = sum(len(statement.rows) for statement in self._deferred)
        if self._in_unit_of_work and deferred + len(rows) <= MAX_DEFERRED_ROWS:
            self._deferred.append(self._statement(sql, rows))
            return
        for start in range(0, len(rows), MAX_ROWS_AT_ONCE):
            await self._execute(sql, rows[start : start + MAX_ROWS_AT_ONCE])

    async def settle(self) -> None:
        if self._deferred:
            await self._send_with_deferred()

    async def commit(self) -> None:
        await self._end("COMMIT")

    async def rollback(self) -> None:
        self._deferred.clear()
        if self.is_invalidated:
            self.release()
        else:
            await self._end("ROLLBACK")

    async def end_snapshot(self) -> None:
        self._in_unit_of_work = False
        # Rows that nobody has fetched.
        self._deferred.clear()
        libpq = self._libpq
        try:
            if libpq.transaction_status in OPEN:
                # Nobody waits for it. Its result is read before the next use.
                libpq.enter_pipeline_mode()
                self._input.is_expected = True
                libpq.send_query_params(b"COMMIT", None)
                libpq.pipeline_sync()
                libpq.flush()
        except psycopg.Error as error:
            raise self._wrapped("COMMIT", error) from error
        finally:
            self.release()

    @property
    def is_aborted(self) -> bool:
        # The server replies to COMMIT with a rollback, and no error.
        return self._libpq.transaction_status not in COMMITTABLE

    async def is_usable(self) -> bool:
        try:
            await self._read_pending_results()
        except psycopg.Error:
            return False
        # The status of a closed connection is UNKNOWN.
        return self._is_idle and not self._input.has_unexpected

    async def close(self) -> None:
        self._input.close()
        await super().close()

    def _rows(self, result: pq.abc.PGresult) -> Rows:
        if not result.ntuples:
            return ()
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    async def _end(self, command: str) -> None:
        self._in_unit_of_work = False
        try:
            if self._libpq.transaction_status in OPEN:
                await self._execute(command, NO_VALUES)
        finally:
            self.release()

    async def _execute(self, sql: str, rows: Sequence[Sequence[Any]]) -> pq.abc.PGresult:
        """Execute a statement for each row of values in one round trip, and return the last result."""
        return await self._send_with_deferred(self._statement(sql, rows))

    async def _send_with_deferred(self, *statements: _Statement) -> pq.abc.PGresult:
        """Execute the deferred statements and these in one round trip, and return the last result."""
        if self._deferred:
            if statements and statements[0].sql.startswith(TO_SAVEPOINT):
                # They came after the savepoint, which was sent with those before it.
                self._deferred.clear()
            statements, self._deferred = (*self._deferred, *statements), []
        try:
            return await self._send_and_read(statements)
        except psycopg.Error as error:
            raise self._wrapped(statements[-1].sql, error) from error
        except asyncio.CancelledError:
            await uninterrupted(self._cancel())
            raise

    def _statement(self, sql: str, rows: Sequence[Sequence[Any]]) -> _Statement:
        transformer = self._transformer
        try:
            # Before anything is sent: for some values this fails, such as a text with U+0000.
            dumped = [transformer.dump_sequence(values, [PyFormat.TEXT] * len(values)) for values in rows]
        except psycopg.Error as error:
            raise self._wrapped(sql, error) from error
        types = () if sql in self._prepared else [_sent_type(type_) for type_ in transformer.types or ()]
        return _Statement(sql, dumped, types, self.module)

    async def open_transaction(self, sql: str) -> None:
        """Execute what must precede this statement in a unit of work, for one that SQLAlchemy executes."""
        if not self._in_unit_of_work:
            return
        if sql.startswith(TO_SAVEPOINT):
            # As above.
            self._deferred.clear()
        has_role = self._role_to_set(sql, self.module) is None
        if self._is_idle or self._deferred or not has_role:
            # It is sent with an empty statement.
            await self._execute("SELECT", NO_VALUES)

    def refusal(self, error: BaseException | None) -> ForeignTable | None:
        """Return the refusal that the driver's error reports, or None."""
        return self._refusal_of(self.module, error)

    def _refusal_of(self, module: str | None, error: BaseException | None) -> ForeignTable | None:
        if self._owners is not None and isinstance(error, psycopg.errors.InsufficientPrivilege):
            # In the language of the server, but with the name of the table.
            for word in re.findall(r"\w+", str(error)):
                if module is not None and (refusal := self._owners.refusal(module, word)):
                    return refusal
        return None

    @property
    def _is_idle(self) -> bool:
        return bool(self._libpq.transaction_status == TransactionStatus.IDLE)

    def _role_to_set(self, sql: str, module: str | None) -> str | None:
        """Return the statement that must precede this one in the transaction, or None."""
        if self._owners is None or not self._in_unit_of_work:
            return None
        if sql.startswith(CONTROL):
            # A rollback to a savepoint restores the role that was in force there.
            self._role_of = UNKNOWN if sql.startswith(TO_SAVEPOINT) else self._role_of
            return None
        if module == self._role_of:
            return None
        role = "NONE" if module is None else role_of(module)
        return f"SET LOCAL ROLE {role}"

    async def _send_and_read(self, statements: Sequence[_Statement]) -> pq.abc.PGresult:
        """Execute the statements in one round trip, and return the last result; raise the first error."""
        libpq = self._libpq
        is_first = self._is_idle
        libpq.enter_pipeline_mode()
        self._input.is_expected = True
        sent: list[_Sent] = []
        names: dict[str, bytes] = {}
        if is_first:
            self._role_of = None
            if self._in_unit_of_work:
                self._send(self._begin, sent, names)
            self._send(self._set_timeouts, sent, names)
        for statement in statements:
            if (set_role := self._role_to_set(statement.sql, statement.module)) is not None:
                self._send(_Statement(set_role), sent, names)
                # Until the transaction ends, or is rolled back to a savepoint.
                self._role_of = statement.module
            self._send(statement, sent, names)
        libpq.pipeline_sync()
        libpq.flush()
        results, failure = await self._read_results()
        if names or len(statements) > 1:
            self._note_results(sent, results)
        if failure is None:
            return results[-1]
        if isinstance(failure, UNPREPARED):
            self._prepared.clear()
        failed, _ = sent[len(results)]
        raise self._refusal_of(failed.module, failure) or self._wrapped(failed.sql, failure) from failure

    def _note_results(self, sent: Sequence[_Sent], results: Sequence[pq.abc.PGresult]) -> None:
        """Note which statements are prepared, and the results that are needed later."""
        # Those before an error.
        for (statement, name), result in zip(sent, results, strict=False):
            if name is not None:
                self._prepared[statement.sql] = name
            elif statement.result is not None:
                statement.result.append(result)

    def _send(self, statement: _Statement, sent: list[_Sent], names: dict[str, bytes]) -> None:
        """Send a statement for each row of values, and add what the server will reply to.

        `names` are those of the statements whose preparation was sent before.
        """
        libpq, sql = self._libpq, statement.sql
        if self._prepares:
            name = self._prepared.get(sql) or names.get(sql)
            if name is None:
                name = names[sql] = next(self._new_names)
                libpq.send_prepare(name, sql.encode(), statement.types)
                sent.append((statement, name))
            for values in statement.rows:
                libpq.send_query_prepared(name, values)
        else:
            for values in statement.rows:
                libpq.send_query_params(sql.encode(), values, statement.types)
        sent += [(statement, None)] * len(statement.rows)

    async def _read_results(self) -> tuple[Sequence[pq.abc.PGresult], psycopg.Error | None]:
        """Return the results of what was sent, up to an error, and the error.

        Raises `OperationalError` if the connection is lost.
        """
        libpq = self._libpq
        results: list[pq.abc.PGresult] = []
        failure: psycopg.Error | None = None
        while libpq.flush():
            await self._input.arrival_or_room()
        while True:
            while libpq.is_busy():
                await self._input.arrival()
            result = libpq.get_result()
            if result is None:
                if libpq.status != ConnStatus.OK:
                    raise failure or psycopg.OperationalError("the connection is lost")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                break
            elif result.status == ExecStatus.FATAL_ERROR:
                failure = failure or error_from_result(result, encoding="utf-8")
            elif failure is None:
                results.append(result)
        libpq.exit_pipeline_mode()
        self._input.is_expected = False
        while libpq.notifies() is not None:
            # A pooler passes on those of another session, and libpq collects them.
            pass
        return results, failure

    async def _read_pending_results(self) -> None:
        """Read the results of the end of a snapshot, which nobody has waited for."""
        if self._libpq.pipeline_status:
            await self._read_results()

    async def _cancel(self) -> None:
        """Cancel the statement that is being executed, and read its result."""
        try:
            async with asyncio.timeout(self._cancel_timeout):
                await self._driver.cancel_safe()
                await self._read_results()
        except (psycopg.Error, TimeoutError):
            await self._driver.close()
            self._input.close()

    def _wrapped(self, sql: str, error: Exception) -> Exception:
        redact_row_values(error)
        return super()._wrapped(sql, error)


def run_sessions_in_units_of_work(engine: AsyncEngine) -> None:
    """Execute what SQLAlchemy executes on the engine in the same transactions, with the same privileges."""

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def open_transaction(connection: Any, _cursor: object, sql: str, *_: object) -> None:
        pooled = connection.info.get(POOLED)
        if pooled is not None:
            await_(pooled.open_transaction(sql))

    @event.listens_for(engine.sync_engine, "handle_error")
    def refuse(context: ExceptionContext) -> None:
        pooled = context.connection and context.connection.info.get(POOLED)
        if pooled and (refusal := pooled.refusal(context.original_exception)):
            raise refusal from context.original_exception


def _sent_type(type_: int) -> int:
    return type_ if type_ == FLOAT8 else UNSPECIFIED
