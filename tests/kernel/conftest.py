"""Databases of the kernel alone: one table that stands for any module's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from modules.kernel.infrastructure.database import Database
from tests.kernel.things import with_things


@pytest.fixture
async def on_file(tmp_path: Path) -> AsyncIterator[Database]:
    """Return a database in a file, as deployments have it."""
    database = await with_things(f"sqlite+aiosqlite:///{tmp_path}/things.db")
    yield database
    await database.dispose()


@pytest.fixture
async def in_memory() -> AsyncIterator[Database]:
    """Return a database in memory."""
    database = await with_things("sqlite+aiosqlite://")
    yield database
    await database.dispose()


@pytest.fixture(params=["on_file", "in_memory"])
def database(request: pytest.FixtureRequest) -> Database:
    """Return either of them: what holds for one holds for the other."""
    database: Database = request.getfixturevalue(request.param)
    return database
