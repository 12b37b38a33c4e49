"""Signals between listeners in one process and in several."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from modules.kernel.infrastructure.messaging import dispatcher
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from modules.kernel.infrastructure.tables import SCHEMA
from tests.kernel.outbox_worker import Base, create_walk_messaging, publish, wait_for_steps
from tests.kernel.sample_table import Thing

SOON_SECONDS = 60.0
TERMINATE_LISTENERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
)


@pytest.fixture(autouse=True)
def _without_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll later than any test waits, so that only a signal can be the cause."""
    monkeypatch.setattr(dispatcher, "POLL_INTERVAL_SECONDS", 10 * SOON_SECONDS)


@pytest.fixture
async def other_process(persistent_database: Database) -> AsyncIterator[Database]:
    """Return the same database as another process would open it."""
    database = Database(persistent_database.engines[0].url.render_as_string(hide_password=False))
    yield database
    await database.dispose()


async def send(database: Database, name: str) -> None:
    """Commit a row and a signal."""
    async with database.transaction() as session:
        session.add(Thing(name=name))
        await Signals(database).send("news")


class TestInOneProcess:
    async def test_commit_wakes_listener(self, memory_database: Database) -> None:
        signals = Signals(memory_database)
        with signals.listening("news") as listener:
            async with memory_database.transaction():
                await signals.send("news")
                assert not await listener.wait(seconds=0)
            assert await listener.wait(seconds=0)

    async def test_rollback_wakes_no_listener(self, memory_database: Database) -> None:
        signals = Signals(memory_database)

        async def roll_back() -> None:
            async with memory_database.transaction():
                await signals.send("news")
                raise LookupError

        with signals.listening("news") as listener:
            with pytest.raises(LookupError):
                await roll_back()
            assert not await listener.wait(seconds=0)

    async def test_other_topics_and_closed_listeners_are_not_woken(self, memory_database: Database) -> None:
        signals = Signals(memory_database)
        with signals.listening("weather") as other, signals.listening("news") as closed:
            pass
        with signals.listening("weather") as other:
            async with memory_database.transaction():
                await signals.send("news")
            assert not await other.wait(seconds=0)
        assert not await closed.wait(seconds=0)

    async def test_send_without_transaction_raises_runtime_error(self, memory_database: Database) -> None:
        with pytest.raises(RuntimeError, match="open transaction"):
            await Signals(memory_database).send("news")

    async def test_close_wakes_every_listener(self, memory_database: Database) -> None:
        signals = Signals(memory_database)
        with signals.listening("news") as listener, signals.listening("weather") as other:
            assert not signals.closed
            signals.close()
            assert [await woken.wait(seconds=0) for woken in (listener, other)] == [True, True]


class TestAcrossProcesses:
    async def test_listener_in_another_process_is_woken(
        self, persistent_database: Database, other_process: Database
    ) -> None:
        signals = Signals(other_process)
        relay = asyncio.create_task(signals.relay())
        with signals.listening("news") as listener:
            # There may have been signals before the relay listened.
            assert await listener.wait(seconds=SOON_SECONDS)
            await send(persistent_database, "news")
            assert await listener.wait(seconds=SOON_SECONDS)
        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay

    async def test_relay_reconnects_after_the_server_closed_the_connection(
        self, postgresql_database: Database
    ) -> None:
        other_process = Database(postgresql_database.engines[0].url.render_as_string(hide_password=False))
        signals = Signals(other_process)
        relay = asyncio.create_task(signals.relay())
        with signals.listening("news") as listener:
            assert await listener.wait(seconds=SOON_SECONDS)
            async with postgresql_database.transaction() as session:
                assert (await session.scalars(text(TERMINATE_LISTENERS))).all() == [True]
            assert await listener.wait(seconds=SOON_SECONDS)
            await send(postgresql_database, "after")
            assert await listener.wait(seconds=SOON_SECONDS)
        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay
        await other_process.dispose()

    async def test_event_is_delivered_by_another_process_without_polling(
        self, outbox_database: Database, other_process: Database, tmp_path: Path
    ) -> None:
        unused, file = tmp_path / "unused", tmp_path / "log"
        other = create_walk_messaging(other_process, file)
        tasks = [asyncio.create_task(other.signals.relay()), asyncio.create_task(other.dispatcher.run())]
        # The first delivery waits for the other process to be ready; the second one shows the signal.
        await publish(outbox_database, create_walk_messaging(outbox_database, unused), [(1, 1)])
        await wait_for_steps(outbox_database, 1)
        async with asyncio.timeout(SOON_SECONDS):
            await publish(outbox_database, create_walk_messaging(outbox_database, unused), [(1, 2)])
            await wait_for_steps(outbox_database, 2)
        other.signals.close()
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def test_event_is_delivered_by_the_publishing_process_without_polling(
        self, outbox_database: Database, tmp_path: Path
    ) -> None:
        messaging = create_walk_messaging(outbox_database, tmp_path / "log")
        delivering = asyncio.create_task(messaging.dispatcher.run())
        async with asyncio.timeout(SOON_SECONDS):
            for number in range(3):
                await publish(outbox_database, messaging, [(1, number)])
                await wait_for_steps(outbox_database, number + 1)
        messaging.signals.close()
        async with asyncio.timeout(SOON_SECONDS):
            await delivering


class TestUnavailableDatabase:
    async def test_dispatcher_resumes_when_the_database_is_available(self, tmp_path: Path) -> None:
        file = tmp_path / "away.db"
        file.mkdir()
        database = Database(f"sqlite+aiosqlite:///{file}")
        messaging = create_walk_messaging(database, tmp_path / "log")
        with pytest.raises(DatabaseUnavailable):
            await messaging.dispatcher.drain()
        delivering = asyncio.create_task(messaging.dispatcher.run())
        done, _ = await asyncio.wait([delivering], timeout=0.1)
        assert not done
        file.rmdir()
        async with database.migration_connection() as connection:
            for metadata in (SCHEMA.metadata, Base.metadata):
                await connection.run_sync(metadata.create_all)
        await publish(database, messaging, [(1, 1)])
        await wait_for_steps(database, 1)
        messaging.signals.close()
        async with asyncio.timeout(SOON_SECONDS):
            await delivering
        await database.dispose()
