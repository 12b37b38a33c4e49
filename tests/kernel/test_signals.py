"""Signals between listeners in one process and in several."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from modules.kernel.infrastructure.messaging.dispatcher import POLL_INTERVAL_SECONDS
from modules.kernel.infrastructure.messaging.signals import Listener, Signals
from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from modules.kernel.infrastructure.tables import SCHEMA
from tests.kernel.outbox_worker import Base, create_walk_messaging, publish, wait_for_steps
from tests.kernel.sample_table import Thing

# Shorter than the poll interval, so that only a signal can be the cause.
SOON_SECONDS = POLL_INTERVAL_SECONDS / 2
TERMINATE_LISTENERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
)


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


async def send_until_woken(listener: Listener, sender: Database, name: str) -> None:
    """Send until the listener is woken: when the other process begins to listen is not known."""
    async with asyncio.timeout(SOON_SECONDS):
        number = 0
        while not await listener.wait(seconds=0.2):
            await send(sender, f"{name} {number}")
            number += 1


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
            await send_until_woken(listener, persistent_database, "news")
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
            await send_until_woken(listener, postgresql_database, "before")
            async with postgresql_database.transaction() as session:
                assert (await session.scalars(text(TERMINATE_LISTENERS))).all() == [True]
            # After reconnecting, the relay wakes all listeners.
            assert await listener.wait(seconds=SOON_SECONDS)
            await send_until_woken(listener, postgresql_database, "after")
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
