"""Where a statement runs: here if it is short, else where the event loop need not wait for it."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.sqlite_driver import INLINE_MAX_ROWS, INLINE_READ_MAX_STEPS
from tests.kernel.sample_table import Thing, in_another_request, names

LONG = 3 * INLINE_READ_MAX_STEPS
COUNTING = """
WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < :most)
SELECT count(*), thread() FROM numbers
"""


async def note_threads(session: AsyncSession) -> list[int]:
    """Let SQL call thread(): it returns 0 and notes in which thread it was called."""
    threads: list[int] = []

    def thread() -> int:
        threads.append(threading.get_ident())
        return 0

    raw = await (await session.connection()).get_raw_connection()
    opened: Any = raw.dbapi_connection
    opened.driver.create_function("thread", 0, thread)
    return threads


async def add(database: Database, name: str) -> None:
    async with database.transaction() as session:
        session.add(Thing(name=name))


async def test_a_short_read_runs_here(on_file: Database) -> None:
    async with on_file.snapshot() as session:
        threads = await note_threads(session)
        assert (await session.execute(text(COUNTING), {"most": 10})).scalar_one() == 10
    assert threads == [threading.get_ident()]


async def test_a_long_read_runs_elsewhere_and_returns_the_same(on_file: Database) -> None:
    async with on_file.snapshot() as session:
        threads = await note_threads(session)
        assert (await session.execute(text(COUNTING), {"most": LONG})).scalar_one() == LONG
    assert threads
    assert threading.get_ident() not in threads


async def test_the_event_loop_goes_on_during_a_long_read(on_file: Database) -> None:
    turns = 0

    async def go_on() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with on_file.snapshot() as session:
        await note_threads(session)
        going_on = asyncio.create_task(go_on())
        await session.execute(text(COUNTING), {"most": LONG})
        going_on.cancel()
    assert turns > 10


async def test_a_long_read_is_of_the_same_snapshot_as_those_before_it(on_file: Database) -> None:
    async with on_file.snapshot() as session:
        before = await names(on_file)
        await in_another_request(add(on_file, "lamp"))
        await note_threads(session)
        await session.execute(text(COUNTING), {"most": LONG})
        assert await names(on_file) == before
    assert await names(on_file) == ["lamp"]


async def test_many_rows_are_written_elsewhere_and_few_here(on_file: Database) -> None:
    statement = text("INSERT INTO things_thing (name, number) VALUES (:name || thread(), 0)")
    async with on_file.transaction() as session:
        threads = await note_threads(session)
        await session.execute(statement, [{"name": f"few {number} "} for number in range(INLINE_MAX_ROWS)])
        assert set(threads) == {threading.get_ident()}
        threads.clear()
        await session.execute(
            statement, [{"name": f"many {number} "} for number in range(INLINE_MAX_ROWS + 1)]
        )
        assert len(threads) == INLINE_MAX_ROWS + 1
        assert threading.get_ident() not in threads
    assert len(await names(on_file)) == 2 * INLINE_MAX_ROWS + 1


async def test_a_unit_of_work_takes_one_trip_for_the_commit(
    on_file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(on_file, "what opens the connection")
    trips = 0
    make_trip: Any = aiosqlite.Connection._execute

    async def counting(connection: aiosqlite.Connection, *what: Any) -> Any:
        nonlocal trips
        trips += 1
        return await make_trip(connection, *what)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counting)
    await add(on_file, "lamp")
    assert trips == 1


async def test_the_event_loop_goes_on_while_another_process_has_the_write_lock(
    on_file: Database, tmp_path: Path
) -> None:
    await add(on_file, "what opens the connection")
    with closing(sqlite3.connect(tmp_path / "things.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(add(on_file, "lamp"))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        other.execute("COMMIT")
        await waiting
    assert "lamp" in await names(on_file)


async def test_a_short_read_runs_here_however_often(on_file: Database) -> None:
    async with on_file.snapshot() as session:
        threads = await note_threads(session)
        for _ in range(20):
            await session.execute(text(COUNTING), {"most": INLINE_READ_MAX_STEPS // 20})
    assert set(threads) == {threading.get_ident()}
    assert len(threads) == 20
