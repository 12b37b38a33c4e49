"""SQLite as the application configures it: durability, locking and read-only connections."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from conduit_app.application import compose_from_settings, create_application
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings
from modules.kernel.infrastructure.persistence import sqlite_driver, write_ahead_log
from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from modules.kernel.infrastructure.persistence.sqlite_driver import WRITE_AHEAD_LOG, prepare_connection
from modules.kernel.infrastructure.persistence.write_ahead_log import MAX_SIZE, WriteAheadLog
from tests.client import PASSWORD, Api
from tests.conftest import SECRET, AppInstance, composed, settings_on

FULL, NORMAL = 2, 1


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return an application on SQLite."""
    return sqlite_app


@pytest.fixture
def settings(migrated: Path, tmp_path: Path) -> Settings:
    """Return settings with a new database file."""
    return settings_on(Path(shutil.copy(migrated, tmp_path / "conduit.db")))


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Return the database of an application with default settings."""
    database = compose_from_settings(Settings(database_url=settings.database_url, secret_key=SECRET)).database
    yield database
    await database.dispose()


async def pragmas(engine: AsyncEngine, *names: str) -> dict[str, object]:
    async with engine.connect() as connection:
        return {name: await connection.scalar(text(f"PRAGMA {name}")) for name in names}


async def test_write_connection_is_durable_and_checks_foreign_keys(database: Database) -> None:
    write, _ = database.engines
    assert await pragmas(
        write, "journal_mode", "foreign_keys", "synchronous", "busy_timeout", "query_only"
    ) == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": FULL,
        "busy_timeout": 5_000,
        "query_only": 0,
    }


async def test_durability_is_a_setting(settings: Settings) -> None:
    database = compose_from_settings(settings.model_copy(update={"database_synchronous": "NORMAL"})).database
    write, _ = database.engines
    assert await pragmas(write, "synchronous") == {"synchronous": NORMAL}
    await database.dispose()


async def test_read_connections_are_read_only_with_busy_timeout(database: Database) -> None:
    _, read = database.engines
    async with read.connect(), read.connect(), read.connect():
        # The fourth connection: none that another test has used.
        assert await pragmas(read, "query_only", "foreign_keys", "busy_timeout") == {
            "query_only": 1,
            "foreign_keys": 1,
            "busy_timeout": 5_000,
        }


async def test_a_snapshot_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        async with database.snapshot() as session:
            await session.execute(text("DELETE FROM articles_article"))
    assert "attempt to write a readonly database" in str(caught.value.__cause__)


async def test_dangling_foreign_key_is_rejected(database: Database) -> None:
    row = "INSERT INTO articles_favorite (article_id, user_id, created_at) VALUES (1, 1, '2026-01-01')"
    with pytest.raises(IntegrityError, match="FOREIGN KEY constraint failed"):
        async with database.transaction() as session:
            await session.execute(text(row))


async def test_readers_see_committed_rows_during_a_write(database: Database, api: Api) -> None:
    await api.as_user("jake").token()
    write, read = database.engines
    async with write.begin() as writer:
        await writer.execute(text("DELETE FROM users_account"))
        async with read.connect() as reader:
            assert await reader.scalar(text("SELECT username FROM users_account")) == "jake"


async def test_transaction_acquires_the_write_lock_at_its_start(
    settings: Settings, database: Database
) -> None:
    # Otherwise it could overwrite a change made after its first read.
    file = make_url(settings.database_url).database
    assert file is not None
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other:
        async with database.transaction() as session:
            await session.execute(text("SELECT count(*) FROM users_account"))
            with pytest.raises(sqlite3.OperationalError, match="database is locked"):
                other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


class ObservedLog(WriteAheadLog):
    """A log that tells when it has been truncated."""

    def __init__(self, database: Path) -> None:
        super().__init__(database)
        self.is_empty = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def truncate(self) -> bool:
        is_empty = super().truncate()
        if is_empty:
            self._loop.call_soon_threadsafe(self.is_empty.set)
        return is_empty


async def test_write_ahead_log_is_truncated_after_a_long_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_ahead_log, "CHECKPOINT_INTERVAL_SECONDS", 0.01)
    file = tmp_path / "conduit.db"
    database, log = Database(f"sqlite+aiosqlite:///{file}"), ObservedLog(file)
    assert log.size() == 0
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE page (content BLOB)"))
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM page").fetchone()
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO page VALUES (zeroblob(:size))"), {"size": 2 * MAX_SIZE})
        assert log.size() > MAX_SIZE
        assert log.truncate() is False
        assert log.size() > MAX_SIZE
    task = asyncio.create_task(log.keep_small())
    await log.is_empty.wait()
    task.cancel()
    assert log.size() == 0
    await database.dispose()


async def test_closed_database_is_one_file(settings: Settings, tmp_path: Path) -> None:
    composition = compose_from_settings(settings)
    api = Api(create_application(settings, composition))
    await api.as_user("jake").publish()
    await api.get("/articles")
    await composition.database.dispose()
    assert files_of(tmp_path) == ["conduit.db"]


def files_of(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("conduit.db*"))


async def test_removed_file_is_unavailable_and_not_created_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_driver, "REPLACEMENT_CHECK_INTERVAL_SECONDS", 0)
    async with composed(settings) as composition:
        api = Api(create_application(settings, composition))
        await api.as_user("jake").publish("Dragons")
        (tmp_path / "conduit.db").rename(tmp_path / "moved.db")
        for suffix in ("-wal", "-shm"):
            (tmp_path / f"conduit.db{suffix}").unlink(missing_ok=True)
        responses = [
            await api.get("/tags"),
            await api.as_user("jake").get("/user"),
            await api.post("/users/login", {"user": {"email": "jake@example.com", "password": PASSWORD}}),
        ]
        for response in responses:
            assert (response.status_code, list(response.json()["errors"])) == (503, ["database"])
        assert not (tmp_path / "conduit.db").exists()
        (tmp_path / "moved.db").rename(tmp_path / "conduit.db")
        assert (await api.get("/tags")).status_code == 200


def test_unavailable_write_ahead_log_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As on a file system without shared memory, which this VFS does not use either."""
    configure_logging(settings_on(tmp_path / "conduit.db"))
    uri = f"{(tmp_path / 'conduit.db').as_uri()}?vfs=unix-dotfile"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        prepare_connection(connection, [WRITE_AHEAD_LOG])
    [line] = capsys.readouterr().err.splitlines()
    assert "write-ahead log unavailable, readers wait for writers" in line
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        prepare_connection(connection, [WRITE_AHEAD_LOG])
    assert capsys.readouterr().err == ""
