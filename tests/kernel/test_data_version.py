"""The data version: it changes with every commit, of any process."""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import insert

from modules.kernel.infrastructure.persistence import postgresql_data_version
from modules.kernel.infrastructure.persistence.connections import ConnectionPool
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.engines import DatabaseOptions
from modules.kernel.infrastructure.persistence.postgresql_data_version import ServerDataVersionReader
from tests.kernel.sample_table import Thing, create_sample_database, names


class UseCaseError(Exception):
    """An error in a use case."""


async def add(database: Database, name: str = "lamp") -> None:
    async with database.transaction() as session:
        session.add(Thing(name=name))


async def test_uncommitted_write_keeps_data_version(sqlite_database: Database) -> None:
    before = await sqlite_database.data_version()
    async with sqlite_database.transaction():
        await add(sqlite_database)
        assert await sqlite_database.data_version() == before
    assert await sqlite_database.data_version() != before


async def test_read_keeps_data_version(sqlite_database: Database) -> None:
    before = await sqlite_database.data_version()
    await names(sqlite_database)
    async with sqlite_database.transaction():
        await names(sqlite_database)
    assert await sqlite_database.data_version() == before


async def test_rollback_keeps_data_version(sqlite_database: Database) -> None:
    before = await sqlite_database.data_version()
    with suppress(UseCaseError):
        async with sqlite_database.transaction():
            await add(sqlite_database)
            raise UseCaseError
    assert await sqlite_database.data_version() == before


async def test_commit_of_another_process_changes_data_version(persistent_database: Database) -> None:
    before = await persistent_database.data_version()
    other = Database(persistent_database.engines[0].url.render_as_string(hide_password=False))
    await add(other)
    await other.dispose()
    assert await persistent_database.data_version() != before


async def test_each_of_several_open_transactions_changes_data_version(postgresql_database: Database) -> None:
    """Also one between the oldest and the latest."""
    async with AsyncExitStack() as stack:
        engine = postgresql_database.engines[0]
        transactions = [await stack.enter_async_context(engine.connect()) for _ in range(4)]
        for number, transaction in enumerate(transactions):
            await transaction.execute(insert(Thing).values(name=f"lamp {number}"))
        versions = [await postgresql_database.data_version()]
        for number in (3, 1, 2, 0):
            await transactions[number].commit()
            versions.append(await postgresql_database.data_version())
    assert len(set(versions)) == len(versions)


class Server:
    """A pool of one connection to a server that counts, as its data version, and replies when allowed to."""

    def __init__(self) -> None:
        self.version = 0
        self.asked = asyncio.Event()
        self.replies = asyncio.Semaphore(0)
        self._free = asyncio.Lock()

    async def acquire(self) -> "Server":
        await self._free.acquire()
        return self

    async def fetch(self, _sql: str, _values: object) -> list[list[str]]:
        self.version += 1
        self.asked.set()
        version = str(self.version)
        await self.replies.acquire()
        return [[version]]

    async def rollback(self) -> None:
        self._free.release()


async def test_readings_share_a_round_trip_that_begins_after_them() -> None:
    server = Server()
    reader = ServerDataVersionReader(cast("ConnectionPool", server))
    first = [asyncio.ensure_future(reader.data_version()) for _ in range(3)]
    await server.asked.wait()
    # What is committed now may not be in the version that is being read.
    second = [asyncio.ensure_future(reader.data_version()) for _ in range(3)]
    server.replies.release()
    server.replies.release()
    assert await asyncio.gather(*first) == ["1 1"] * 3
    assert await asyncio.gather(*second) == ["1 2"] * 3


async def test_cancelled_reading_leaves_others_alone() -> None:
    server = Server()
    reader = ServerDataVersionReader(cast("ConnectionPool", server))
    cancelled, other = [asyncio.ensure_future(reader.data_version()) for _ in range(2)]
    await server.asked.wait()
    cancelled.cancel()
    server.replies.release()
    assert await other == "1 1"


async def test_server_that_does_not_reply_has_no_data_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_data_version, "TIMEOUT_SECONDS", 0.01)
    server = Server()
    reader = ServerDataVersionReader(cast("ConnectionPool", server))
    assert await reader.data_version() is None
    server.replies.release()
    assert await reader.data_version() == "1 2"


class CrashingServer(Server):
    """A server that loses its last transaction by a crash, which ends connections, and commits another."""

    async def acquire(self) -> "Server":
        server = Server()
        server.replies.release()
        return await server.acquire()


async def test_versions_of_two_connections_differ() -> None:
    reader = ServerDataVersionReader(cast("ConnectionPool", CrashingServer()))
    assert await reader.data_version() != await reader.data_version()


async def test_standby_has_no_data_version(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the snapshots of PostgreSQL do not name every transaction."""
    # Instead of a standby, which takes seconds to create.
    in_recovery = postgresql_data_version.VERSION.replace("pg_is_in_recovery()", "true")
    monkeypatch.setattr(postgresql_data_version, "VERSION", in_recovery)
    assert await postgresql_database.data_version() is None


async def test_unreachable_server_has_no_data_version(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://conduit@/postgres?host={tmp_path}")
    assert await database.data_version() is None
    await database.dispose()


async def test_reads_from_a_replica_have_no_data_version(empty_postgresql: str) -> None:
    database = Database(empty_postgresql, DatabaseOptions(read_url=empty_postgresql))
    with database.allow_replica():
        assert await database.data_version() is None
    assert await database.data_version() is not None
    await database.dispose()


async def test_data_versions_are_unique(persistent_database: Database) -> None:
    versions = [await persistent_database.data_version()]
    for number in range(20):
        await add(persistent_database, f"lamp {number}")
        versions.append(await persistent_database.data_version())
    assert len(set(versions)) == len(versions)


async def test_memory_database_has_no_data_version(memory_database: Database) -> None:
    assert await memory_database.data_version() is None


async def test_missing_file_has_no_data_version(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/none.db")
    assert await database.data_version() is None
    await database.dispose()


async def test_replaced_file_has_another_data_version(tmp_path: Path) -> None:
    file = tmp_path / "things.db"
    database = await create_sample_database(f"sqlite+aiosqlite:///{file}")
    before = await database.data_version()
    await database.dispose()
    file.unlink()
    replacement = await create_sample_database(f"sqlite+aiosqlite:///{file}")
    assert await database.data_version() not in {before, None}
    await replacement.dispose()
    await database.dispose()
