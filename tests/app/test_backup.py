"""Backups are whole, of one moment, and looked at (ASVS 5.0 V14; https://sqlite.org/backup.html)."""

import asyncio
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conduit_app.application import compose_from_settings, create_application
from conduit_app.settings import Settings
from tests.app.test_cli import call, single_line
from tests.client import Api
from tests.conftest import SECRET


@pytest.fixture
def database(migrated: Path, folder: Path) -> Path:
    """Put a migrated database where the program looks for it, and return where that is."""
    file = folder / "var" / "conduit.db"
    file.parent.mkdir()
    return Path(shutil.copy(migrated, file))


class Serving:
    """A Conduit that serves from this folder, in this process."""

    def __init__(self) -> None:
        settings = Settings(secret_key=SECRET, log_level="warning", database_synchronous="NORMAL")
        self.composition = compose_from_settings(settings)
        self.api = Api(create_application(settings, self.composition))

    async def __aenter__(self) -> Api:
        return self.api

    async def __aexit__(self, *_error: object) -> None:
        await self.composition.database.dispose()


async def slugs(api: Api) -> set[str]:
    answer = await api.get("/articles?limit=100")
    assert answer.status_code == 200, answer.text
    return {article["slug"] for article in answer.json()["articles"]}


def kept_in(file: Path) -> set[str]:
    """Return the slugs in a database, which SQLite finds sound."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {slug for (slug,) in connection.execute("SELECT slug FROM articles_article")}


@pytest.mark.usefixtures("database")
async def test_a_backup_taken_while_others_write_has_all_that_was_acknowledged_before(folder: Path) -> None:
    async with Serving() as api:
        jake = api.as_user("jake")
        before = {(await jake.publish(f"Before {number}"))["slug"] for number in range(5)}
        writing = asyncio.create_task(_publish(jake, 20))
        result = await asyncio.to_thread(call, "backup", "copy.db")
        await writing
        assert result.exit_code == 0, result.output
        assert before <= kept_in(Path("copy.db")) <= await slugs(api)
    assert not (folder / "copy.db-wal").exists(), "it is one file"
    with closing(sqlite3.connect("copy.db")) as copy:
        # No transaction is there in part.
        [articles] = copy.execute("SELECT count(*) FROM articles_article").fetchone()
        assert copy.execute("SELECT articles FROM articles_author_stats WHERE author_id = 0").fetchone() == (
            articles,
        )


async def _publish(api: Api, number: int) -> None:
    for one in range(number):
        await api.publish(f"During {one}")


async def test_a_backup_is_put_back_and_what_was_there_is_kept(database: Path) -> None:
    async with Serving() as api:
        await api.as_user("jake").publish("Old")
        assert call("backup", "copy.db").exit_code == 0
        await api.as_user("jake").publish("New")
    result = await asyncio.to_thread(call, "restore", "copy.db")
    assert result.exit_code == 0, result.output
    assert kept_in(database) == {"old"}
    [kept] = database.parent.glob("conduit.before-*.db")
    assert str(Path("var") / kept.name) in result.stderr
    assert kept_in(kept) == {"old", "new"}
    async with Serving() as api:
        assert await slugs(api) == {"old"}
        await api.as_user("anna").publish("Later")


async def test_who_serves_meanwhile_goes_on_with_what_was_put_back(database: Path) -> None:
    async with Serving() as api:
        await api.as_user("jake").publish("Old")
        assert call("backup", "copy.db").exit_code == 0
        await api.as_user("jake").publish("New")
        assert await slugs(api) == {"old", "new"}
        result = await asyncio.to_thread(call, "restore", "copy.db")
        assert result.exit_code == 0, result.output
        assert await slugs(api) == {"old"}
        await api.as_user("jake").publish("Newer")
    assert kept_in(database) == {"old", "newer"}


def test_a_backup_is_put_back_where_there_is_nothing(database: Path) -> None:
    assert call("backup", "copy.db").exit_code == 0
    database.unlink()
    assert call("restore", "copy.db").exit_code == 0
    assert call("migrate").stderr == "the database is up to date\n"


class TestRefusals:
    @pytest.mark.usefixtures("database")
    def test_a_backup_overwrites_nothing(self) -> None:
        Path("copy.db").write_text("precious", encoding="ascii")
        assert single_line(call("backup", "copy.db")) == (
            "conduit: copy.db is there already; a backup overwrites nothing"
        )
        assert Path("copy.db").read_text(encoding="ascii") == "precious"

    @pytest.mark.usefixtures("database")
    def test_a_folder_that_is_not_there_is_told(self) -> None:
        assert single_line(call("backup", "nowhere/copy.db")).startswith(
            "conduit: unable to open database file"
        )

    def test_of_nothing_there_is_no_backup(self, folder: Path) -> None:
        assert single_line(call("backup", "copy.db")) == "conduit: there is no var/conduit.db"
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("command", ["backup", "restore"])
    def test_postgresql_has_tools_of_its_own(self, command: str) -> None:
        line = single_line(call(command, "copy.db", DATABASE_URL="postgresql+psycopg://me:sesame@host/blog"))
        assert line == "conduit: this is for SQLite; on PostgreSQL, pg_dump and pg_restore are the tools"

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (None, "there is no copy.db"),
            (b"no database", "file is not a database"),
            (b"", "copy.db is no database of Conduit's"),
        ],
        ids=["missing", "something else", "empty"],
    )
    def test_what_is_no_backup_is_not_put_back(
        self, database: Path, content: bytes | None, told: str
    ) -> None:
        if content is not None:
            Path("copy.db").write_bytes(content)
        before = database.read_bytes()
        assert single_line(call("restore", "copy.db")) == f"conduit: {told}"
        assert database.read_bytes() == before

    def test_a_damaged_backup_is_not_put_back(self, database: Path) -> None:
        assert call("backup", "copy.db").exit_code == 0
        damaged = bytearray(Path("copy.db").read_bytes())
        damaged[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
        Path("copy.db").write_bytes(damaged)
        before = database.read_bytes()
        assert re.search("copy.db is damaged|malformed", single_line(call("restore", "copy.db")))
        assert database.read_bytes() == before

    def test_the_backup_of_a_newer_conduit_is_not_put_back(self, database: Path, newer: Path) -> None:
        before = database.read_bytes()
        assert single_line(call("restore", newer.name)) == (
            "conduit: newer.db was made by a newer Conduit: upgrade this one"
        )
        assert database.read_bytes() == before
