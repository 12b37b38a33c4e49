"""The scene of every test that needs one: a migrated database and Conduit on top of it."""

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

# Applications are full of cycles: collecting them young costs a tenth of the run.
gc.set_threshold(50_000, 20, 20)

# The modules whose work together is told here, to the last column. One that comes later tells of itself.
KNOWN = frozenset({"users", "profiles", "articles", "comments"})

SECRET = "a secret of the tests, long enough to sign"

# A busy machine is no failure, and what fails once fails on every run.
hypothesis_settings.register_profile("conduit", deadline=None, derandomize=True)
hypothesis_settings.load_profile("conduit")


@pytest.fixture(scope="session", autouse=True)
def isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave out what a developer has set, by variables or by a `.env` in the folder of the checkout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("nowhere"))
        for name in [name for name in os.environ if name.upper().startswith("CONDUIT_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def without_installed_plugins() -> Iterator[None]:
    """Leave out plugins that happen to be installed: these tests are of the tree, plugins bring theirs."""
    installed = list(entry_points(group=discovery.ENTRY_POINTS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            discovery,
            "entry_points",
            lambda group: [found for found in entry_points(group=group) if found not in installed],
        )
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Say where this run's PostgreSQL is, before a fixture takes the settings away."""
    if postgresql.begin_run():
        config.add_cleanup(postgresql.end_run)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the second engine to `make slow`, but for the contract: there is time for both once a push."""
    for item in items:
        if "postgresql" in item.name and "conformance" not in item.path.parts:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def empty_postgresql() -> Iterator[str]:
    """Return the URL of a database on PostgreSQL for one test after the other, each leaving it empty."""
    with postgresql.new_database() as url:
        yield url


@pytest.fixture(scope="session")
async def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file for each test to copy: copying is faster than migrating."""
    file = tmp_path_factory.mktemp("template") / "conduit.db"
    composition = compose_from_settings(
        Settings(database_url=f"sqlite+aiosqlite:///{file}", secret_key=SECRET)
    )
    await migrate(composition.database, composition.migratable)
    await composition.database.dispose()
    return file


# Those of modules, and what they have counted up to; not which revision they are of.
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_alembic_version'"


@dataclass(frozen=True)
class AppInstance:
    """A Conduit that one test after another finds empty: making one costs more than most tests do."""

    settings: Settings
    composition: Composition
    application: FastAPI
    empty: Callable[[], None]
    """Make the database as if nothing had ever been in it."""


def settings_on(database: Path | str) -> Settings:
    """Return the settings of a Conduit on the database in this file, or at this URL."""
    return Settings(
        database_url=database if isinstance(database, str) else f"sqlite+aiosqlite:///{database}",
        secret_key=SECRET,
        log_level="warning",
        # What loss of power does is tested where it is meant; here it would only wait for the disk.
        database_synchronous="NORMAL",
    )


@asynccontextmanager
async def composed(settings: Settings) -> AsyncIterator[Composition]:
    """Return Conduit's modules, wired to a database, until the block ends."""
    # Imported here: the tests of one module by itself load this file too, and need nothing of users.
    from modules.users.infrastructure.passwords import Argon2Passwords  # noqa: PLC0415

    composition = compose_from_settings(settings)
    # Registering somebody costs 40 ms of argon2 by design, and most tests register somebody.
    cheap = providers.Singleton(Argon2Passwords, 2, memory_cost=8, time_cost=1)
    composition.containers["users"].passwords.override(cheap)
    yield composition
    await composition.database.dispose()


@asynccontextmanager
async def running_app(settings: Settings, empty: Callable[[], None]) -> AsyncIterator[AppInstance]:
    """Return a Conduit with these settings, until the block ends."""
    async with composed(settings) as composition:
        yield AppInstance(settings, composition, create_application(settings, composition), empty)


@pytest.fixture(scope="session")
async def sqlite_app(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AppInstance]:
    """Return the Conduit on SQLite of the tests of this process."""
    emptied = Path(shutil.copy(migrated, tmp_path_factory.mktemp("stage") / "conduit.db"))

    with closing(sqlite3.connect(migrated)) as template:
        tables = [name for (name,) in template.execute(TABLES)]
    deletions = [f"DELETE FROM {table}" for table in tables]  # noqa: S608 - names of tables
    script = ";".join(["PRAGMA synchronous=OFF", "BEGIN", *deletions, "COMMIT"])

    def empty() -> None:
        with closing(sqlite3.connect(emptied)) as file:
            file.executescript(script)

    async with running_app(settings_on(emptied), empty) as app_instance:
        yield app_instance


@pytest.fixture(scope="session")
async def postgresql_app() -> AsyncIterator[AppInstance]:
    """Return the Conduit on PostgreSQL of the tests of this process."""
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
    """Return a Conduit on either engine: what is promised holds on both."""
    app_instance: AppInstance = request.getfixturevalue(f"{request.param}_app")
    return app_instance


@pytest.fixture
def settings(app_instance: AppInstance) -> Settings:
    """Return the settings of Conduit on an empty database."""
    app_instance.empty()
    return app_instance.settings


# A folder or file of tests that overrides one of these has its own of those that follow.


@pytest.fixture
def dedicated_settings(settings: Settings) -> Settings:
    """Return the settings of a Conduit that is made for one test alone, on an empty database."""
    return settings.model_copy()


@pytest.fixture
def core_settings(settings: Settings, app_instance: AppInstance) -> Settings:
    """Return the settings of a Conduit that has no modules but those that these tests know."""
    others = {module.name for module in app_instance.composition.modules} - KNOWN
    return settings.model_copy(update={"disabled_modules": tuple(others)}) if others else settings


@pytest.fixture
async def composition(settings: Settings, app_instance: AppInstance) -> AsyncIterator[Composition]:
    """Return Conduit's modules, wired to the database of the test."""
    if settings is app_instance.settings:
        yield app_instance.composition
    else:
        async with composed(settings) as composition:
            yield composition


@pytest.fixture
def application(settings: Settings, composition: Composition, app_instance: AppInstance) -> FastAPI:
    """Return Conduit."""
    if composition is app_instance.composition:
        return app_instance.application
    return create_application(settings, composition)


@pytest.fixture
def api(application: FastAPI) -> Api:
    """Return Conduit as its callers see it."""
    return Api(application)
