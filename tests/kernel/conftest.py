"""Databases with a sample table, of every engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.tables import SCHEMA
from tests.kernel.outbox_worker import Base
from tests.kernel.sample_table import Thing, create_sample_database


@pytest.fixture
async def sqlite_database(tmp_path: Path) -> AsyncIterator[Database]:
    """Return a database in a SQLite file."""
    database = await create_sample_database(f"sqlite+aiosqlite:///{tmp_path}/things.db")
    yield database
    await database.dispose()


@pytest.fixture
async def memory_database() -> AsyncIterator[Database]:
    """Return a SQLite database in memory."""
    database = await create_sample_database("sqlite+aiosqlite://")
    yield database
    await database.dispose()


@pytest.fixture
async def postgresql_database(empty_postgresql: str) -> AsyncIterator[Database]:
    """Return a database on PostgreSQL."""
    database = await create_sample_database(empty_postgresql)
    yield database
    async with database.migration_connection() as connection:
        await connection.run_sync(Thing.metadata.drop_all)
    await database.dispose()


@pytest.fixture(params=["sqlite_database", "postgresql_database"])
def persistent_database(request: pytest.FixtureRequest) -> Database:
    """Return a database in a SQLite file or on PostgreSQL."""
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture(params=["sqlite_database", "memory_database", "postgresql_database"])
def database(request: pytest.FixtureRequest) -> Database:
    """Return each kind of database."""
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture
async def kernel_database(persistent_database: Database) -> AsyncIterator[Database]:
    """Return a database with the tables of the kernel."""
    async with persistent_database.migration_connection() as connection:
        await connection.run_sync(SCHEMA.metadata.create_all)
    yield persistent_database
    async with persistent_database.migration_connection() as connection:
        await connection.run_sync(SCHEMA.metadata.drop_all)


@pytest.fixture
async def outbox_database(persistent_database: Database) -> AsyncIterator[Database]:
    """Return a database with an outbox and a table of steps."""
    async with persistent_database.migration_connection() as connection:
        for metadata in (SCHEMA.metadata, Base.metadata):
            await connection.run_sync(metadata.create_all)
    yield persistent_database
    async with persistent_database.migration_connection() as connection:
        for metadata in (SCHEMA.metadata, Base.metadata):
            await connection.run_sync(metadata.drop_all)
