"""Units of work that wait for each other share a commit on SQLite, and stay atomic."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import closing
from contextvars import Context
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import insert

from modules.kernel.domain.identity import write_authorization
from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from modules.kernel.infrastructure.persistence.sqlite_connections import MAX_UNITS_PER_COMMIT, WriteQueue
from modules.kernel.infrastructure.persistence.statements import prepare
from tests.kernel.sample_table import Thing, names

INSERT = prepare(insert(Thing.metadata.tables[Thing.__tablename__]))


class UseCaseError(Exception):
    """An error in a use case."""


async def allow() -> None:
    """Authorize a write."""


async def add(database: Database, *things: str, error: Exception | None = None) -> None:
    async with database.transaction():
        for name in things:
            await database.execute(INSERT, {"name": name, "number": 0})
        if error is not None:
            raise error


def start(work: Awaitable[None], *, authorized: bool = True) -> "asyncio.Task[None]":
    """Run the work as a request does, in a context of its own."""

    async def request() -> None:
        write_authorization.set(allow if authorized else None)
        await work

    return asyncio.create_task(request(), context=Context())


class Commits:
    """Counts the commits, and holds them up while `allowed` is not set."""

    def __init__(self) -> None:
        self.allowed = asyncio.Event()
        self.allowed.set()
        self.started = asyncio.Event()
        self.number = 0
        self.error: sqlite3.Error | None = None


@pytest.fixture
async def commits(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> Commits:
    """Return what counts the commits from now on."""
    await add(sqlite_database, "first")
    commits = Commits()
    execute: Any = aiosqlite.Connection._execute

    async def counting(connection: Any, work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if getattr(work, "__name__", "") == "commit":
            commits.number += 1
            commits.started.set()
            await commits.allowed.wait()
            if commits.error is not None:
                raise commits.error
        return await execute(connection, work, *arguments, **options)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counting)
    return commits


def committed(tmp_path: Path) -> list[str]:
    """Return the names that another process reads."""
    with closing(sqlite3.connect(tmp_path / "things.db")) as other:
        return [name for (name,) in other.execute("SELECT name FROM things_thing ORDER BY id")]


async def test_waiting_units_share_a_commit(sqlite_database: Database, commits: Commits) -> None:
    await asyncio.gather(*(start(add(sqlite_database, f"thing {n}")) for n in range(MAX_UNITS_PER_COMMIT)))
    assert commits.number == 1
    assert len(await names(sqlite_database)) == MAX_UNITS_PER_COMMIT + 1


async def test_commit_has_a_maximum_of_units(sqlite_database: Database, commits: Commits) -> None:
    await asyncio.gather(
        *(start(add(sqlite_database, f"thing {n}")) for n in range(2 * MAX_UNITS_PER_COMMIT))
    )
    assert commits.number == 2


async def test_failing_units_do_not_put_off_a_commit(sqlite_database: Database, commits: Commits) -> None:
    """Without counting them, a deletion waited as long as others failed because of it."""
    first = start(add(sqlite_database, "second"))
    failing = [start(add(sqlite_database, error=UseCaseError())) for _ in range(2 * MAX_UNITS_PER_COMMIT)]
    await first
    assert sum(unit.done() for unit in failing) < MAX_UNITS_PER_COMMIT
    await asyncio.gather(*failing, return_exceptions=True)
    assert commits.number == 1


async def test_waiting_units_run_in_one_turn_of_the_event_loop(
    sqlite_database: Database, commits: Commits
) -> None:
    """A turn takes milliseconds while the process is busy with reads, which run in it."""
    turns = recorded = 0
    turns_of_units = []
    loop = asyncio.get_running_loop()

    def count() -> None:
        nonlocal turns
        turns += 1
        if recorded < MAX_UNITS_PER_COMMIT:
            loop.call_soon(count)

    async def add_in_turn(name: str) -> None:
        nonlocal recorded
        async with sqlite_database.transaction():
            await sqlite_database.execute(INSERT, {"name": name, "number": 0})
            turns_of_units.append(turns)
            recorded += 1

    count()
    await asyncio.gather(*(start(add_in_turn(f"thing {n}")) for n in range(MAX_UNITS_PER_COMMIT)))
    assert commits.number == 1
    # The first one, for which nobody waits at first, and all others.
    assert len(set(turns_of_units)) == 2


async def test_later_units_do_not_put_off_a_commit(sqlite_database: Database, commits: Commits) -> None:
    later = []

    async def add_and_start_another(number: int) -> None:
        async with sqlite_database.transaction():
            await sqlite_database.execute(INSERT, {"name": f"thing {number}", "number": 0})
            if number > 1:
                later.append(start(add_and_start_another(number - 1)))

    await start(add_and_start_another(MAX_UNITS_PER_COMMIT))
    while later:
        await later.pop()
    assert commits.number > 2


async def test_unit_alone_is_a_transaction_of_its_own(sqlite_database: Database, commits: Commits) -> None:
    for number in range(3):
        await start(add(sqlite_database, f"thing {number}"))
    assert commits.number == 3


async def test_no_unit_ends_before_the_commit(
    sqlite_database: Database, commits: Commits, tmp_path: Path
) -> None:
    commits.allowed.clear()
    units = [start(add(sqlite_database, f"thing {number}")) for number in range(3)]
    await commits.started.wait()
    assert not any(unit.done() for unit in units)
    assert committed(tmp_path) == ["first"]
    commits.allowed.set()
    await asyncio.gather(*units)
    assert len(committed(tmp_path)) == 4


@pytest.mark.parametrize("failing", range(3), ids=["first", "middle", "last"])
async def test_failing_unit_is_rolled_back_alone(
    sqlite_database: Database, commits: Commits, tmp_path: Path, failing: int
) -> None:
    errors = [UseCaseError() if number == failing else None for number in range(3)]
    units = [
        start(add(sqlite_database, f"a{number}", f"b{number}", error=error))
        for number, error in enumerate(errors)
    ]
    assert await asyncio.gather(*units, return_exceptions=True) == errors
    rest = [number for number in range(3) if number != failing]
    assert committed(tmp_path) == ["first", *(f"{letter}{number}" for number in rest for letter in "ab")]
    assert commits.number == 1


async def test_failed_commit_fails_every_unit_in_it(
    sqlite_database: Database, commits: Commits, tmp_path: Path
) -> None:
    commits.error = sqlite3.OperationalError("database or disk is full")
    commits.error.sqlite_errorcode = sqlite3.SQLITE_FULL
    outcomes = await asyncio.gather(
        *(start(add(sqlite_database, f"thing {number}")) for number in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 3
    commits.error = None
    await start(add(sqlite_database, "later"))
    assert committed(tmp_path) == ["first", "later"]


async def test_waiter_cancelled_at_its_turn_holds_up_nobody(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def add_slowly() -> None:
        async with sqlite_database.transaction():
            entered.set()
            await leave.wait()
            await add(sqlite_database, "slow")

    slow = start(add_slowly())
    await entered.wait()
    waiting = start(add(sqlite_database, "cancelled"))
    release = WriteQueue._release_slot

    def release_and_cancel(queue: WriteQueue) -> None:
        release(queue)
        waiting.cancel()

    monkeypatch.setattr(WriteQueue, "_release_slot", release_and_cancel)
    leave.set()
    await slow
    with pytest.raises(asyncio.CancelledError):
        await waiting
    monkeypatch.undo()
    await start(add(sqlite_database, "later"))
    assert committed(tmp_path) == ["slow", "later"]


async def cancel_at_commit(
    database: Database, commits: Commits, tmp_path: Path, last: Coroutine[Any, Any, None]
) -> None:
    """Cancel the last one of several units while it commits what the others have written."""
    commits.allowed.clear()
    units = [start(add(database, f"thing {number}")) for number in range(3)]
    waiting = start(last, authorized=False)
    await commits.started.wait()
    waiting.cancel()
    await asyncio.sleep(0)
    commits.allowed.set()
    await asyncio.gather(*units)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert committed(tmp_path) == ["first", "thing 0", "thing 1", "thing 2"]
    await start(add(database, "later"))
    assert committed(tmp_path)[-1] == "later"


async def test_unit_cancelled_before_it_begins_does_not_cancel_the_commit(
    sqlite_database: Database, commits: Commits, tmp_path: Path
) -> None:
    """Otherwise the others were reported as failed, although they were committed."""
    await cancel_at_commit(sqlite_database, commits, tmp_path, add(sqlite_database, "long"))


async def test_cancelled_migration_does_not_cancel_the_commit(
    sqlite_database: Database, commits: Commits, tmp_path: Path
) -> None:
    async def migrate() -> None:
        async with sqlite_database.migration_connection():
            pass

    await cancel_at_commit(sqlite_database, commits, tmp_path, migrate())


async def test_unit_that_may_take_long_does_not_delay_a_commit(
    sqlite_database: Database, tmp_path: Path
) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def handle_event() -> None:
        async with sqlite_database.transaction():
            entered.set()
            await leave.wait()

    short = start(add(sqlite_database, "short"))
    handler = start(handle_event(), authorized=False)
    await entered.wait()
    await short
    assert committed(tmp_path) == ["short"]
    leave.set()
    await handler


@pytest.mark.parametrize("turns", range(1, 10))
async def test_units_end_with_the_event_loop(sqlite_database: Database, tmp_path: Path, turns: int) -> None:
    """As it ends, it cancels all tasks once, also those that others wait for."""
    reported = []

    async def add_and_report(name: str) -> None:
        await add(sqlite_database, name)
        reported.append(name)

    before = asyncio.all_tasks()
    units = [start(add_and_report(f"thing {number}")) for number in range(5)]
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in asyncio.all_tasks() - before:
        task.cancel()
    _, pending = await asyncio.wait(units, timeout=10)
    assert not pending
    assert set(committed(tmp_path)) >= set(reported)
    await start(add(sqlite_database, "later"))
