"""Units of work: what is done in one is done together, and nobody's is lost."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from types import NoneType
from typing import cast

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import QueuePool

from modules.kernel.domain.errors import ConcurrencyConflict, Conflict, Unavailable
from modules.kernel.infrastructure.persistence import database as database_module
from modules.kernel.infrastructure.persistence import sqlite
from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from tests.kernel.sample_table import Thing, in_another_request, names, with_things


class NameTaken(Conflict):
    subject = "name"


PATIENCE_SECONDS = 20
REFUSALS = {"uq_things_thing_name": NameTaken}


class Interruption(Exception):
    """Stands for whatever goes wrong in a use case."""


async def add(database: Database, name: str) -> None:
    """Do what any module's repository does."""
    async with database.transaction() as session:
        session.add(Thing(name=name))


async def add_or_refuse(database: Database, name: str) -> None:
    """Do what a repository with a unique constraint does."""
    async with database.translating_violations(REFUSALS) as session:
        session.add(Thing(name=name))


class TestTransaction:
    async def test_what_was_written_stays_when_the_block_ends(self, database: Database) -> None:
        await add(database, "lamp")
        assert await names(database) == ["lamp"]

    async def test_an_exception_undoes_everything(self, database: Database) -> None:
        with suppress(Interruption):
            async with database.transaction():
                await add(database, "lamp")
                await add(database, "table")
                raise Interruption
        assert await names(database) == []

    async def test_the_exception_leaves_as_it_was(self, database: Database) -> None:
        with pytest.raises(Interruption):
            async with database.transaction():
                raise Interruption

    async def test_an_inner_block_joins_and_commits_nothing_by_itself(self, database: Database) -> None:
        async with database.transaction() as outer, database.transaction() as inner:
            assert inner is outer
        with suppress(Interruption):
            async with database.transaction():
                async with database.transaction():
                    await add(database, "lamp")
                raise Interruption
        assert await names(database) == []

    async def test_a_snapshot_inside_joins_and_sees_what_was_written(self, database: Database) -> None:
        async with database.transaction():
            await add(database, "lamp")
            assert await names(database) == ["lamp"]

    async def test_a_new_one_opens_after_the_last_one_ended(self, database: Database) -> None:
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

    async def test_a_cancelled_one_leaves_nothing_and_gives_its_turn_back(self, database: Database) -> None:
        written = asyncio.Event()

        async def stuck() -> None:
            async with database.transaction() as session:
                session.add(Thing(name="lamp"))
                await session.flush()
                written.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(stuck())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await add(database, "table")
        assert await names(database) == ["table"]


class TestSnapshot:
    async def test_an_inner_snapshot_joins(self, database: Database) -> None:
        async with database.snapshot() as outer, database.snapshot() as inner:
            assert inner is outer

    async def test_a_transaction_cannot_open_inside(self, database: Database) -> None:
        async with database.snapshot():
            with pytest.raises(RuntimeError, match="cannot write"):
                await add(database, "lamp")

    async def test_its_reads_agree_whatever_others_write_meanwhile(self, deployed: Database) -> None:
        async with deployed.snapshot():
            before = await names(deployed)
            await in_another_request(add(deployed, "lamp"))
            assert await names(deployed) == before
        assert await names(deployed) == ["lamp"]

    async def test_the_engine_itself_refuses_a_write(self, deployed: Database) -> None:
        with pytest.raises(DatabaseUnavailable):
            async with deployed.snapshot() as session:
                await session.execute(insert(Thing).values(name="lamp"))


class TestRequireTransaction:
    async def test_only_an_open_transaction_will_do(self, database: Database) -> None:
        with pytest.raises(RuntimeError, match="open transaction"):
            database.require_transaction()
        async with database.snapshot():
            with pytest.raises(RuntimeError, match="open transaction"):
                database.require_transaction()
        async with database.transaction():
            database.require_transaction()


