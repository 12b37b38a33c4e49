"""The thread on which a statement runs: the event loop's if it is short, otherwise another one."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from contextvars import Context
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from modules.kernel.infrastructure.persistence import sqlite_driver
from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from modules.kernel.infrastructure.persistence.sqlite import READ_POOL_SIZE
from modules.kernel.infrastructure.persistence.sqlite_driver import (
    INLINE_MAX_ROWS,
    INLINE_READ_MAX_STEPS,
)
from tests.kernel.sample_table import Thing, in_another_request, names

LONG = 3 * INLINE_READ_MAX_STEPS
COUNTING = """
WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < :most)
SELECT count(*), thread() FROM numbers
"""
ENDLESS = """
WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers)
SELECT count(*) FROM numbers
"""


async def record_threads(session: AsyncSession) -> list[int]:
    """Define the SQL function thread(), which returns 0 and records the thread that it runs on."""
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


async def test_short_read_runs_on_event_loop_thread(sqlite_database: Database) -> None:
    async with sqlite_database.snapshot() as session:
        threads = await record_threads(session)
        assert (await session.execute(text(COUNTING), {"most": 10})).scalar_one() == 10
    assert threads == [threading.get_ident()]


async def test_long_read_runs_on_another_thread(sqlite_database: Database) -> None:
    async with sqlite_database.snapshot() as session:
        threads = await record_threads(session)
        assert (await session.execute(text(COUNTING), {"most": LONG})).scalar_one() == LONG
    assert threads
    assert threading.get_ident() not in threads


async def test_event_loop_runs_during_long_read(sqlite_database: Database) -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with sqlite_database.snapshot() as session:
        await record_threads(session)
        counting_turns = asyncio.create_task(count_turns())
        await session.execute(text(COUNTING), {"most": LONG})
        counting_turns.cancel()
    assert turns > 10


async def test_read_beyond_its_time_limit_is_interrupted(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await in_another_request(add(sqlite_database, "lamp"))
    monkeypatch.setattr(sqlite_driver, "READ_TIMEOUT_SECONDS", 0)
    with pytest.raises(DatabaseUnavailable):
        async with sqlite_database.snapshot() as session:
            await session.execute(text(ENDLESS))
    assert await names(sqlite_database) == ["lamp"]


async def test_cancelled_read_is_interrupted(sqlite_database: Database) -> None:
    await in_another_request(add(sqlite_database, "lamp"))
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def start() -> int:
        loop.call_soon_threadsafe(started.set)
        return 1

    async def read() -> None:
        async with sqlite_database.snapshot() as session:
            raw = await (await session.connection()).get_raw_connection()
            opened: Any = raw.dbapi_connection
            opened.driver.create_function("start", 0, start)
            await session.execute(text(ENDLESS.replace("SELECT 1", "SELECT start()")))

    for _ in range(2 * READ_POOL_SIZE):
        started.clear()
        reading = asyncio.create_task(read(), context=Context())
        await started.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert await names(sqlite_database) == ["lamp"]


async def test_long_read_stays_in_its_snapshot(sqlite_database: Database) -> None:
    async with sqlite_database.snapshot() as session:
        before = await names(sqlite_database)
        await in_another_request(add(sqlite_database, "lamp"))
        await record_threads(session)
        await session.execute(text(COUNTING), {"most": LONG})
        assert await names(sqlite_database) == before
    assert await names(sqlite_database) == ["lamp"]


async def test_statements_of_a_long_transaction_run_on_another_thread(sqlite_database: Database) -> None:
    async with sqlite_database.long_transaction() as session:
        threads = await record_threads(session)
        await session.execute(text("INSERT INTO things_thing (name, number) VALUES ('lamp' || thread(), 0)"))
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    async with sqlite_database.transaction() as session:
        await session.execute(text("INSERT INTO things_thing (name, number) VALUES ('pen' || thread(), 0)"))
    assert threads[1:] == [threading.get_ident()]


async def test_many_rows_are_inserted_on_another_thread(sqlite_database: Database) -> None:
    statement = text("INSERT INTO things_thing (name, number) VALUES (:name || thread(), 0)")
    async with sqlite_database.transaction() as session:
        threads = await record_threads(session)
        await session.execute(statement, [{"name": f"few {number} "} for number in range(INLINE_MAX_ROWS)])
        assert set(threads) == {threading.get_ident()}
        threads.clear()
        await session.execute(
            statement, [{"name": f"many {number} "} for number in range(INLINE_MAX_ROWS + 1)]
        )
        assert len(threads) == INLINE_MAX_ROWS + 1
        assert threading.get_ident() not in threads
    assert len(await names(sqlite_database)) == 2 * INLINE_MAX_ROWS + 1


async def test_transaction_switches_thread_once(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(sqlite_database, "what opens the connection")
    switches = 0
    execute: Any = aiosqlite.Connection._execute

    async def counting(connection: aiosqlite.Connection, *what: Any) -> Any:
        nonlocal switches
        switches += 1
        return await execute(connection, *what)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counting)
    await add(sqlite_database, "lamp")
    assert switches == 1


async def test_event_loop_runs_while_another_process_has_the_write_lock(
    sqlite_database: Database, tmp_path: Path
) -> None:
    await add(sqlite_database, "what opens the connection")
    with closing(sqlite3.connect(tmp_path / "things.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        pending_write = asyncio.create_task(add(sqlite_database, "lamp"))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not pending_write.done()
        other.execute("COMMIT")
        await pending_write
    assert "lamp" in await names(sqlite_database)


async def test_repeated_short_read_runs_on_event_loop_thread(sqlite_database: Database) -> None:
    async with sqlite_database.snapshot() as session:
        threads = await record_threads(session)
        for _ in range(20):
            await session.execute(text(COUNTING), {"most": INLINE_READ_MAX_STEPS // 20})
    assert set(threads) == {threading.get_ident()}
    assert len(threads) == 20
