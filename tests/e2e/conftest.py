"""Fixtures of end-to-end tests: a browser and a server."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from conduit_app.settings import Settings
from tests.conftest import SECRET
from tests.e2e.chromium import launched
from tests.program import RunningServer, served


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Return a headless Chromium."""
    async with launched() as browser:
        yield browser


@pytest.fixture
def conduit(tmp_path: Path, migrated: Path) -> Iterator[RunningServer]:
    """Return a server on an empty database."""
    folder = tmp_path / "served"
    (folder / "var").mkdir(parents=True)
    shutil.copy(migrated, folder / "var" / "conduit.db")
    with served(folder) as conduit:
        yield conduit


@pytest.fixture
def sqlite_settings(tmp_path: Path, migrated: Path) -> Settings:
    """Return the settings of an empty database."""
    file = Path(shutil.copy(migrated, tmp_path / "conduit.db"))
    return Settings(database_url=f"sqlite+aiosqlite:///{file}", secret_key=SECRET, log_level="warning")


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Return a page in its own window. Without interception, which would bypass preflights."""
    context = await browser.new_context(viewport={"width": 1000, "height": 800})
    context.set_default_timeout(20_000)
    # Milliseconds, as above.
    expect.set_options(timeout=20_000)
    page = await context.new_page()
    yield page
    await context.close()
