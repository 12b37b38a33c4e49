"""Lookups of single rows, without a unit of work on SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select

from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from tests.kernel.sample_table import Thing, in_another_request
from tests.sql_recorder import StatementRecorder

NUMBER = select(Thing.__table__.c.number).where(Thing.__table__.c.name == bindparam("name"))


async def add(database: Database, name: str, number: int) -> None:
    async with database.transaction() as session:
        session.add(Thing(name=name, number=number))


async def number_of(database: Database, name: str) -> int | None:
    row = await database.fetch_row(NUMBER, {"name": name})
    return None if row is None else row[0]


@pytest.fixture
def statements(sqlite_database: Database) -> Iterator[StatementRecorder]:
    statements = StatementRecorder(sqlite_database)
    yield statements
    statements.stop()


async def test_committed_value_is_returned(database: Database) -> None:
    assert await number_of(database, "lamp") is None
    await add(database, "lamp", 3)
    assert await number_of(database, "lamp") == 3


async def test_uncommitted_value_is_returned_in_its_transaction_only(
    persistent_database: Database,
) -> None:
    async with persistent_database.transaction() as session:
        session.add(Thing(name="lamp", number=3))
        await session.flush()
        assert await number_of(persistent_database, "lamp") == 3
        assert await in_another_request(number_of(persistent_database, "lamp")) is None


async def test_value_committed_by_another_process_is_returned(
    sqlite_database: Database, tmp_path: Path
) -> None:
    await add(sqlite_database, "lamp", 3)
    assert await number_of(sqlite_database, "lamp") == 3
    with closing(sqlite3.connect(tmp_path / "things.db")) as other, other:
        other.execute("UPDATE things_thing SET number = 4")
    assert await number_of(sqlite_database, "lamp") == 4


async def test_sqlite_file_needs_no_unit_of_work(
    sqlite_database: Database, statements: StatementRecorder
) -> None:
    assert await number_of(sqlite_database, "lamp") is None
    assert statements.statements == []


async def test_damaged_file_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "things.db"
    file.write_bytes(b"This is no database. " * 1_000)
    database = Database(f"sqlite+aiosqlite:///{file}")
    with pytest.raises(DatabaseUnavailable):
        await number_of(database, "lamp")
    await database.dispose()
