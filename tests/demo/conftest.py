"""A small demo database, created once and copied for each test."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conduit_app.application import compose_from_settings
from conduit_app.commands.demo import fill_demo
from conduit_app.settings import Settings
from tests.client import Api
from tests.conftest import SECRET, AppInstance

ARTICLES = 60
UNTIL = datetime(2026, 1, 1, tzinfo=UTC)


class NoProgress:
    """A progress display that shows nothing."""

    def begin(self, what: str, total: int) -> None:
        """Do nothing."""

    def advance(self, number: int) -> None:
        """Do nothing."""


def settings_for(file: Path) -> Settings:
    """Return settings for this database."""
    return Settings(database_url=f"sqlite+aiosqlite:///{file}", secret_key=SECRET, log_level="warning")


async def create_demo(migrated: Path, file: Path, articles: int) -> Path:
    """Return a database with demo data."""
    shutil.copy(migrated, file)
    composition = compose_from_settings(settings_for(file))
    await fill_demo(composition, articles, NoProgress(), UNTIL)
    await composition.database.dispose()
    return file


@pytest.fixture(scope="session")
async def filled(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with demo data, for tests to copy."""
    return await create_demo(migrated, tmp_path_factory.mktemp("demo") / "conduit.db", ARTICLES)


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return the application on SQLite, whose file can be copied; test_parts.py runs on both databases."""
    return sqlite_app


@pytest.fixture
def settings(filled: Path, tmp_path: Path) -> Settings:
    """Return settings for a copy of the demo database."""
    return settings_for(Path(shutil.copy(filled, tmp_path / "conduit.db")))


@pytest.fixture
async def demo_user(api: Api) -> dict[str, str]:
    """Return the headers of the demo user."""
    response = await api.post(
        "/users/login", {"user": {"email": "john@example.com", "password": "password123"}}
    )
    assert response.status_code == 200, response.text
    return {"Authorization": f"Token {response.json()['user']['token']}"}
