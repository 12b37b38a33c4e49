"""What differs between the engines of SQLite and PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.engines import Engines, open_engines
from tests.kernel.sample_table import Thing


async def pragma(engine: AsyncEngine, name: str) -> object:
    async with engine.connect() as connection:
        return await connection.scalar(text(f"PRAGMA {name}"))


class TestSqlite:
    async def test_writes_are_durable_checked_and_beside_the_readers(self, on_file: Database) -> None:
        write, _ = on_file.engines
        assert await pragma(write, "journal_mode") == "wal"
        assert await pragma(write, "synchronous") == 2  # FULL
        assert await pragma(write, "foreign_keys") == 1

    async def test_reads_can_only_read(self, on_file: Database) -> None:
        _, read = on_file.engines
        assert await pragma(read, "query_only") == 1

    async def test_durability_is_a_setting(self, tmp_path: Path) -> None:
        engines = open_engines(f"sqlite+aiosqlite:///{tmp_path}/things.db", synchronous="NORMAL")
        assert await pragma(engines.write, "synchronous") == 1
        await engines.dispose()

    async def test_the_folder_of_the_file_is_made(self, tmp_path: Path) -> None:
        engines = open_engines(f"sqlite+aiosqlite:///{tmp_path}/new/folder/things.db")
        assert await pragma(engines.read, "query_only") == 1
        await engines.dispose()
        assert (tmp_path / "new" / "folder" / "things.db").exists()

    @pytest.mark.parametrize("url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"])
    async def test_in_memory_both_ways_lead_into_the_one_database(self, url: str) -> None:
        engines = open_engines(url)
        assert engines.write is engines.read
        async with engines.write.begin() as connection:
            await connection.run_sync(Thing.metadata.create_all)
        async with engines.read.connect() as connection:
            assert (await connection.scalars(select(Thing.name))).all() == []
        await engines.dispose()


async def setting(engine: AsyncEngine, name: str) -> object:
    async with engine.connect() as connection:
        return await connection.scalar(text(f"SELECT current_setting('{name}')"))


class TestPostgresql:
    @pytest.fixture
    async def engines(self, empty_postgresql: str) -> AsyncIterator[Engines]:
        """Return the ways into PostgreSQL."""
        engines = open_engines(empty_postgresql)
        yield engines
        await engines.dispose()

    async def test_units_of_work_that_write_see_what_others_commit(self, engines: Engines) -> None:
        assert await setting(engines.write, "transaction_isolation") == "read committed"
        assert await setting(engines.write, "transaction_read_only") == "off"

    async def test_those_that_read_are_of_one_moment_and_only_read(self, engines: Engines) -> None:
        assert await setting(engines.read, "transaction_isolation") == "repeatable read"
        assert await setting(engines.read, "transaction_read_only") == "on"

    @pytest.mark.parametrize(
        ("limit", "value"),
        [
            ("statement_timeout", "10s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "30s"),
        ],
    )
    async def test_nothing_waits_for_ever_but_a_migration(
        self, engines: Engines, limit: str, value: str
    ) -> None:
        assert await setting(engines.write, limit) == value
        assert await setting(engines.read, limit) == value
        assert await setting(engines.migrate, limit) == "0"

    async def test_what_the_url_says_counts(self, empty_postgresql: str) -> None:
        engines = open_engines(f"{empty_postgresql}&options=-c%20statement_timeout%3D1s&connect_timeout=7")
        assert await setting(engines.write, "statement_timeout") == "1s"
        assert await setting(engines.write, "lock_timeout") == "5s"
        await engines.dispose()

    async def test_a_pool_has_as_many_connections_as_it_may(self, empty_postgresql: str) -> None:
        engines = open_engines(empty_postgresql, pool_size=1)
        cast("Any", engines.read.sync_engine.pool)._timeout = 0.001
        async with engines.read.connect(), engines.write.connect():
            with pytest.raises(PoolTimeoutError):
                await engines.read.connect()
        await engines.dispose()


class TestUrls:
    @pytest.mark.parametrize("url", ["sqlite:///things.db", "mysql+aiomysql://localhost/things"])
    def test_any_other_kind_of_url_is_refused_by_what_would_do(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"sqlite\+aiosqlite or postgresql\+psycopg"):
            open_engines(url)

    def test_the_refusal_does_not_hold_the_password(self) -> None:
        with pytest.raises(ValueError, match="cannot use") as refusal:
            open_engines("mysql://conduit:opensesame@localhost/things")
        assert "opensesame" not in str(refusal.value)
