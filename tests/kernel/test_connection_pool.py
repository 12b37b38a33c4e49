"""The pool when the server accepts few connections, or connecting takes long, and callers give up."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.persistence import connections
from modules.kernel.infrastructure.persistence.connections import ConnectionPool

SIZE = 4


class Server:
    """An engine that opens so many connections, as soon as it may."""

    dialect = SimpleNamespace(name="postgresql")

    def __init__(self, limit: int) -> None:
        self.limit, self.opened = limit, 0
        self.may_open = asyncio.Event()
        self.may_open.set()

    async def connect(self) -> "Server":
        await self.may_open.wait()
        if self.opened >= self.limit:
            raise OperationalError("", None, Exception("too many clients"))
        self.opened += 1
        return self

    async def get_raw_connection(self) -> None:
        pass


class Connection:
    """A connection of the pool."""

    module = None

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def is_usable(self) -> bool:
        return True

    def release(self) -> None:
        self._pool.release(cast("Any", self))


def create_pool(limit: int, timeout: float = 10) -> tuple[Server, ConnectionPool]:
    """Return a pool and its server."""
    server = Server(limit)
    wrap: Any = lambda pool, _connection, _raw: Connection(pool)  # noqa: E731 - of no named type
    return server, ConnectionPool(cast("Any", server), wrap, SIZE, timeout)


async def started(pool: ConnectionPool) -> asyncio.Task[Any]:
    """Return a task that acquires a connection, and waits for one now."""
    task = asyncio.create_task(pool.acquire())
    for _ in range(20):
        await asyncio.sleep(0)
    return task


async def give_up(pool: ConnectionPool) -> None:
    """Begin to acquire a connection, and cancel that."""
    task = await started(pool)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def all_slots(pool: ConnectionPool) -> None:
    """Wait for all slots of the pool, which are given back after a pause at most."""
    while pool.free_slots < SIZE:  # noqa: ASYNC110 - the pool tells nobody
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pool try to connect again soon."""
    monkeypatch.setattr(connections, "CONNECT_PAUSE_SECONDS", 0.01)


async def test_requests_get_the_connection_in_order() -> None:
    _, pool = create_pool(limit=1)
    connection = await pool.acquire()
    waiting = [await started(pool) for _ in range(6)]
    for task in waiting:
        connection.release()
        async with asyncio.timeout(5):
            connection = await task
    connection.release()
    assert pool.in_use == 0


async def test_waiter_that_gives_up_costs_no_slot_and_no_other_waiter() -> None:
    _, pool = create_pool(limit=1)
    connection = await pool.acquire()
    first, second = await started(pool), await started(pool)
    first.cancel()
    connection.release()
    async with asyncio.timeout(5):
        (await second).release()
    await asyncio.gather(first, return_exceptions=True)
    async with asyncio.timeout(5):
        await all_slots(pool)
    assert pool.in_use == 0


async def test_waiter_gets_a_new_connection_when_the_server_has_room() -> None:
    server, pool = create_pool(limit=1)
    await pool.acquire()
    waiting = await started(pool)
    server.limit = 2
    async with asyncio.timeout(5):
        await waiting
    assert pool.in_use == 2


async def test_waiter_gets_an_error_in_time() -> None:
    _, pool = create_pool(limit=1, timeout=0.05)
    await pool.acquire()
    with pytest.raises(Unavailable):
        await pool.acquire()


async def test_server_without_any_connection_is_reported_at_once() -> None:
    _, pool = create_pool(limit=0)
    async with asyncio.timeout(5):
        results = await asyncio.gather(*(pool.acquire() for _ in range(6)), return_exceptions=True)
    assert {type(result) for result in results} == {OperationalError}
    async with asyncio.timeout(5):
        await all_slots(pool)


async def test_attempt_to_connect_outlives_its_caller() -> None:
    server, pool = create_pool(limit=1)
    server.may_open.clear()
    await give_up(pool)
    second = await started(pool)
    server.may_open.set()
    async with asyncio.timeout(5):
        (await second).release()
    assert (server.opened, pool.in_use) == (1, 0)


async def test_connection_whose_caller_has_gone_is_the_next_ones() -> None:
    server, pool = create_pool(limit=1)
    server.may_open.clear()
    await give_up(pool)
    server.may_open.set()
    async with asyncio.timeout(5):
        (await pool.acquire()).release()
    assert server.opened == 1


async def test_attempt_in_progress_ends_with_the_pool() -> None:
    server, pool = create_pool(limit=1)
    server.may_open.clear()
    await give_up(pool)
    await pool.dispose()
    assert len(asyncio.all_tasks()) == 1
