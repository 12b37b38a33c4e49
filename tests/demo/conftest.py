"""A small demonstration, made once; each test has a copy."""

import shutil
from pathlib import Path

import pytest

from conduit_app.application import compose_from_settings
from conduit_app.commands.demo import fill_demo
from conduit_app.settings import Settings
from tests.client import Api
from tests.conftest import SECRET, AppInstance

ARTICLES = 60


class ProbeTimeout:
    """Shows no progress."""

    def begin(self, what: str, total: int) -> None:
        """Say nothing."""

    def advance(self, number: int) -> None:
        """Say nothing."""


def settings_for(file: Path) -> Settings:
    """Return the settings of a Conduit on this database."""
    return Settings(database_url=f"sqlite+aiosqlite:///{file}", secret_key=SECRET, log_level="warning")


async def demonstration(migrated: Path, file: Path, articles: int) -> Path:
    """Return a database with a demonstration in it."""
    shutil.copy(migrated, file)
    composition = compose_from_settings(settings_for(file))
    await fill_demo(composition, articles, ProbeTimeout())
    await composition.database.dispose()
    return file


@pytest.fixture(scope="session")
async def filled(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with a demonstration in it, for tests to copy."""
    return await demonstration(migrated, tmp_path_factory.mktemp("demo") / "conduit.db", ARTICLES)


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return a Conduit on SQLite, where a demonstration can be copied; test_parts.py makes some on both."""
    return sqlite_app


@pytest.fixture
def settings(filled: Path, tmp_path: Path) -> Settings:
    """Return the settings of a Conduit that has a demonstration."""
    return settings_for(Path(shutil.copy(filled, tmp_path / "conduit.db")))


@pytest.fixture
async def visitor(api: Api) -> dict[str, str]:
    """Return the headers of the user that visitors log in as."""
    answer = await api.post(
        "/users/login", {"user": {"email": "john@example.com", "password": "password123"}}
    )
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Token {answer.json()['user']['token']}"}
