"""The settings of the engines of SQLite and PostgreSQL."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import literal, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.engines import DatabaseOptions, open_engines
from modules.kernel.infrastructure.persistence.postgresql import SessionSettings
from modules.kernel.infrastructure.persistence.statements import prepare
from tests.kernel.sample_table import Thing

ONE = prepare(select(literal(1)))


async def pragma(engine: AsyncEngine, name: str) -> object:
    async with engine.connect() as connection:
        return await connection.scalar(text(f"PRAGMA {name}"))


class TestSqlite:
    async def test_write_connection_uses_wal_full_sync_and_foreign_keys(
        self, sqlite_database: Database
    ) -> None:
        write, _ = sqlite_database.engines
        assert await pragma(write, "journal_mode") == "wal"
        assert await pragma(write, "synchronous") == 2  # FULL
        assert await pragma(write, "foreign_keys") == 1

    async def test_synchronous_is_a_setting(self, tmp_path: Path) -> None:
        options = DatabaseOptions(synchronous="NORMAL")
        engines = open_engines(f"sqlite+aiosqlite:///{tmp_path}/things.db", options)
        assert await pragma(engines.write.engine, "synchronous") == 1
        await engines.dispose()

    async def test_folder_of_file_in_the_working_directory_is_created(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        engines = open_engines(f"sqlite+aiosqlite:///{tmp_path}/new/folder/things.db")
        assert await pragma(engines.read.engine, "query_only") == 1
        await engines.dispose()
        assert (tmp_path / "new" / "folder" / "things.db").exists()

    def test_missing_folder_outside_of_the_working_directory_is_rejected(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="there is no folder"):
            open_engines(f"sqlite+aiosqlite:///{tmp_path}/new/things.db")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"])
    async def test_memory_database_has_one_engine(self, url: str) -> None:
        engines = open_engines(url)
        assert engines.write is engines.read
        async with engines.write.engine.begin() as connection:
            await connection.run_sync(Thing.metadata.create_all)
        async with engines.read.engine.connect() as connection:
            assert (await connection.scalars(select(Thing.name))).all() == []
        await engines.dispose()


class TestPostgresql:
    async def test_time_limits_in_the_url_take_precedence(self, empty_postgresql: str) -> None:
        database = Database(f"{empty_postgresql}&options=-c%20statement_timeout%3D1000&connect_timeout=7")
        for name, value in (("statement_timeout", "1s"), ("lock_timeout", "5s")):
            for unit_of_work in (database.transaction, database.snapshot):
                async with unit_of_work() as session:
                    assert await session.scalar(text(f"SHOW {name}")) == value
        assert await database.unexpected_settings() == []
        await database.dispose()

    @pytest.mark.parametrize(
        ("options", "value"),
        [
            ("-c statement_timeout=7s", "7s"),
            ("-cstatement_timeout=7s", "7s"),
            ("--statement-timeout=7s", "7s"),
            ("-c Statement_Timeout=7000", "7s"),
            (r"-c statement_timeout=1\ min -c lock_timeout=1s", "1min"),
            ("-c search_path=public", "10s"),
        ],
    )
    async def test_options_are_read_as_the_server_reads_them(
        self, empty_postgresql: str, options: str, value: str
    ) -> None:
        url = make_url(empty_postgresql).update_query_dict({"options": options})
        database = Database(url.render_as_string(hide_password=False))
        async with database.transaction() as session:
            assert await session.scalar(text("SHOW statement_timeout")) == value
        await database.dispose()

    async def test_unreachable_first_host_delays_connecting_and_does_not_prevent_it(
        self, empty_postgresql: str, tmp_path: Path
    ) -> None:
        """As with a machine that has disappeared, and callers that wait less than connecting takes."""
        url = make_url(empty_postgresql)
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(tmp_path / ".s.PGSQL.5432"))
            silent.listen()
            hosts = f"{tmp_path},{url.query['host']}"
            several = url.update_query_dict({"host": hosts, "target_session_attrs": "read-write"})
            database = Database(several.render_as_string(hide_password=False))
            attempts = 0
            while attempts < 10:
                attempts += 1
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        assert await database.fetch_value(ONE) == 1
                        break
            assert 1 < attempts < 10
            await database.dispose()

    async def test_settings_that_are_not_in_force_are_reported(
        self, empty_postgresql: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(SessionSettings, "begin", "BEGIN")
        monkeypatch.setattr(SessionSettings, "set_timeouts", "SELECT 1")
        database = Database(empty_postgresql)
        assert await database.unexpected_settings() == [
            "statement_timeout=0 instead of 10s",
            "lock_timeout=0 instead of 5s",
            "idle_in_transaction_session_timeout=0 instead of 30s",
            "transaction_isolation=read committed instead of repeatable read",
            "transaction_read_only=off instead of on",
            "statement_timeout=0 instead of 10s",
            "lock_timeout=0 instead of 5s",
            "idle_in_transaction_session_timeout=0 instead of 30s",
        ]
        await database.dispose()

    async def test_pool_size_limits_connections(self, empty_postgresql: str) -> None:
        engines = open_engines(empty_postgresql, DatabaseOptions(pool_size=1))
        engines.read.timeout = 0.001
        connections = await engines.read.acquire(), await engines.write.acquire()
        with pytest.raises(Unavailable):
            await engines.read.acquire()
        for connection in connections:
            connection.release()
        await engines.dispose()


class TestUrls:
    def test_wrong_number_of_ports_is_rejected(self) -> None:
        with pytest.raises(ValueError, match="number of hosts and ports"):
            open_engines("postgresql+psycopg://conduit@/things?host=a,b&port=1,2,3")

    @pytest.mark.parametrize("option", ["sslmod", "prepare_threshold", "autocommit"])
    def test_option_that_is_none_of_libpq_is_rejected(self, option: str) -> None:
        with pytest.raises(ValueError, match=f'invalid connection option "{option}"'):
            open_engines(f"postgresql+psycopg://conduit@/things?{option}=0")

    @pytest.mark.parametrize("url", ["sqlite:///things.db", "mysql+aiomysql://localhost/things"])
    def test_unsupported_url_is_rejected_with_supported_drivers(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"sqlite\+aiosqlite or postgresql\+psycopg"):
            open_engines(url)

    def test_rejection_omits_password(self) -> None:
        with pytest.raises(ValueError, match="cannot use") as raised:
            open_engines("mysql://conduit:opensesame@localhost/things")
        assert "opensesame" not in str(raised.value)