class TestRefusing:
    async def test_a_named_constraint_is_raised_as_what_it_means(self, database: Database) -> None:
        await add(database, "lamp")
        with pytest.raises(NameTaken) as refusal:
            await add_or_refuse(database, "lamp")
        assert isinstance(refusal.value.__cause__, IntegrityError)

    async def test_the_transaction_around_it_goes_on(self, database: Database) -> None:
        await add(database, "lamp")
        async with database.transaction():
            await add(database, "table")
            with suppress(NameTaken):
                await add_or_refuse(database, "lamp")
            await add(database, "chair")
        assert await names(database) == ["lamp", "table", "chair"]

    async def test_what_the_refused_block_wrote_before_is_undone(self, database: Database) -> None:
        await add(database, "lamp")
        async with database.transaction():
            with suppress(NameTaken):
                async with database.translating_violations(REFUSALS) as session:
                    await session.execute(insert(Thing).values(name="table"))
                    await session.execute(insert(Thing).values(name="lamp"))
        assert await names(database) == ["lamp"]

    async def test_a_constraint_without_a_meaning_passes_as_it_is(self, database: Database) -> None:
        with pytest.raises(IntegrityError):
            async with database.translating_violations(REFUSALS) as session:
                session.add(Thing(name="lamp", number=-1))

    async def test_a_constraint_without_a_name_passes_as_it_is(self, database: Database) -> None:
        with pytest.raises(IntegrityError):
            async with database.translating_violations(REFUSALS) as session:
                session.add(Thing(name="lamp", part_of=1000))


