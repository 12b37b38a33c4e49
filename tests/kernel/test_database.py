"""Units of work, their isolation and their errors."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import NoneType
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from modules.kernel.domain.errors import ConcurrencyConflict, Conflict, Unavailable
from modules.kernel.infrastructure.persistence import sqlite, sqlite_driver
from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from modules.kernel.infrastructure.persistence.sqlite_driver import WriterConnection
from modules.kernel.infrastructure.persistence.statements import prepare
from tests.kernel.sample_table import Thing, create_sample_database, in_another_request, names


class NameTaken(Conflict):
    subject = "name"


TIMEOUT_SECONDS = 20
CONSTRAINT_ERRORS = {"uq_things_thing_name": NameTaken}
things = Thing.metadata.tables["things_thing"]
INSERT = prepare(insert(things))
# On SQLite, its error ends the transaction, like that of a full disk; on PostgreSQL, every error does.
INSERT_OR_ROLL_BACK = prepare(insert(things).prefix_with("OR ROLLBACK", dialect="sqlite"))


class UseCaseError(Exception):
    """An error in a use case."""


async def add(database: Database, name: str) -> None:
    """Insert a thing, as a repository does."""
    async with database.transaction() as session:
        session.add(Thing(name=name))


async def add_unique(database: Database, name: str) -> None:
    """Insert a thing, as a repository with a unique constraint does."""
    async with database.translating_violations(CONSTRAINT_ERRORS):
        await database.execute(INSERT, {"name": name, "number": 0})


async def violate(database: Database) -> None:
    """Insert a second lamp, and ignore the error, as no use case may."""
    with suppress(IntegrityError):
        await database.fetch_all(INSERT_OR_ROLL_BACK, {"name": "lamp", "number": 0})


class TestTransaction:
    @pytest.mark.parametrize("end", ["commit", "rollback"])
    async def test_session_cannot_end_the_transaction(self, database: Database, end: str) -> None:
        async def add_and_end() -> None:
            async with database.transaction() as session:
                session.add(Thing(name="lamp"))
                await getattr(session, end)()

        with pytest.raises(RuntimeError, match="cannot commit or roll back"):
            await add_and_end()
        assert await names(database) == []

    async def test_write_is_committed_when_block_ends(self, database: Database) -> None:
        await add(database, "lamp")
        assert await names(database) == ["lamp"]

    async def test_exception_rolls_back_all_writes_and_is_raised(self, database: Database) -> None:
        async def fail() -> None:
            async with database.transaction():
                await add(database, "lamp")
                await add(database, "table")
                raise UseCaseError

        with pytest.raises(UseCaseError):
            await fail()
        assert await names(database) == []

    async def test_inner_transaction_joins_outer_one(self, database: Database) -> None:
        async with database.transaction() as outer, database.transaction() as inner:
            assert inner is outer
        with suppress(UseCaseError):
            async with database.transaction():
                async with database.transaction():
                    await add(database, "lamp")
                raise UseCaseError
        assert await names(database) == []

    async def test_snapshot_inside_joins_and_reads_writes(self, database: Database) -> None:
        async with database.transaction():
            await add(database, "lamp")
            assert await names(database) == ["lamp"]

    async def test_consecutive_transactions_have_different_sessions(self, database: Database) -> None:
        async with database.transaction() as first:
            pass
        async with database.transaction() as second:
            assert second is not first

    async def test_another_task_cannot_join(self, database: Database) -> None:
        async with database.transaction():
            with pytest.raises(RuntimeError, match="another task"):
                await asyncio.create_task(add(database, "lamp"))
            with pytest.raises(RuntimeError, match="another task"):
                await asyncio.create_task(names(database))
        assert await names(database) == []

    async def test_cancelled_transaction_rolls_back_and_releases_write_lock(self, database: Database) -> None:
        written = asyncio.Event()

        async def write_and_wait() -> None:
            async with database.transaction() as session:
                session.add(Thing(name="lamp"))
                await session.flush()
                written.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(write_and_wait())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await add(database, "table")
        assert await names(database) == ["table"]

    async def test_commit_is_not_interrupted_by_a_timeout(
        self, persistent_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        committing, released = asyncio.Event(), asyncio.Event()
        commit = AsyncSession.commit
        limit = asyncio.timeout(None)

        async def wait_and_commit(session: AsyncSession) -> None:
            committing.set()
            await released.wait()
            await commit(session)

        async def write_in_time() -> str:
            async with limit:
                await add(persistent_database, "lamp")
                return "committed"

        monkeypatch.setattr(AsyncSession, "commit", wait_and_commit)
        task = asyncio.create_task(write_in_time())
        await committing.wait()
        limit.reschedule(0)
        await asyncio.sleep(0)
        assert limit.expired()
        released.set()
        # The response says what was done, although it is late.
        assert await task == "committed"
        assert await names(persistent_database) == ["lamp"]

    async def test_caught_error_that_ended_the_transaction_prevents_the_commit(
        self, database: Database
    ) -> None:
        async def end_after_error() -> None:
            async with database.transaction():
                await add(database, "table")
                await violate(database)

        await add(database, "lamp")
        with pytest.raises(RuntimeError, match="was caught"):
            await end_after_error()
        assert await names(database) == ["lamp"]

    async def test_no_statement_is_executed_after_the_end_of_the_transaction(
        self, database: Database
    ) -> None:
        async def continue_after_error() -> None:
            async with database.transaction():
                await violate(database)
                await database.fetch_all(INSERT, {"name": "table", "number": 0})

        await add(database, "lamp")
        with pytest.raises((DBAPIError, DatabaseUnavailable)):
            await continue_after_error()
        assert await names(database) == ["lamp"]

    @pytest.mark.parametrize("kind", ["transaction", "snapshot"])
    async def test_cancelled_rollback_releases_the_connection(
        self, database: Database, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closing, released = asyncio.Event(), asyncio.Event()
        close = AsyncSession.close

        async def wait_and_close(session: AsyncSession) -> None:
            closing.set()
            await released.wait()
            await close(session)

        async def fail() -> None:
            async with getattr(database, kind)() as session:
                await session.execute(select(Thing))
                raise UseCaseError

        monkeypatch.setattr(AsyncSession, "close", wait_and_close)
        task = asyncio.create_task(fail())
        await closing.wait()
        task.cancel()
        released.set()
        await asyncio.wait({task})
        assert isinstance(task.exception(), UseCaseError)
        assert {pool.in_use for pool in database.pools.values()} == {0}


class TestSnapshot:
    async def test_inner_snapshot_joins_outer_one(self, database: Database) -> None:
        async with database.snapshot() as outer, database.snapshot() as inner:
            assert inner is outer

    async def test_transaction_cannot_open_inside_snapshot(self, database: Database) -> None:
        async with database.snapshot():
            with pytest.raises(RuntimeError, match="cannot write"):
                await add(database, "lamp")

    async def test_reads_are_repeatable_during_concurrent_writes(self, persistent_database: Database) -> None:
        async with persistent_database.snapshot():
            before = await names(persistent_database)
            await in_another_request(add(persistent_database, "lamp"))
            assert await names(persistent_database) == before
        assert await names(persistent_database) == ["lamp"]

    async def test_engine_rejects_write_in_snapshot(self, persistent_database: Database) -> None:
        with pytest.raises(DatabaseUnavailable):
            async with persistent_database.snapshot() as session:
                await session.execute(insert(Thing).values(name="lamp"))


class TestRequireTransaction:
    async def test_snapshot_or_no_unit_of_work_raises_runtime_error(self, database: Database) -> None:
        with pytest.raises(RuntimeError, match="open transaction"):
            database.require_transaction()
        async with database.snapshot():
            with pytest.raises(RuntimeError, match="open transaction"):
                database.require_transaction()
        async with database.transaction():
            database.require_transaction()


class TestTranslatingViolations:
    async def test_violation_is_raised_as_its_domain_error(self, database: Database) -> None:
        await add(database, "lamp")
        with pytest.raises(NameTaken) as raised:
            await add_unique(database, "lamp")
        assert isinstance(raised.value.__cause__, IntegrityError)

    async def test_surrounding_transaction_continues(self, database: Database) -> None:
        await add(database, "lamp")
        async with database.transaction():
            await add(database, "table")
            with suppress(NameTaken):
                await add_unique(database, "lamp")
            await add(database, "chair")
        assert await names(database) == ["lamp", "table", "chair"]

    async def test_failed_block_is_rolled_back(self, database: Database) -> None:
        await add(database, "lamp")
        async with database.transaction():
            with suppress(NameTaken):
                async with database.translating_violations(CONSTRAINT_ERRORS):
                    await database.execute(INSERT, {"name": "table", "number": 0})
                    await database.execute(INSERT, {"name": "lamp", "number": 0})
        assert await names(database) == ["lamp"]

    async def test_savepoint_of_a_session_contains_an_error(self, database: Database) -> None:
        async def add_again(session: AsyncSession) -> None:
            async with session.begin_nested():
                # The session begins its savepoint with its first statement.
                await session.execute(select(1))
                await database.execute(INSERT, {"name": "lamp", "number": 0})

        async with database.transaction() as session:
            await add_again(session)
            with pytest.raises(IntegrityError):
                await add_again(session)
            await database.execute(INSERT, {"name": "table", "number": 0})
        assert await names(database) == ["lamp", "table"]

    async def test_other_named_violation_is_raised_unchanged(self, database: Database) -> None:
        with pytest.raises(IntegrityError):
            async with database.translating_violations(CONSTRAINT_ERRORS):
                await database.execute(INSERT, {"name": "lamp", "number": -1})

    async def test_unnamed_violation_is_raised_unchanged(self, database: Database) -> None:
        with pytest.raises(IntegrityError):
            async with database.translating_violations(CONSTRAINT_ERRORS):
                await database.execute(INSERT, {"name": "lamp", "number": 0, "part_of": 1000})


class TestConcurrency:
    async def test_concurrent_read_modify_write_loses_no_update(self, database: Database) -> None:
        await add(database, "counter")

        async def count(times: int) -> None:
            for _ in range(times):
                async with database.transaction() as session:
                    # The row lock is for PostgreSQL; SQLite has one writer at a time.
                    number = await session.scalar(select(Thing.number).with_for_update())
                    assert number is not None
                    await session.execute(update(Thing).values(number=number + 1))

        await asyncio.gather(*(count(10) for _ in range(20)))
        async with database.snapshot() as session:
            assert await session.scalar(select(Thing.number)) == 200

    async def test_write_lock_timeout_on_sqlite_is_unavailable(self, sqlite_database: Database) -> None:
        sqlite_database.pools["write"].timeout = 0.001
        async with sqlite_database.transaction():
            with pytest.raises(Unavailable):
                await in_another_request(add(sqlite_database, "lamp"))
        await add(sqlite_database, "table")
        assert await names(sqlite_database) == ["table"]

    async def test_writers_of_different_rows_do_not_block_on_postgresql(
        self, postgresql_database: Database
    ) -> None:
        async with postgresql_database.transaction():
            await add(postgresql_database, "lamp")
            await in_another_request(add(postgresql_database, "table"))
        assert sorted(await names(postgresql_database)) == ["lamp", "table"]

    async def test_row_lock_timeout_is_unavailable(self, postgresql_database: Database) -> None:
        async def change(wait: str) -> None:
            async with postgresql_database.transaction() as session:
                await session.execute(text(f"SET LOCAL lock_timeout = '{wait}'"))
                await session.execute(update(Thing).values(number=1))

        await add(postgresql_database, "lamp")
        async with postgresql_database.transaction() as session:
            await session.execute(select(Thing).with_for_update())
            with pytest.raises(DatabaseUnavailable):
                await in_another_request(change("1ms"))

    async def test_statement_timeout_is_unavailable(self, postgresql_database: Database) -> None:
        async def sleep_too_long(session: AsyncSession) -> None:
            await session.execute(text("SET LOCAL statement_timeout = '1ms'"))
            await session.execute(text("SELECT pg_sleep(10)"))

        with pytest.raises(DatabaseUnavailable):
            async with postgresql_database.transaction() as session:
                await sleep_too_long(session)

    async def test_deadlock_is_concurrency_conflict_for_one_transaction(
        self, postgresql_database: Database
    ) -> None:
        await add(postgresql_database, "lamp")
        await add(postgresql_database, "table")
        locked = asyncio.Barrier(2)

        async def change(first: str, second: str) -> None:
            async with postgresql_database.transaction() as session:
                await session.execute(update(Thing).where(Thing.name == first).values(number=1))
                # A failure before the barrier would leave the other task waiting.
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    await locked.wait()
                await session.execute(update(Thing).where(Thing.name == second).values(number=1))

        outcomes = await asyncio.gather(
            change("lamp", "table"), change("table", "lamp"), return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} == {ConcurrencyConflict, NoneType}

    async def test_read_pool_timeout_is_unavailable(self, persistent_database: Database) -> None:
        pool = persistent_database.pools["read"]
        pool.timeout = 0.001

        async def read_concurrently(others: int) -> None:
            async with persistent_database.snapshot():
                if others:
                    await in_another_request(read_concurrently(others - 1))
                else:
                    assert not pool.free_slots
                    await in_another_request(names(persistent_database))

        with pytest.raises(Unavailable):
            await read_concurrently(pool.size - 1)


class TestUnavailable:
    async def test_write_lock_of_another_process_is_unavailable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MILLISECONDS", 1)
        first_process = await create_sample_database(f"sqlite+aiosqlite:///{tmp_path}/things.db")
        second_process = await create_sample_database(f"sqlite+aiosqlite:///{tmp_path}/things.db")
        async with second_process.transaction() as session:
            await session.execute(select(Thing))
            with pytest.raises(DatabaseUnavailable):
                await in_another_request(add(first_process, "lamp"))
        await add(first_process, "table")
        assert await names(first_process) == ["table"]
        await first_process.dispose()
        await second_process.dispose()

    async def test_path_that_cannot_be_opened_is_unavailable(self, tmp_path: Path) -> None:
        folder = Database(f"sqlite+aiosqlite:///{tmp_path}")
        with pytest.raises(DatabaseUnavailable) as raised:
            await names(folder)
        assert isinstance(raised.value.__cause__, OperationalError)
        with pytest.raises(DatabaseUnavailable):
            await add(folder, "lamp")
        with pytest.raises(DatabaseUnavailable):
            async with folder.migration_connection():
                pass
        with pytest.raises(DatabaseUnavailable):
            async with folder.connection():
                pass
        await folder.dispose()

    async def test_damaged_file_is_unavailable(self, tmp_path: Path) -> None:
        file = tmp_path / "things.db"
        file.write_text("This is not a database.\n" * 100)
        damaged = Database(f"sqlite+aiosqlite:///{file}")
        with pytest.raises(DatabaseUnavailable):
            await names(damaged)
        with pytest.raises(DatabaseUnavailable):
            await add(damaged, "lamp")
        await damaged.dispose()

    async def test_failed_connection_leaves_no_thread(self, tmp_path: Path) -> None:
        before = set(threading.enumerate())
        (tmp_path / "damaged.db").write_text("This is not a database.\n" * 100)
        for path in (tmp_path, tmp_path / "damaged.db"):
            database = Database(f"sqlite+aiosqlite:///{path}")
            with suppress(DatabaseUnavailable):
                await add(database, "lamp")
            assert set(threading.enumerate()) <= before

    async def test_cancelled_connection_leaves_no_thread(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loop, preparing, prepared = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

        def prepare_slowly(_driver: object, _pragmas: object) -> None:
            loop.call_soon_threadsafe(preparing.set)
            prepared.wait(TIMEOUT_SECONDS)

        monkeypatch.setattr(sqlite_driver, "prepare_connection", prepare_slowly)
        before = set(threading.enumerate())
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/things.db")
        task = asyncio.create_task(names(database))
        await preparing.wait()
        task.cancel()
        prepared.set()
        await asyncio.wait({task})
        assert task.cancelled()
        assert set(threading.enumerate()) <= before

    async def test_cancelled_wait_for_the_write_lock_ends_before_another(
        self, sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Otherwise another unit of work gets a connection on which a transaction is about to begin."""
        await add(sqlite_database, "lamp")
        waiting = asyncio.Event()
        run_in_thread = WriterConnection.run_in_thread

        def start(connection: WriterConnection, work: Callable[[], Any]) -> Any:
            waiting.set()
            return run_in_thread(connection, work)

        monkeypatch.setattr(WriterConnection, "run_in_thread", start)
        with closing(sqlite3.connect(tmp_path / "things.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            task = asyncio.create_task(add(sqlite_database, "table"))
            await waiting.wait()
            task.cancel()
            for _ in range(10):
                await asyncio.sleep(0)
            assert not task.done()
            other.execute("ROLLBACK")
        await asyncio.wait({task})
        assert task.cancelled()
        await add(sqlite_database, "chair")
        assert await names(sqlite_database) == ["lamp", "chair"]

    async def test_wrong_statement_raises_driver_error(self, database: Database) -> None:
        with pytest.raises(DBAPIError, match="nonsense"):
            async with database.transaction() as session:
                await session.execute(text("SELECT nonsense"))


class TestSchemaConnections:
    async def test_migration_is_one_transaction(self, database: Database) -> None:
        async with database.migration_connection() as connection:
            await connection.execute(insert(Thing).values(name="lamp"))
        with suppress(UseCaseError):
            async with database.migration_connection() as connection:
                await connection.execute(insert(Thing).values(name="table"))
                raise UseCaseError
        assert await names(database) == ["lamp"]

    async def test_connection_reads_committed_rows(self, database: Database) -> None:
        await add(database, "lamp")
        async with database.connection() as connection:
            assert (await connection.scalars(select(Thing.name))).all() == ["lamp"]
