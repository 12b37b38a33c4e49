"""Fixtures: a migrated database, and Conduit's application on it."""

import gc
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from dependency_injector import providers
from fastapi import FastAPI
from hypothesis import settings as hypothesis_settings

from conduit_app import discovery
from conduit_app.application import compose_from_settings, create_application
from conduit_app.composition import Composition
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings
from tests import postgresql
from tests.client import Api

# Applications have many reference cycles: frequent collections take a tenth of the run.
gc.set_threshold(50_000, 20, 20)

# The modules that cross-module tests list completely. Modules added later are not among them.
CORE_MODULES = frozenset({"users", "profiles", "articles", "comments"})

# Folders of tests that `make test` runs on PostgreSQL too.
ON_BOTH_ENGINES = frozenset({"conformance", "history"})

SECRET = "a secret of the tests, long enough to sign"

# No deadline, because machines are busy; derandomized, so that failures are reproducible.
hypothesis_settings.register_profile("conduit", deadline=None, derandomize=True)
hypothesis_settings.load_profile("conduit")


@pytest.fixture(scope="session", autouse=True)
def isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide a developer's settings: environment variables, and `.env` in the checkout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        for name in [name for name in os.environ if name.upper().startswith("CONDUIT_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def without_installed_plugins() -> Iterator[None]:
    """Hide installed plugins: these tests are of the tree."""
    installed = list(entry_points(group=discovery.ENTRY_POINTS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            discovery,
            "entry_points",
            lambda group: [entry for entry in entry_points(group=group) if entry not in installed],
        )
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Read this run's PostgreSQL URL before a fixture removes the settings."""
    if postgresql.begin_run():
        config.add_cleanup(postgresql.end_run)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests on PostgreSQL as slow, except those that run on both engines every time."""
    for item in items:
        if "postgresql" in item.name and not ON_BOTH_ENGINES.intersection(item.path.parts):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def empty_postgresql() -> Iterator[str]:
    """Return the URL of a shared PostgreSQL database. Each test must leave it empty."""
    with postgresql.new_database() as url:
        yield url


@pytest.fixture(scope="session")
async def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file to copy, which is faster than migrating."""
    file = tmp_path_factory.mktemp("template") / "conduit.db"
    composition = compose_from_settings(
        Settings(database_url=f"sqlite+aiosqlite:///{file}", secret_key=SECRET)
    )
    await migrate(composition.database, composition.migratable)
    await composition.database.dispose()
    return file


# All tables and SQLite's sequences, except the versions of migrations.
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_alembic_version'"


@dataclass(frozen=True)
class AppInstance:
    """An application that tests share and empty: creating one takes longer than most tests."""

    settings: Settings
    composition: Composition
    application: FastAPI
    empty: Callable[[], None]
    """Delete all rows and reset all sequences."""


def settings_on(database: Path | str) -> Settings:
    """Return settings for the SQLite file or the database URL."""
    return Settings(
        database_url=database if isinstance(database, str) else f"sqlite+aiosqlite:///{database}",
        secret_key=SECRET,
        log_level="warning",
        # These tests need no durability on power loss; FULL would only wait for the disk.
        database_synchronous="NORMAL",
    )


@asynccontextmanager
async def composed(settings: Settings) -> AsyncIterator[Composition]:
    """Yield a composition with these settings, and close its database."""
    # Imported here, because the tests of an isolated module load this file without users.
    from modules.users.infrastructure.passwords import Argon2Passwords  # noqa: PLC0415

    composition = compose_from_settings(settings)
    # Each registration takes 40 ms of argon2 by design, and most tests register a user.
    fast_passwords = providers.Singleton(Argon2Passwords, 2, memory_cost=8, time_cost=1)
    composition.containers["users"].passwords.override(fast_passwords)
    yield composition
    await composition.database.dispose()


@asynccontextmanager
async def running_app(settings: Settings, empty: Callable[[], None]) -> AsyncIterator[AppInstance]:
    """Yield an application with these settings, and close its database."""
    async with composed(settings) as composition:
        yield AppInstance(settings, composition, create_application(settings, composition), empty)


@pytest.fixture(scope="session")
async def sqlite_app(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AppInstance]:
    """Return this process's application on SQLite."""
    file = Path(shutil.copy(migrated, tmp_path_factory.mktemp("shared") / "conduit.db"))
    with closing(sqlite3.connect(migrated)) as template:
        tables = [name for (name,) in template.execute(TABLES)]
    deletions = [f"DELETE FROM {table}" for table in tables]  # noqa: S608 - names of tables
    script = ";".join(["PRAGMA synchronous=OFF", "BEGIN", *deletions, "COMMIT"])

    def empty() -> None:
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(script)

    async with running_app(settings_on(file), empty) as app_instance:
        yield app_instance


@pytest.fixture(scope="session")
async def postgresql_app() -> AsyncIterator[AppInstance]:
    """Return this process's application on PostgreSQL."""
    with postgresql.new_database() as url:
        composition = compose_from_settings(settings_on(url))
        await migrate(composition.database, composition.migratable)
        await composition.database.dispose()
        tables = [module.schema.metadata for module in composition.migratable if module.schema is not None]
        with postgresql.emptying(url, tables) as empty:
            async with running_app(settings_on(url), empty) as app_instance:
                yield app_instance


@pytest.fixture(params=["sqlite", "postgresql"])
def app_instance(request: pytest.FixtureRequest) -> AppInstance:
    """Return the application on each of the two engines."""
    app_instance: AppInstance = request.getfixturevalue(f"{request.param}_app")
    return app_instance


@pytest.fixture
def settings(app_instance: AppInstance) -> Settings:
    """Return the application's settings, its database emptied."""
    app_instance.empty()
    return app_instance.settings


# Overriding one of the fixtures below in a folder or file replaces those that depend on it there.


@pytest.fixture
def dedicated_settings(settings: Settings) -> Settings:
    """Return the settings of an application created for one test, its database emptied."""
    return settings.model_copy()


@pytest.fixture
def core_settings(settings: Settings, app_instance: AppInstance) -> Settings:
    """Return the settings of an application with the core modules only."""
    others = {module.name for module in app_instance.composition.modules} - CORE_MODULES
    return settings.model_copy(update={"disabled_modules": tuple(others)}) if others else settings


@pytest.fixture
async def composition(settings: Settings, app_instance: AppInstance) -> AsyncIterator[Composition]:
    """Return the composition on the test's database."""
    if settings is app_instance.settings:
        yield app_instance.composition
    else:
        async with composed(settings) as composition:
            yield composition


@pytest.fixture
def application(settings: Settings, composition: Composition, app_instance: AppInstance) -> FastAPI:
    """Return the application of the test."""
    if composition is app_instance.composition:
        return app_instance.application
    return create_application(settings, composition)


@pytest.fixture
def api(application: FastAPI) -> Api:
    """Return a client of the API."""
    return Api(application)
