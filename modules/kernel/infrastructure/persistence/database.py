"""The database as modules see it: units of work that calls into other modules join."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from contextvars import Context, ContextVar
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from modules.kernel.domain.errors import ConcurrencyConflict, DomainError, ReadOnly, Unavailable
from modules.kernel.domain.identity import write_authorization
from modules.kernel.infrastructure.persistence.connections import (
    ConnectionPool,
    PooledConnection,
    Uncancellable,
    uninterrupted,
)
from modules.kernel.infrastructure.persistence.driver_errors import (
    is_conflict,
    is_prepared_statement_lost,
    is_unavailable,
    violated_constraint,
)
from modules.kernel.infrastructure.persistence.engines import (
    DEFAULT_OPTIONS,
    DatabaseOptions,
    DataVersion,
    open_engines,
    redact_password,
)
from modules.kernel.infrastructure.persistence.observation import (
    StatementObserver,
    observe_session_statements,
)
from modules.kernel.infrastructure.persistence.postgresql import (
    MAY_NOTIFY,
    NOTIFY,
    SessionSettings,
    try_migration_lock,
)
from modules.kernel.infrastructure.persistence.replica import Replica, ReplicaFailed
from modules.kernel.infrastructure.persistence.sqlite_driver import statements_in_thread
from modules.kernel.infrastructure.persistence.statements import Parameters, PreparedStatement
from modules.kernel.infrastructure.persistence.table_owners import TableOwners
from modules.kernel.infrastructure.persistence.write_ahead_log import WriteAheadLog

NO_PARAMETERS: Parameters = {}
DATABASE_ERRORS = (DBAPIError, PoolTimeoutError)
NOT_YOURS = "a session cannot commit or roll back: the block of transaction() does when it ends"
# How often a process looks whether another one still migrates.
MIGRATION_LOCK_POLL_SECONDS = 0.5
SNAPSHOT_OPEN = "a snapshot is open, and a snapshot cannot write"

log = structlog.get_logger("conduit.database")


class DatabaseUnavailable(Unavailable):
    """The database is unreachable, locked, full or read-only; the cause is the driver's error."""

    subject, problem = "database", "is not available"


class PreparedStatementLost(DatabaseUnavailable):
    """A prepared statement of this session does not exist on the server, as behind some poolers."""


class _LazySession(AsyncSession):
    """A session that is created when it is first used: most units of work use prepared statements only."""

    def __init__(self, connection: PooledConnection) -> None:
        # Not the initialization of AsyncSession, which `__getattr__` makes up for.
        self._pooled_connection = connection

    def __getattr__(self, name: str) -> Any:
        # Called for what AsyncSession sets in its initialization.
        if "sync_session" in self.__dict__:
            raise AttributeError(name)
        super().__init__(self._pooled_connection.connection, expire_on_commit=False)
        return getattr(self, name)

    @property
    def is_used(self) -> bool:
        """Whether the session was created."""
        return "sync_session" in self.__dict__

    async def commit(self) -> None:
        """Raise `RuntimeError`: the unit of work commits when its outermost block ends."""
        raise RuntimeError(NOT_YOURS)

    async def rollback(self) -> None:
        """Raise `RuntimeError`: the unit of work is rolled back when an exception leaves it."""
        raise RuntimeError(NOT_YOURS)

    async def end(self) -> None:
        """End the transaction of the session, not that of its connection."""
        await super().commit()
        await super().close()


class _WriteGate:
    """Whether writes are refused, of all databases of one process."""

    retry_after_seconds: int | None = None


class _Unit:
    """An open unit of work of one task."""

    def __init__(self, connection: PooledConnection, module: str | None, *, writes: bool) -> None:
        self.connection = connection
        if connection.module != module:
            connection.act_for(module)
        self.session = _LazySession(connection)
        # Finding the loop is a system call.
        self.loop = asyncio.get_running_loop()
        self.task = asyncio.current_task(self.loop)
        self.writes = writes
        self.after_commit: list[Callable[[], None]] = []

    @property
    def can_flush(self) -> bool:
        """Whether no error has ended the transaction or that of the session."""
        return self.session.is_used and self.session.is_active and not self.connection.is_aborted

    async def flush(self) -> None:
        if self.session.is_used:
            await self.session.flush()

    def join_commit(self) -> Uncancellable | None:
        if self.connection.module is not None:
            # SQLite's full-text index writes its tables as late as at the commit.
            self.connection.act_for(None)
        return None if self.session.is_used else self.connection.join_commit()

    async def commit(self) -> None:
        if self.connection.is_aborted:
            await self.rollback()
            raise RuntimeError("an error ended the transaction, and was caught")
        await self._commit_session()
        await self.connection.commit()

    async def end_snapshot(self) -> None:
        await self._commit_session()
        await self.connection.end_snapshot()

    async def _commit_session(self) -> None:
        if self.session.is_used:
            try:
                await self.session.end()
            except BaseException:
                await self.rollback()
                raise

    async def rollback(self) -> None:
        try:
            if self.session.is_used:
                await self.session.close()
        finally:
            await self.connection.rollback()