class TestManyAtOnce:
    async def test_twenty_that_read_modify_and_write_lose_nothing(self, database: Database) -> None:
        await add(database, "counter")

        async def count(times: int) -> None:
            for _ in range(times):
                async with database.transaction() as session:
                    # Locked, which SQLite has no need of: nobody else writes meanwhile.
                    number = await session.scalar(select(Thing.number).with_for_update())
                    assert number is not None
                    await session.execute(update(Thing).values(number=number + 1))

        await asyncio.gather(*(count(10) for _ in range(20)))
        async with database.snapshot() as session:
            assert await session.scalar(select(Thing.number)) == 200

    async def test_on_sqlite_a_turn_to_write_that_never_comes_is_told_as_unavailable(
        self, on_file: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database_module, "WRITE_LOCK_TIMEOUT_SECONDS", 0.001)
        async with on_file.transaction():
            with pytest.raises(Unavailable):
                await in_another_request(add(on_file, "lamp"))
        await add(on_file, "table")
        assert await names(on_file) == ["table"]

    async def test_on_postgresql_nobody_waits_to_write_what_nobody_else_writes(
        self, on_postgresql: Database
    ) -> None:
        async with on_postgresql.transaction():
            await add(on_postgresql, "lamp")
            await in_another_request(add(on_postgresql, "table"))
        assert sorted(await names(on_postgresql)) == ["lamp", "table"]

    async def test_a_row_that_another_keeps_locked_is_told_as_unavailable(
        self, on_postgresql: Database
    ) -> None:
        async def change(wait: str) -> None:
            async with on_postgresql.transaction() as session:
                await session.execute(text(f"SET LOCAL lock_timeout = '{wait}'"))
                await session.execute(update(Thing).values(number=1))

        await add(on_postgresql, "lamp")
        async with on_postgresql.transaction() as session:
            await session.execute(select(Thing).with_for_update())
            with pytest.raises(DatabaseUnavailable):
                await in_another_request(change("1ms"))

    async def test_a_statement_that_takes_too_long_is_told_as_unavailable(
        self, on_postgresql: Database
    ) -> None:
        async def dawdle(session: AsyncSession) -> None:
            await session.execute(text("SET LOCAL statement_timeout = '1ms'"))
            await session.execute(text("SELECT pg_sleep(10)"))

        with pytest.raises(DatabaseUnavailable):
            async with on_postgresql.transaction() as session:
                await dawdle(session)

    async def test_of_two_who_wait_for_each_other_one_is_told_that_it_may_begin_again(
        self, on_postgresql: Database
    ) -> None:
        await add(on_postgresql, "lamp")
        await add(on_postgresql, "table")
        locked = asyncio.Barrier(2)

        async def change(first: str, second: str) -> None:
            async with on_postgresql.transaction() as session:
                await session.execute(update(Thing).where(Thing.name == first).values(number=1))
                # Whoever fails before this leaves the other one alone here.
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await locked.wait()
                await session.execute(update(Thing).where(Thing.name == second).values(number=1))

        outcomes = await asyncio.gather(
            change("lamp", "table"), change("table", "lamp"), return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} == {ConcurrencyConflict, NoneType}

    async def test_a_connection_to_read_that_never_comes_is_told_as_unavailable(
        self, deployed: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pool = cast("QueuePool", deployed.engines[1].sync_engine.pool)
        monkeypatch.setattr(pool, "_timeout", 0.001)

        async def read_together(others: int) -> None:
            async with deployed.snapshot() as session:
                await session.execute(select(Thing))
                if others:
                    await in_another_request(read_together(others - 1))

        await read_together(pool.size() - 1)
        with pytest.raises(Unavailable):
            await read_together(pool.size())


class TestUnavailability:
    async def test_a_lock_that_another_process_keeps_is_told_as_unavailable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MILLISECONDS", 1)
        ours = await with_things(f"sqlite+aiosqlite:///{tmp_path}/things.db")
        theirs = await with_things(f"sqlite+aiosqlite:///{tmp_path}/things.db")
        async with theirs.transaction() as session:
            await session.execute(select(Thing))
            with pytest.raises(DatabaseUnavailable):
                await in_another_request(add(ours, "lamp"))
        await add(ours, "table")
        assert await names(ours) == ["table"]
        await ours.dispose()
        await theirs.dispose()

    async def test_a_path_that_cannot_be_opened_is_told_as_unavailable(self, tmp_path: Path) -> None:
        folder = Database(f"sqlite+aiosqlite:///{tmp_path}")
        with pytest.raises(DatabaseUnavailable) as refusal:
            await names(folder)
        assert isinstance(refusal.value.__cause__, OperationalError)
        with pytest.raises(DatabaseUnavailable):
            await add(folder, "lamp")
        with pytest.raises(DatabaseUnavailable):
            async with folder.migration_connection():
                pass
        with pytest.raises(DatabaseUnavailable):
            async with folder.connection():
                pass
        await folder.dispose()

    async def test_a_file_that_is_no_database_is_told_as_unavailable(self, tmp_path: Path) -> None:
        file = tmp_path / "things.db"
        file.write_text("Nobody expects a database here.\n" * 100)
        damaged = Database(f"sqlite+aiosqlite:///{file}")
        with pytest.raises(DatabaseUnavailable):
            await names(damaged)
        with pytest.raises(DatabaseUnavailable):
            await add(damaged, "lamp")
        await damaged.dispose()

    async def test_a_connection_that_cannot_be_prepared_leaves_nothing_running(self, tmp_path: Path) -> None:
        before = set(threading.enumerate())
        (tmp_path / "damaged.db").write_text("Nobody expects a database here.\n" * 100)
        for path in (tmp_path, tmp_path / "damaged.db"):
            database = Database(f"sqlite+aiosqlite:///{path}")
            with suppress(DatabaseUnavailable):
                await add(database, "lamp")
            assert set(threading.enumerate()) <= before

    async def test_a_statement_that_is_wrong_is_not_told_as_unavailable(self, database: Database) -> None:
        with pytest.raises(DBAPIError, match="nonsense"):
            async with database.transaction() as session:
                await session.execute(text("SELECT nonsense"))


class TestSchemaConnections:
    async def test_what_is_migrated_is_committed_together(self, database: Database) -> None:
        async with database.migration_connection() as connection:
            await connection.execute(insert(Thing).values(name="lamp"))
        with suppress(Interruption):
            async with database.migration_connection() as connection:
                await connection.execute(insert(Thing).values(name="table"))
                raise Interruption
        assert await names(database) == ["lamp"]

    async def test_a_connection_to_look_with_sees_what_is_there(self, database: Database) -> None:
        await add(database, "lamp")
        async with database.connection() as connection:
            assert (await connection.scalars(select(Thing.name))).all() == ["lamp"]
