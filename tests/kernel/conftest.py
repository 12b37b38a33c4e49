"""Databases of the kernel alone: one table that stands for any module's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.tables import SCHEMA
from tests.kernel.outbox_worker import Base
from tests.kernel.sample_table import Thing, with_things


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


@pytest.fixture
async def on_postgresql(empty_postgresql: str) -> AsyncIterator[Database]:
    """Return a database on PostgreSQL."""
    database = await with_things(empty_postgresql)
    yield database
    async with database.migration_connection() as connection:
        await connection.run_sync(Thing.metadata.drop_all)
    await database.dispose()


@pytest.fixture(params=["on_file", "on_postgresql"])
def deployed(request: pytest.FixtureRequest) -> Database:
    """Return a database as deployments have it, on either engine."""
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture(params=["on_file", "in_memory", "on_postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """Return any of them: what holds for one holds for the others."""
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture
async def kept(deployed: Database) -> AsyncIterator[Database]:
    """Return a database with the tables of the kernel."""
    async with deployed.migration_connection() as connection:
        await connection.run_sync(SCHEMA.metadata.create_all)
    yield deployed
    async with deployed.migration_connection() as connection:
        await connection.run_sync(SCHEMA.metadata.drop_all)


@pytest.fixture
async def outbox(deployed: Database) -> AsyncIterator[Database]:
    """Return a database with an outbox and a table of steps."""
    async with deployed.migration_connection() as connection:
        for metadata in (SCHEMA.metadata, Base.metadata):
            await connection.run_sync(metadata.create_all)
    yield deployed
    async with deployed.migration_connection() as connection:
        for metadata in (SCHEMA.metadata, Base.metadata):
            await connection.run_sync(metadata.drop_all)
