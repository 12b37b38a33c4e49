"""`conduit backup` and `conduit restore` (ASVS 5.0 V14; https://sqlite.org/backup.html)."""

import asyncio
import os
import re
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from conduit_app.application import compose_from_settings, create_application
from conduit_app.settings import Settings
from modules.kernel.infrastructure.persistence.sqlite import APPLICATION_ID
from tests.app.test_cli import call, single_line
from tests.client import Api
from tests.conftest import SECRET


@pytest.fixture
def database(migrated: Path, folder: Path) -> Path:
    """Return a migrated database at the default path."""
    file = folder / "var" / "conduit.db"
    file.parent.mkdir()
    return Path(shutil.copy(migrated, file))


class RunningApp:
    """An application in this process, on the database of this folder."""

    def __init__(self) -> None:
        settings = Settings(secret_key=SECRET, log_level="warning", database_synchronous="NORMAL")
        self.composition = compose_from_settings(settings)
        self.api = Api(create_application(settings, self.composition))

    async def __aenter__(self) -> Api:
        return self.api

    async def __aexit__(self, *_error: object) -> None:
        await self.composition.database.dispose()


async def slugs(api: Api) -> set[str]:
    response = await api.get("/articles?limit=100")
    assert response.status_code == 200, response.text
    return {article["slug"] for article in response.json()["articles"]}


