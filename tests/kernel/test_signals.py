"""Signals wake whoever listens, in this process and in others, and never for what is undone."""

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
from tests.kernel.outbox_worker import Base, noted, posted, publish
from tests.kernel.sample_table import Thing

# Sooner than anybody looks who was not woken.
SOON_SECONDS = POLL_INTERVAL_SECONDS / 2
END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
)


@pytest.fixture
async def elsewhere(deployed: Database) -> AsyncIterator[Database]:
    """Return the same database as another process has it."""
    database = Database(deployed.engines[0].url.render_as_string(hide_password=False))
    yield database
    await database.dispose()


async def tell(database: Database, name: str) -> None:
    """Commit something, and send a signal with it."""
    async with database.transaction() as session:
        session.add(Thing(name=name))
        await Signals(database).send("news")


async def notifications(listener: Listener, sender: Database, name: str) -> None:
    """Tell until it is heard: nobody knows when another process has begun to listen."""
    async with asyncio.timeout(SOON_SECONDS):
        number = 0
        while not await listener.wait(seconds=0.2):
            await tell(sender, f"{name} {number}")
            number += 1


class TestInOneProcess:
    async def test_a_listener_is_woken_by_the_commit_and_not_before(self, in_memory: Database) -> None:
        signals = Signals(in_memory)
        with signals.listening("news") as listener:
            async with in_memory.transaction():
                await signals.send("news")
                assert not await listener.wait(seconds=0)
            assert await listener.wait(seconds=0)

    async def test_what_is_undone_wakes_nobody(self, in_memory: Database) -> None:
        signals = Signals(in_memory)

        async def change_ones_mind() -> None:
            async with in_memory.transaction():
                await signals.send("news")
                raise LookupError

        with signals.listening("news") as listener:
            with pytest.raises(LookupError):
                await change_ones_mind()
            assert not await listener.wait(seconds=0)

    async def test_other_topics_and_those_who_left_are_not_woken(self, in_memory: Database) -> None:
        signals = Signals(in_memory)
        with signals.listening("weather") as other, signals.listening("news") as left:
            pass
        with signals.listening("weather") as other:
            async with in_memory.transaction():
                await signals.send("news")
            assert not await other.wait(seconds=0)
        assert not await left.wait(seconds=0)

    async def test_a_signal_needs_a_transaction(self, in_memory: Database) -> None:
        with pytest.raises(RuntimeError, match="open transaction"):
            await Signals(in_memory).send("news")

    async def test_everybody_learns_that_the_process_is_about_to_end(self, in_memory: Database) -> None:
        signals = Signals(in_memory)
        with signals.listening("news") as listener, signals.listening("weather") as other:
            assert not signals.closed
            signals.close()
            assert [await one.wait(seconds=0) for one in (listener, other)] == [True, True]


class TestInOthers:
    async def test_a_listener_in_another_process_is_woken(
        self, deployed: Database, elsewhere: Database
    ) -> None:
        signals = Signals(elsewhere)
        relay = asyncio.create_task(signals.relay())
        with signals.listening("news") as listener:
            await notifications(listener, deployed, "news")
        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay

    async def test_whoever_listens_does_so_again_when_the_server_has_ended_the_connection(
        self, on_postgresql: Database
    ) -> None:
        elsewhere = Database(on_postgresql.engines[0].url.render_as_string(hide_password=False))
        signals = Signals(elsewhere)
        relay = asyncio.create_task(signals.relay())
        with signals.listening("news") as listener:
            await notifications(listener, on_postgresql, "before")
            async with on_postgresql.transaction() as session:
                assert (await session.scalars(text(END_OTHERS))).all() == [True]
            # Whoever was away looks for themselves.
            assert await listener.wait(seconds=SOON_SECONDS)
            await notifications(listener, on_postgresql, "after")
        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay
        await elsewhere.dispose()

    async def test_what_one_process_publishes_another_delivers_at_once(
        self, outbox: Database, elsewhere: Database, tmp_path: Path
    ) -> None:
        unused, file = tmp_path / "unused", tmp_path / "log"
        other = posted(elsewhere, file)
        tasks = [asyncio.create_task(other.signals.relay()), asyncio.create_task(other.dispatcher.run())]
        # The first is delivered whenever the other is ready, and the second because it is woken.
        await publish(outbox, posted(outbox, unused), [(1, 1)])
        await noted(outbox, 1)
        async with asyncio.timeout(SOON_SECONDS):
            await publish(outbox, posted(outbox, unused), [(1, 2)])
            await noted(outbox, 2)
        other.signals.close()
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def test_a_process_delivers_at_once_what_it_publishes_itself(
        self, outbox: Database, tmp_path: Path
    ) -> None:
        post = posted(outbox, tmp_path / "log")
        delivering = asyncio.create_task(post.dispatcher.run())
        async with asyncio.timeout(SOON_SECONDS):
            for number in range(3):
                await publish(outbox, post, [(1, number)])
                await noted(outbox, number + 1)
        post.signals.close()
        async with asyncio.timeout(SOON_SECONDS):
            await delivering


class TestMishaps:
    async def test_a_dispatcher_goes_on_when_the_database_is_there_again(self, tmp_path: Path) -> None:
        file = tmp_path / "away.db"
        file.mkdir()
        database = Database(f"sqlite+aiosqlite:///{file}")
        post = posted(database, tmp_path / "log")
        with pytest.raises(DatabaseUnavailable):
            await post.dispatcher.drain()
        delivering = asyncio.create_task(post.dispatcher.run())
        done, _ = await asyncio.wait([delivering], timeout=0.1)
        assert not done
        file.rmdir()
        async with database.migration_connection() as connection:
            for metadata in (SCHEMA.metadata, Base.metadata):
                await connection.run_sync(metadata.create_all)
        await publish(database, post, [(1, 1)])
        await noted(database, 1)
        post.signals.close()
        async with asyncio.timeout(SOON_SECONDS):
            await delivering
        await database.dispose()
