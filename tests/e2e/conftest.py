"""Fixtures of end-to-end tests: a browser and a server."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

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