def stored_slugs(file: Path) -> set[str]:
    """Return the slugs in a database, after an integrity check."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {slug for (slug,) in connection.execute("SELECT slug FROM articles_article")}


@pytest.mark.usefixtures("database")
async def test_backup_during_writes_has_all_earlier_commits(folder: Path) -> None:
    async with RunningApp() as api:
        jake = api.as_user("jake")
        before = {(await jake.publish(f"Before {number}"))["slug"] for number in range(5)}
        writer = asyncio.create_task(_publish(jake, 20))
        result = await asyncio.to_thread(call, "backup", "copy.db")
        await writer
        assert result.exit_code == 0, result.output
        assert before <= stored_slugs(Path("copy.db")) <= await slugs(api)
    assert not (folder / "copy.db-wal").exists()
    with closing(sqlite3.connect("copy.db")) as copy:
        # Contains no partial transaction.
        [articles] = copy.execute("SELECT count(*) FROM articles_article").fetchone()
        assert copy.execute("SELECT articles FROM articles_author_stats WHERE author_id = 0").fetchone() == (
            articles,
        )


async def _publish(api: Api, count: int) -> None:
    for number in range(count):
        await api.publish(f"During {number}")


async def test_restore_replaces_and_saves_the_previous_database(database: Path) -> None:
    async with RunningApp() as api:
        await api.as_user("jake").publish("Old")
        assert call("backup", "copy.db").exit_code == 0
        await api.as_user("jake").publish("New")
    result = await asyncio.to_thread(call, "restore", "copy.db")
    assert result.exit_code == 0, result.output
    assert stored_slugs(database) == {"old"}
    [previous] = database.parent.glob("conduit.before-*.db")
    assert str(Path("var") / previous.name) in result.stderr
    assert stored_slugs(previous) == {"old", "new"}
    async with RunningApp() as api:
        assert await slugs(api) == {"old"}
        await api.as_user("anna").publish("Later")


async def test_restore_ends_every_session(database: Path) -> None:
    async with RunningApp() as api:
        old = await api.as_user("jake").token()
        assert call("backup", "copy.db").exit_code == 0
        # Registered after the backup: the next user after the restore gets the same id.
        new = await api.as_user("anna").token()
        result = await asyncio.to_thread(call, "restore", "copy.db")
        assert result.exit_code == 0, result.output
        await api.as_user("mallory").token()
        for token in (old, new):
            response = await Api(api.application, {"user": token}).as_user("user").get("/user")
            assert response.status_code == 401
    assert [file.name for file in database.parent.glob("*restored*")] == []


@pytest.mark.usefixtures("database")
async def test_after_restore_ends_every_session() -> None:
    async with RunningApp() as api:
        jake = api.as_user("jake")
        assert (await jake.get("/user")).status_code == 200
        result = await asyncio.to_thread(call, "after-restore")
        assert result.exit_code == 0, result.output
        assert result.stderr.endswith("\nevery user must log in again\n")
        assert (await jake.get("/user")).status_code == 401


async def test_running_application_uses_the_restored_database(database: Path) -> None:
    async with RunningApp() as api:
        await api.as_user("jake").publish("Old")
        assert call("backup", "copy.db").exit_code == 0
        await api.as_user("jake").publish("New")
        assert await slugs(api) == {"old", "new"}
        result = await asyncio.to_thread(call, "restore", "copy.db")
        assert result.exit_code == 0, result.output
        assert await slugs(api) == {"old"}
        await api.as_user("anna").publish("Newer")
    assert stored_slugs(database) == {"old", "newer"}


def test_restore_works_without_a_previous_database(database: Path) -> None:
    assert call("backup", "copy.db").exit_code == 0
    database.unlink()
    assert call("restore", "copy.db").exit_code == 0
    assert call("migrate").stderr == "the database is up to date\n"


@pytest.fixture
def permissive_umask() -> Iterator[None]:
    """Let new files have the mode with which they are created."""
    previous = os.umask(0)
    yield
    os.umask(previous)


def modes(folder: Path) -> dict[str, str]:
    """Return the mode of every file below the folder, by its name."""
    return {file.name: oct(stat.S_IMODE(file.stat().st_mode)) for file in folder.rglob("*") if file.is_file()}


@pytest.mark.usefixtures("permissive_umask")
class TestFileModes:
    """The files contain password hashes and e-mail addresses (CWE-732)."""

    async def test_every_created_file_is_readable_by_its_owner_only(self, folder: Path) -> None:
        assert (await asyncio.to_thread(call, "migrate")).exit_code == 0
        async with RunningApp() as api:
            await api.as_user("jake").publish()
            assert (await asyncio.to_thread(call, "backup", "copy.db")).exit_code == 0
            assert (await asyncio.to_thread(call, "restore", "copy.db")).exit_code == 0
            created = modes(folder)
        assert created.keys() >= {"conduit.db", "conduit.db-wal", "conduit.db-shm", "copy.db"}
        assert [name for name in created if name.startswith("conduit.before-")]
        assert set(created.values()) == {"0o600"}

    def test_restored_file_is_private_without_a_previous_database(self, database: Path) -> None:
        assert call("backup", "copy.db").exit_code == 0
        database.unlink()
        assert call("restore", "copy.db").exit_code == 0
        assert modes(database.parent)["conduit.db"] == "0o600"

    @pytest.fixture
    def shared(self, database: Path) -> Path:
        """Return a database that its group may read, for example for backups by another user."""
        database.chmod(0o640)
        return database

    async def test_mode_of_an_existing_file_is_not_changed(self, shared: Path) -> None:
        async with RunningApp() as api:
            await api.as_user("jake").publish()
            assert (await asyncio.to_thread(call, "backup", "copy.db")).exit_code == 0
            assert (await asyncio.to_thread(call, "restore", "copy.db")).exit_code == 0
            assert modes(shared.parent)["conduit.db-wal"] == "0o640"
        assert modes(shared.parent)["conduit.db"] == "0o640"


class TestErrors:
    @pytest.mark.usefixtures("database")
    def test_backup_does_not_overwrite_a_file(self) -> None:
        Path("copy.db").write_text("precious", encoding="ascii")
        assert single_line(call("backup", "copy.db")) == (
            "conduit: copy.db already exists; choose another file"
        )
        assert Path("copy.db").read_text(encoding="ascii") == "precious"

    @pytest.mark.usefixtures("database")
    def test_missing_folder_is_reported(self) -> None:
        assert single_line(call("backup", "nowhere/copy.db")) == "conduit: there is no folder nowhere"

    @pytest.mark.parametrize("url", ["sqlite+aiosqlite://var/conduit.db", "sqlite"])
    def test_invalid_database_url_is_reported(self, url: str) -> None:
        line = single_line(call("backup", "copy.db", DATABASE_URL=url))
        assert line.startswith("conduit: CONDUIT_DATABASE_URL: ")

    def test_missing_database_is_reported(self, folder: Path) -> None:
        assert single_line(call("backup", "copy.db")) == "conduit: there is no var/conduit.db"
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("command", ["backup", "restore"])
    def test_postgresql_is_rejected(self, command: str) -> None:
        line = single_line(call(command, "copy.db", DATABASE_URL="postgresql+psycopg://me:sesame@host/blog"))
        assert line == "conduit: this is for SQLite; on PostgreSQL, pg_dump and pg_restore are the tools"

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            (None, "there is no copy.db"),
            (b"no database", "copy.db: file is not a database"),
            (b"", "copy.db is not a Conduit database"),
        ],
        ids=["missing", "text", "empty"],
    )
    def test_file_that_is_no_backup_is_rejected(
        self, database: Path, content: bytes | None, error: str
    ) -> None:
        if content is not None:
            Path("copy.db").write_bytes(content)
        before = database.read_bytes()
        assert single_line(call("restore", "copy.db")) == f"conduit: {error}"
        assert database.read_bytes() == before

    @pytest.mark.parametrize(
        "foreign",
        [
            "DROP TABLE kernel_alembic_version",
            "PRAGMA application_id = 252006673",  # Fossil's
        ],
    )
    def test_database_of_another_application_is_rejected(self, database: Path, foreign: str) -> None:
        assert call("backup", "copy.db").exit_code == 0
        with closing(sqlite3.connect("copy.db")) as copy:
            copy.execute(foreign)
        before = database.read_bytes()
        assert single_line(call("restore", "copy.db")) == "conduit: copy.db is not a Conduit database"
        assert database.read_bytes() == before

    @pytest.mark.usefixtures("database")
    def test_backup_made_before_files_were_marked_is_restored(self) -> None:
        assert call("backup", "copy.db").exit_code == 0
        with closing(sqlite3.connect("copy.db")) as copy:
            assert copy.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
            copy.execute("PRAGMA application_id = 0")
        assert call("restore", "copy.db").exit_code == 0

    def test_restore_that_cannot_be_migrated_leaves_nothing(self, database: Path) -> None:
        assert call("backup", "copy.db").exit_code == 0
        with closing(sqlite3.connect("copy.db")) as copy:
            copy.execute("DROP INDEX ix_profiles_follow_followed_id")
        before = database.read_bytes()
        assert "profiles lacks the index of profiles_follow (followed_id" in single_line(
            call("restore", "copy.db")
        )
        assert database.read_bytes() == before
        assert [file.name for file in database.parent.glob("*.db*")] == ["conduit.db"]

    def test_damaged_backup_is_rejected(self, database: Path) -> None:
        assert call("backup", "copy.db").exit_code == 0
        damaged = bytearray(Path("copy.db").read_bytes())
        damaged[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
        Path("copy.db").write_bytes(damaged)
        before = database.read_bytes()
        assert re.search("copy.db is damaged|malformed", single_line(call("restore", "copy.db")))
        assert database.read_bytes() == before

    def test_backup_of_a_newer_conduit_is_rejected(self, database: Path, newer: Path) -> None:
        before = database.read_bytes()
        assert single_line(call("restore", newer.name)) == (
            "conduit: newer.db was made by a newer Conduit: upgrade this one"
        )
        assert database.read_bytes() == before