class _UnitOfWork:
    """The outermost block of a unit of work: a transaction if it `writes`, otherwise a snapshot."""

    __slots__ = ("_ambient", "_connection", "_module", "_pool", "_token", "_unit", "_writes")

    def __init__(
        self,
        ambient: ContextVar[_Unit | None],
        module: str | None,
        pool: ConnectionPool,
        connection: PooledConnection | None = None,
        *,
        writes: bool,
    ) -> None:
        self._ambient = ambient
        self._module = module
        self._pool = pool
        self._connection = connection
        self._writes = writes

    async def __aenter__(self) -> AsyncSession:
        try:
            connection = self._connection or await self._pool.acquire()
            try:
                await connection.begin()
            except BaseException:
                await uninterrupted(connection.rollback())
                raise
        except DATABASE_ERRORS as error:
            _raise_translated(error)
            raise
        self._unit = _Unit(connection, self._module, writes=self._writes)
        self._token = self._ambient.set(self._unit)
        if self._writes and (authorize := write_authorization.get()) is not None:
            try:
                await authorize()
            except BaseException as error:
                await self._roll_back(error)
                raise
        return self._unit.session

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error is not None:
            await self._roll_back(error)
            return
        unit = self._unit
        if self._writes:
            try:
                await unit.flush()
                await unit.connection.settle()
            except BaseException as flush_error:
                await self._roll_back(flush_error)
                raise
        self._ambient.reset(self._token)
        try:
            if self._writes:
                # The caller must know whether it was committed: once it was, the request ends as if it was
                # in time.
                await uninterrupted(unit.join_commit() or unit.commit())
            else:
                await unit.end_snapshot()
        except DATABASE_ERRORS as commit_error:
            _raise_translated(commit_error)
            raise
        for callback in unit.after_commit:
            callback()

    async def _roll_back(self, error: BaseException) -> None:
        """Roll back for this error, and raise the domain error that it means, if it means one."""
        self._ambient.reset(self._token)
        # It fails if the connection is lost, and the transaction with it; what ended the block is raised.
        with suppress(DBAPIError):
            await uninterrupted(self._unit.rollback())
        _raise_translated(error)


class _ModuleBlock:
    """A block of an open unit of work in which statements are those of another module.

    What is pending in the session belongs to the module that added it, and is flushed as its.
    """

    __slots__ = ("_module", "_outer", "_unit")

    def __init__(self, unit: _Unit, module: str | None) -> None:
        self._unit, self._module = unit, module
        self._outer = unit.connection.module

    async def __aenter__(self) -> AsyncSession:
        await self._unit.flush()
        self._unit.connection.act_for(self._module)
        return self._unit.session

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                await self._unit.flush()
            elif issubclass(kind, Exception) and self._unit.can_flush:
                # The caller may catch the error, and go on with what was added to the session before it. If
                # that cannot be flushed, the session cannot be used, and the first error says more.
                with suppress(SQLAlchemyError):
                    await self._unit.flush()
        finally:
            self._unit.connection.act_for(self._outer)


