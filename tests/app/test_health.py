"""Health checks: liveness and readiness."""

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
from modules.kernel.domain.events import DeliveryMode
from modules.kernel.infrastructure.persistence import sqlite_driver
from tests.client import Api
from tests.conftest import SECRET

MODULES = resolve_order(discover())
READY = {
    "status": "ready",
    "events": {
        "pending": 0,
        "oldest_pending_seconds": 0,
        "dead": 0,
        "orphaned": 0,
        "lag_seconds": {
            module.name: 0
            for module in MODULES
            if any(sub.delivery is not DeliveryMode.IN_TRANSACTION for sub in module.subscriptions)
        },
        "max_count": 1000,
    },
}
NOT_MIGRATED = "its tables are not migrated: run conduit migrate"


@asynccontextmanager
async def conduit_on(url: str) -> AsyncIterator[Api]:
    """Return an API on a database in any state."""
    settings = Settings(database_url=url, secret_key=SECRET, log_level="error")
    composition = compose_from_settings(settings)
    try:
        yield Api(create_application(settings, composition))
    finally:
        await composition.database.dispose()


def problems(response: httpx2.Response) -> dict[str, list[str]]:
    """Return the errors of a 503 response."""
    assert response.status_code == 503, response.text
    errors: dict[str, list[str]] = response.json()["errors"]
    return errors


class TestLive:
    async def test_running_process_is_alive(self, api: Api) -> None:
        response = await api.outside("GET", "/health/live")
        assert (response.status_code, response.json()) == (200, {"status": "alive"})


class TestReady:
    async def test_migrated_database_is_ready(self, api: Api) -> None:
        response = await api.outside("GET", "/health/ready")
        assert (response.status_code, response.json()) == (200, READY)

    async def test_module_that_is_not_migrated_is_named(self, api: Api, composition: Composition) -> None:
        [comments] = [module for module in composition.modules if module.name == "comments"]
        await downgrade(composition.database, comments)
        assert problems(await api.outside("GET", "/health/ready")) == {"comments": [NOT_MIGRATED]}
        await migrate(composition.database, [comments])
        assert (await api.outside("GET", "/health/ready")).status_code == 200

    async def test_module_that_a_newer_conduit_migrated_is_named(self, newer: Path) -> None:
        async with conduit_on(f"sqlite+aiosqlite:///{newer}") as api:
            errors = problems(await api.outside("GET", "/health/ready"))
        assert errors == {"articles": ["its tables were made by a newer Conduit: upgrade this one"]}


def write_folder(file: Path) -> None:
    file.mkdir()


def write_text(file: Path) -> None:
    file.write_text("Dear diary, today I met a dragon. " * 40, encoding="utf-8")


class TestUnusableDatabase:
    @pytest.mark.parametrize("make", [write_folder, write_text])
    async def test_process_is_alive_but_not_ready(self, folder: Path, make: Callable[[Path], None]) -> None:
        make(folder / "conduit.db")
        async with conduit_on(f"sqlite+aiosqlite:///{folder}/conduit.db") as api:
            ready = await api.outside("GET", "/health/ready")
            assert problems(ready) == {"database": ["does not answer"]}
            assert (await api.outside("GET", "/health/live")).status_code == 200

    async def test_api_returns_503_with_retry_after(self, folder: Path) -> None:
        write_folder(folder / "conduit.db")
        async with conduit_on(f"sqlite+aiosqlite:///{folder}/conduit.db") as api:
            response = await api.get("/tags")
        assert problems(response) == {"database": ["is not available"]}
        assert response.headers["Retry-After"] == "1"

    async def test_readiness_recovers_with_the_database(self, folder: Path, migrated: Path) -> None:
        write_folder(folder / "conduit.db")
        async with conduit_on(f"sqlite+aiosqlite:///{folder}/conduit.db") as api:
            assert (await api.outside("GET", "/health/ready")).status_code == 503
            (folder / "conduit.db").rmdir()
            shutil.copy(migrated, folder / "conduit.db")
            assert (await api.outside("GET", "/health/ready")).status_code == 200


class TestReplacedDatabase:
    """SQLite's connections would go on in the deleted file, and lose what they write."""

    async def test_removed_file_is_detected(
        self, folder: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite_driver, "REPLACEMENT_CHECK_INTERVAL_SECONDS", 0)
        file = Path(shutil.copy(migrated, folder / "blog.db"))
        async with conduit_on(f"sqlite+aiosqlite:///{file}") as api:
            await api.as_user("jake").publish()
            assert (await api.outside("GET", "/health/ready")).status_code == 200
            remove(file)
            response = await api.outside("GET", "/health/ready")
        assert problems(response) == {"database": ["does not answer"]}
        # An empty file in its place would hide the loss.
        assert files(folder) == []

    async def test_replaced_file_is_served(
        self, folder: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite_driver, "REPLACEMENT_CHECK_INTERVAL_SECONDS", 1_000)
        file, backup = (Path(shutil.copy(migrated, folder / name)) for name in ("blog.db", "backup.db"))
        async with conduit_on(f"sqlite+aiosqlite:///{backup}") as api:
            await api.as_user("anna").publish(title="Unicorns")
            assert await titles(api) == ["Unicorns"]
        async with conduit_on(f"sqlite+aiosqlite:///{file}") as api:
            await api.as_user("jake").publish(title="Dragons")
            assert await titles(api) == ["Dragons"]
            remove(file)
            backup.rename(file)
            # Not in the cache as a response of the other file.
            assert await titles(api) == ["Dragons"]
            monkeypatch.setattr(sqlite_driver, "REPLACEMENT_CHECK_INTERVAL_SECONDS", 0)
            assert await titles(api) == ["Unicorns"]
            await api.as_user("joan").publish(title="Griffins")
            assert await titles(api) == ["Griffins", "Unicorns"]
            assert (await api.outside("GET", "/health/ready")).status_code == 200


def remove(file: Path) -> None:
    """Remove a database with its -wal and -shm files."""
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()


def files(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return [file.name for file in folder.iterdir()]


async def titles(api: Api) -> list[str]:
    """Return the titles of all articles, newest first."""
    return [article["title"] for article in (await api.get("/articles")).json()["articles"]]
