"""What an operator's probes are told."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from conduit_app.application import compose_from_settings, create_application
from conduit_app.composition import Composition, resolve_order
from conduit_app.discovery import discover
from conduit_app.migrations.runner import downgrade, migrate
from conduit_app.settings import Settings
from modules.kernel.module import KERNEL
from tests.client import Api
from tests.conftest import SECRET

MODULES = resolve_order(discover())
READY = {"status": "ready", "events": {"waiting": 0, "oldest_pending_seconds": 0, "dead": 0, "orphaned": 0}}
NOT_MIGRATED = "its tables are not migrated: run conduit migrate"


@asynccontextmanager
async def conduit_on(url: str) -> AsyncIterator[Api]:
    """Return a Conduit on a database in whatever state."""
    settings = Settings(database_url=url, secret_key=SECRET, log_level="error")
    composition = compose_from_settings(settings)
    try:
        yield Api(create_application(settings, composition))
    finally:
        await composition.database.dispose()


def problems(answer: httpx2.Response) -> dict[str, list[str]]:
    """Return what keeps Conduit from being ready."""
    assert answer.status_code == 503, answer.text
    told: dict[str, list[str]] = answer.json()["errors"]
    return told


class TestLive:
    async def test_a_process_that_answers_is_alive(self, api: Api) -> None:
        answer = await api.outside("GET", "/health/live")
        assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


class TestReady:
    async def test_a_migrated_conduit_is_ready(self, api: Api) -> None:
        answer = await api.outside("GET", "/health/ready")
        assert (answer.status_code, answer.json()) == (200, READY)

    async def test_the_module_that_is_not_migrated_is_named(self, api: Api, composition: Composition) -> None:
        [comments] = [module for module in composition.modules if module.name == "comments"]
        await downgrade(composition.database, comments)
        assert problems(await api.outside("GET", "/health/ready")) == {"comments": [NOT_MIGRATED]}
        await migrate(composition.database, [comments])
        assert (await api.outside("GET", "/health/ready")).status_code == 200

    async def test_on_an_empty_database_all_of_them_are(self, folder: Path) -> None:
        async with conduit_on(f"sqlite+aiosqlite:///{folder}/empty.db") as api:
            told = problems(await api.outside("GET", "/health/ready"))
        assert told == {module.name: [NOT_MIGRATED] for module in [KERNEL, *MODULES]}

    async def test_a_module_that_a_newer_conduit_has_migrated_is_told_apart(self, newer: Path) -> None:
        async with conduit_on(f"sqlite+aiosqlite:///{newer}") as api:
            told = problems(await api.outside("GET", "/health/ready"))
        assert told == {"articles": ["its tables were made by a newer Conduit: upgrade this one"]}


def a_folder(file: Path) -> None:
    file.mkdir()


def no_database(file: Path) -> None:
    file.write_text("Dear diary, today I met a dragon. " * 40, encoding="utf-8")


class TestDatabaseThatCannotBeUsed:
    @pytest.mark.parametrize("make", [a_folder, no_database])
    async def test_it_is_named_and_the_process_is_alive(
        self, folder: Path, make: Callable[[Path], None]
    ) -> None:
        make(folder / "conduit.db")
        async with conduit_on(f"sqlite+aiosqlite:///{folder}/conduit.db") as api:
            ready = await api.outside("GET", "/health/ready")
            assert problems(ready) == {"database": ["does not answer"]}
            assert (await api.outside("GET", "/health/live")).status_code == 200

    async def test_the_api_answers_503_meanwhile_and_says_when_to_come_back(self, folder: Path) -> None:
        a_folder(folder / "conduit.db")
        async with conduit_on(f"sqlite+aiosqlite:///{folder}/conduit.db") as api:
            answer = await api.get("/tags")
        assert problems(answer) == {"database": ["is not available"]}
        assert answer.headers["Retry-After"] == "1"

    async def test_it_is_ready_again_as_soon_as_the_database_is(self, folder: Path, migrated: Path) -> None:
        a_folder(folder / "conduit.db")
        async with conduit_on(f"sqlite+aiosqlite:///{folder}/conduit.db") as api:
            assert (await api.outside("GET", "/health/ready")).status_code == 503
            (folder / "conduit.db").rmdir()
            shutil.copy(migrated, folder / "conduit.db")
            assert (await api.outside("GET", "/health/ready")).status_code == 200


class TestDatabaseThatGoesAway:
    """SQLite's connections work on in a file that has no name any more, and lose what they write."""

    async def test_one_that_is_removed_is_missed(self, folder: Path, migrated: Path) -> None:
        file = Path(shutil.copy(migrated, folder / "blog.db"))
        async with conduit_on(f"sqlite+aiosqlite:///{file}") as api:
            await api.as_user("jake").publish()
            assert (await api.outside("GET", "/health/ready")).status_code == 200
            remove(file)
            told = problems(await api.outside("GET", "/health/ready"))
        assert told == {module.name: [NOT_MIGRATED] for module in [KERNEL, *MODULES]}

    async def test_one_that_is_replaced_is_what_is_served(self, folder: Path, migrated: Path) -> None:
        file, backup = (Path(shutil.copy(migrated, folder / name)) for name in ("blog.db", "backup.db"))
        async with conduit_on(f"sqlite+aiosqlite:///{backup}") as api:
            await api.as_user("anna").publish(title="Unicorns")
            assert await titles(api) == ["Unicorns"]
        async with conduit_on(f"sqlite+aiosqlite:///{file}") as api:
            await api.as_user("jake").publish(title="Dragons")
            assert await titles(api) == ["Dragons"]
            remove(file)
            backup.rename(file)
            assert await titles(api) == ["Unicorns"]
            await api.as_user("joan").publish(title="Griffins")
            assert await titles(api) == ["Griffins", "Unicorns"]
            assert (await api.outside("GET", "/health/ready")).status_code == 200


def remove(file: Path) -> None:
    """Remove a database with all that SQLite keeps beside it."""
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()


async def titles(api: Api) -> list[str]:
    """Return the titles of all articles, newest first."""
    return [article["title"] for article in (await api.get("/articles")).json()["articles"]]