class Database:
    """One database, used through units of work.

    The open unit of work is ambient: it belongs to the task that opened it, and calls into any module
    join it. So the use case defines the transaction, and repositories need no session passed to them.

    A module gets `of` its name. Its statements can use its own tables only; others raise `ForeignTable`. This
    one is of no module, and can use all: for backups, migrations and tests.
    """

    def __init__(
        self,
        url: str,
        options: DatabaseOptions = DEFAULT_OPTIONS,
        *,
        isolates_modules: bool = True,
    ) -> None:
        self._owners = TableOwners() if isolates_modules else None
        self._module: str | None = None
        self._engines = open_engines(url, options, self._owners)
        self._dialect = self._engines.write.engine.dialect
        self._unit: ContextVar[_Unit | None] = ContextVar("unit", default=None)
        self._stale_reads_allowed: ContextVar[bool] = ContextVar("stale_reads_allowed", default=False)
        # By module, because each has a role of its own if modules are isolated.
        self._may_notify: dict[str | None, bool] = {}
        self._write_gate = _WriteGate()
        self.observers: list[StatementObserver] = []
        """They are called for every statement."""

        for engine in dict.fromkeys(self.engines):
            observe_session_statements(engine, self.observers)

    def of(self, module: str) -> "Database":
        """Return this database for the statements of a module. Its units of work are the same.

        Raises `RuntimeError` if it is of a module already.
        """
        if self._module is not None:
            raise RuntimeError(f"the database of {self._module} cannot be that of {module}")
        if self._owners is None:
            return self
        self._owners.add(module)
        database = copy(self)
        database._module = module
        return database

    @property
    def is_read_only(self) -> bool:
        """Whether transactions are refused in this process."""
        return self._write_gate.retry_after_seconds is not None

    def refuse_writes(self, retry_after_seconds: int | None) -> None:
        """Refuse transactions from now on, with `ReadOnly`; with None, allow them."""
        self._write_gate.retry_after_seconds = retry_after_seconds

    def for_probes(self) -> "Database":
        """Return this database for health checks: reads have a connection of their own, to the primary."""
        database = copy(self)
        database._engines = replace(self._engines, read=self._engines.probe, replica=None)
        return database

    @property
    def replica(self) -> Replica | None:
        """The replica, if there is one."""
        return self._engines.replica

    @property
    def write_ahead_log(self) -> WriteAheadLog | None:
        """The write-ahead log of a SQLite file, None for any other database."""
        return self._engines.write_ahead_log

    @property
    def isolates_modules(self) -> bool:
        """Whether statements of a module on tables of another are refused."""
        return self._owners is not None

    @property
    def engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        """The engines for writes and for reads, for tests; they may be the same."""
        return self._engines.write.engine, self._engines.read.engine

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of the dialect, for features of one engine only: sqlite or postgresql."""
        return self._dialect.name

    @property
    def display_url(self) -> str:
        """The URL of the database, with its password redacted."""
        return redact_password(self._engines.write.engine.url)

    @property
    def pools(self) -> Mapping[str, ConnectionPool]:
        """The connection pools `write` and `read`, for metrics and tests; they may be the same."""
        return {"write": self._engines.write, "read": self._engines.read}

    @property
    def max_connections(self) -> int:
        """How many connections this process opens at most to the primary."""
        return self._engines.max_connections

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a unit of work that may write, or join the open one.

        Committed when the outermost block ends, rolled back when an exception leaves it. In an
        authenticated request it begins with `write_authorization`, and raises what that raises. Raises
        `Unavailable` when the write lock or a connection cannot be acquired in time, `ReadOnly`,
        `ConcurrencyConflict` when a concurrent transaction caused a rollback, and `RuntimeError` inside
        a snapshot, when another task tries to join, or when the block caught an error that ended the
        transaction: on PostgreSQL that of any statement outside `translating_violations`.
        """
        unit = self._current_unit()
        if unit is None:
            return self._begin_write()
        if not unit.writes:
            raise RuntimeError(SNAPSHOT_OPEN)
        if unit.connection.module == self._module:
            return nullcontext(unit.session)
        return _ModuleBlock(unit, self._module)

    @asynccontextmanager
    async def long_transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a unit of work as `transaction` does, for statements that may take long.

        SQLite runs them on a thread instead of the event loop.
        """
        previous = statements_in_thread.set(True)
        try:
            async with self.transaction() as session:
                yield session
        finally:
            statements_in_thread.reset(previous)

    def snapshot(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a read-only unit of work at one point in time, or join the open unit of work.

        Reads the primary unless inside `allow_replica()`. Raises `ReplicaFailed` when the replica does not
        respond, and `RuntimeError` when another task tries to join.
        """
        unit = self._current_unit()
        if unit is None:
            replica = self._usable_replica()
            return self._begin_read() if replica is None else self._begin_read_on(replica)
        if unit.connection.module == self._module:
            return nullcontext(unit.session)
        return _ModuleBlock(unit, self._module)

    async def fetch_all(
        self, statement: PreparedStatement, parameters: Parameters = NO_PARAMETERS
    ) -> Sequence[Any]:
        """Execute a statement in the open unit of work and return its rows, as named tuples.

        Without one, a SELECT reads what is committed, and another statement is a transaction of its own.
        """
        unit = self._current_unit()
        if unit is not None:
            if statement.writes and not unit.writes:
                raise RuntimeError(SNAPSHOT_OPEN)
            if unit.session.is_used:
                await unit.session.flush()
            connection, outer = unit.connection, unit.connection.module
            if outer == self._module:
                return await self._run(connection, statement, parameters)
            connection.act_for(self._module)
            try:
                return await self._run(connection, statement, parameters)
            finally:
                connection.act_for(outer)
        if statement.writes:
            async with self.transaction():
                return await self.fetch_all(statement, parameters)
        if (self._module is not None and self.dialect == "postgresql") or self._usable_replica() is not None:
            # A role is in force until the end of a transaction, and the time limit of a replica.
            async with self.snapshot():
                return await self.fetch_all(statement, parameters)
        try:
            connection = await self._engines.read.acquire()
            if connection.module != self._module:
                connection.act_for(self._module)
            try:
                return await self._run(connection, statement, parameters)
            finally:
                await connection.rollback()
        except DATABASE_ERRORS as error:
            _raise_translated(error)
            raise

    def fetch_later(
        self, statement: PreparedStatement, parameters: Parameters = NO_PARAMETERS
    ) -> Callable[[], Awaitable[Sequence[Any]]]:
        """Return a function that returns rows as `fetch_all` does, to be called in the same unit of work.

        On PostgreSQL, the statement is executed with the next one. The function raises `RuntimeError` after
        the unit of work.
        """
        unit = self._current_unit()
        if unit is None or unit.session.is_used:
            return partial(self.fetch_all, statement, parameters)
        compiled = statement.compiled(self._dialect, parameters)
        values = compiled.bind(parameters)
        connection, outer = unit.connection, unit.connection.module
        connection.act_for(self._module)
        try:
            fetch_rows = connection.fetch_later(compiled.sql, values)
        finally:
            connection.act_for(outer)
        if fetch_rows is None:
            return partial(self.fetch_all, statement, parameters)
        self._observe(compiled.sql, time.perf_counter())

        async def fetch_all() -> Sequence[Any]:
            if self._current_unit() is not unit:
                raise RuntimeError("the unit of work has ended")
            return compiled.rows(await fetch_rows())

        return fetch_all

    async def fetch_one(
        self, statement: PreparedStatement, parameters: Parameters = NO_PARAMETERS
    ) -> Any | None:
        """Execute a statement as `fetch_all` does, and return its only row, or None.

        Raises `MultipleResultsFound` for several rows.
        """
        rows = await self.fetch_all(statement, parameters)
        if len(rows) > 1:
            raise MultipleResultsFound(f"{len(rows)} rows: {statement.statement}")
        return rows[0] if rows else None

    async def fetch_value(self, statement: PreparedStatement, parameters: Parameters = NO_PARAMETERS) -> Any:
        """Execute a statement as `fetch_one` does, and return the first column of its row, or None."""
        row = await self.fetch_one(statement, parameters)
        return None if row is None else row[0]

    async def fetch_values(
        self, statement: PreparedStatement, parameters: Parameters = NO_PARAMETERS
    ) -> Sequence[Any]:
        """Execute a statement as `fetch_all` does, and return the first column of its rows."""
        return [row[0] for row in await self.fetch_all(statement, parameters)]

    async def execute(self, statement: PreparedStatement, parameters: Parameters = NO_PARAMETERS) -> None:
        """Execute a statement as `fetch_all` does, or one that returns no rows as `execute_many` does."""
        if statement.is_select:
            await self.fetch_all(statement, parameters)
        else:
            await self.execute_many(statement, [parameters])

    async def execute_many(self, statement: PreparedStatement, rows: Sequence[Parameters]) -> None:
        """Execute a statement once for each row of parameters, which all have the same names.

        On PostgreSQL, it is executed with the next statement, which then raises its error, or before the
        commit; at once if the session was used, which may have a savepoint.
        """
        if not rows:
            return
        async with self.transaction():
            unit = self._open_transaction()
            await unit.flush()
            compiled = statement.compiled(self._dialect, rows[0])
            started = time.perf_counter()
            await unit.connection.execute_many(compiled.sql, [compiled.bind(row) for row in rows])
            if unit.session.is_used:
                await unit.connection.settle()
            self._observe(compiled.sql, started)

    @contextmanager
    def allow_replica(self) -> Iterator[None]:
        """Allow snapshots in this block to read from the replica, if there is one, which may lag."""
        token = self._stale_reads_allowed.set(True)
        try:
            yield
        finally:
            self._stale_reads_allowed.reset(token)

    @asynccontextmanager
    async def translating_violations(
        self, errors: Mapping[str, Callable[[], DomainError]]
    ) -> AsyncIterator[None]:
        """Open a savepoint; a violation of a constraint named in `errors` is raised as its domain error.

        The block is then rolled back, and the surrounding transaction can continue. Not for rows that are
        added to a session, which has savepoints of its own (`begin_nested`).
        """
        async with self.transaction():
            unit = self._open_transaction()
            await unit.flush()
            connection = unit.connection
            await connection.fetch("SAVEPOINT statements", ())
            try:
                yield
                await connection.fetch("RELEASE SAVEPOINT statements", ())
            except BaseException as error:
                # The savepoint is gone if the engine has rolled back the transaction; the error says why.
                with suppress(DBAPIError):
                    await uninterrupted(_undo(connection))
                if isinstance(error, IntegrityError):
                    domain_error = errors.get(violated_constraint(error) or "")
                    if domain_error is not None:
                        raise domain_error() from error
                raise

    @asynccontextmanager
    async def migration_connection(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection and a transaction for migrations, exclusive between processes.

        On PostgreSQL, a statement waits for a lock for two seconds at most. Raises `DatabaseUnavailable`.
        """
        self._require_no_module()
        with _translated_errors():
            async with self._engines.migration_lock(), self._locked_migration() as connection:
                yield connection

    @asynccontextmanager
    async def autocommit_migration_connections(
        self,
    ) -> AsyncIterator[tuple[AsyncConnection, AsyncConnection]]:
        """Open a transaction on PostgreSQL, exclusive between processes, and a connection without one.

        For statements that a transaction cannot have. On the connection, they wait for locks, and for the end
        of other transactions, without a limit. Raises `DatabaseUnavailable`.
        """
        self._require_no_module()
        with _translated_errors():
            async with self._locked_migration() as transaction, self._engines.migrate.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                yield transaction, connection

    @asynccontextmanager
    async def _locked_migration(self) -> AsyncIterator[AsyncConnection]:
        while True:
            # A new one each time: CREATE INDEX CONCURRENTLY waits for the end of older ones, and behind a
            # pooler each has a connection to the server.
            async with self._engines.migrate.begin() as connection:
                if await try_migration_lock(connection):
                    yield connection
                    return
            await asyncio.sleep(MIGRATION_LOCK_POLL_SECONDS)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Open a snapshot and yield its connection, for inspecting the schema."""
        self._require_no_module()
        async with self.snapshot() as session:
            yield await session.connection()

    async def data_version(self) -> DataVersion | None:
        """Return a value that changes with every commit, of any process; None where it is not available.

        It is not available for what may be read from a replica.
        """
        if self._engines.replica is not None and self._stale_reads_allowed.get():
            return None
        return await self._engines.data_version()

    async def unexpected_settings(self) -> Sequence[str]:
        """Return the settings of PostgreSQL that a unit of work does not have, although it begins with them.

        For example because the server, or what is in front of it, does not support them. Raises
        `PreparedStatementLost` if it does not keep prepared statements for a session.
        """
        if not self._engines.session_settings:
            return []
        writing, reading = self._engines.session_settings
        of_snapshots = await self._differences(self.snapshot, reading)
        async with self.transaction():
            of_transactions = await self._differences(self.transaction, writing)
            # Again, while this transaction has the connection to the server on which that was prepared.
            again = self._differences(self.snapshot, reading)
            await asyncio.create_task(again, context=Context())
        return [*of_transactions, *of_snapshots]

    async def _differences(
        self, unit_of_work: Callable[[], AbstractAsyncContextManager[AsyncSession]], settings: SessionSettings
    ) -> Sequence[str]:
        async with unit_of_work():
            rows = await self.fetch_all(settings.comparison)
        return [f"{name}={value} instead of {wanted}" for name, value, wanted in rows if value != wanted]

    def require_transaction(self) -> None:
        """Raise `RuntimeError` unless a transaction is open in this task."""
        self._open_transaction()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call this after the open transaction is committed; not after a rollback.

        Raises `RuntimeError` when no transaction is open in this task.
        """
        self._open_transaction().after_commit.append(callback)

    async def notify(self, topic: str) -> None:
        """Notify other processes of this topic when the open transaction is committed.

        It is a hint: without the right to notify, they find out by polling.
        """
        self.require_transaction()
        if self.dialect != "postgresql":
            return
        may_notify = self._may_notify.get(self._module)
        if may_notify is None:
            may_notify = self._may_notify[self._module] = bool(await self.fetch_value(MAY_NOTIFY))
            if not may_notify:
                log.warning("notifications not permitted, other processes poll", function="pg_notify")
        if may_notify:
            await self.execute(NOTIFY, {"topic": topic})

    async def notifications(self) -> AsyncIterator[str | None]:
        """Yield the topics that other processes notify, or None for any topic, as at the beginning.

        Ends at once for a database in memory, which no other process uses. Raises `ConnectionError` or
        `DatabaseUnavailable`.
        """
        with _translated_errors():
            async for topic in self._engines.notifications():
                yield topic

    async def dispose(self) -> None:
        """Close every connection."""
        await self._engines.dispose()

    def _require_no_module(self) -> None:
        if self._module is not None:
            raise RuntimeError(f"the database of {self._module} has units of work only")

    async def _run(
        self, connection: PooledConnection, statement: PreparedStatement, parameters: Parameters
    ) -> Sequence[Any]:
        compiled = statement.compiled(self._dialect, parameters)
        started = time.perf_counter()
        fetched = await connection.fetch(compiled.sql, compiled.bind(parameters))
        self._observe(compiled.sql, started)
        return compiled.rows(fetched)

    def _observe(self, sql: str, started: float) -> None:
        seconds = time.perf_counter() - started
        for observer in self.observers:
            observer.executed(sql, seconds)

    def _usable_replica(self) -> Replica | None:
        replica = self._engines.replica
        return (
            replica if replica is not None and self._stale_reads_allowed.get() and replica.is_usable else None
        )

    def _open_transaction(self) -> _Unit:
        unit = self._current_unit()
        if unit is None or not unit.writes:
            raise RuntimeError("this needs an open transaction")
        return unit

    def _begin_write(self) -> AbstractAsyncContextManager[AsyncSession]:
        if self._write_gate.retry_after_seconds is not None:
            raise ReadOnly(self._write_gate.retry_after_seconds)
        return _UnitOfWork(self._unit, self._module, self._engines.write, writes=True)

    def _begin_read(
        self, acquired: PooledConnection | None = None
    ) -> AbstractAsyncContextManager[AsyncSession]:
        return _UnitOfWork(self._unit, self._module, self._engines.read, acquired, writes=False)

    @asynccontextmanager
    async def _begin_read_on(self, replica: Replica) -> AsyncIterator[AsyncSession]:
        try:
            connection = await replica.acquire()
            async with replica.limited(), self._begin_read(connection) as session:
                yield session
        except ReplicaFailed:
            # The rest of this request, and its next attempt, read the primary.
            self._stale_reads_allowed.set(False)
            raise

    def _current_unit(self) -> _Unit | None:
        unit = self._unit.get()
        if unit is not None and unit.task is not asyncio.current_task(unit.loop):
            raise RuntimeError("the open unit of work belongs to another task")
        return unit


async def _undo(connection: PooledConnection) -> None:
    await connection.fetch("ROLLBACK TO SAVEPOINT statements", ())
    await connection.fetch("RELEASE SAVEPOINT statements", ())


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except DATABASE_ERRORS as error:
        _raise_translated(error)
        raise


def _raise_translated(error: BaseException) -> None:
    """Raise the domain error that an error of the database means; return if it means none."""
    if isinstance(error, PoolTimeoutError):
        raise Unavailable from error
    if not isinstance(error, DBAPIError):
        return
    if is_conflict(error):
        raise ConcurrencyConflict from error
    if is_prepared_statement_lost(error):
        raise PreparedStatementLost from error
    if is_unavailable(error):
        raise DatabaseUnavailable from error
