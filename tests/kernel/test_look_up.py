"""A look-up finds what is there at this moment, without a unit of work where there is a cheaper way."""

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
    found: int | None = await database.fetch_value(NUMBER, {"name": name})
    return found


@pytest.fixture
def statements(on_file: Database) -> Iterator[StatementRecorder]:
    statements = StatementRecorder(on_file)
    yield statements
    statements.stop()


async def test_it_finds_what_was_committed(database: Database) -> None:
    assert await number_of(database, "lamp") is None
    await add(database, "lamp", 3)
    assert await number_of(database, "lamp") == 3


async def test_in_a_unit_of_work_it_finds_what_was_written_there_and_nobody_else_does(
    deployed: Database,
) -> None:
    async with deployed.transaction() as session:
        session.add(Thing(name="lamp", number=3))
        await session.flush()
        assert await number_of(deployed, "lamp") == 3
        assert await in_another_request(number_of(deployed, "lamp")) is None


async def test_it_finds_what_another_process_committed(on_file: Database, tmp_path: Path) -> None:
    await add(on_file, "lamp", 3)
    assert await number_of(on_file, "lamp") == 3
    with closing(sqlite3.connect(tmp_path / "things.db")) as other, other:
        other.execute("UPDATE things_thing SET number = 4")
    assert await number_of(on_file, "lamp") == 4


async def test_in_a_file_it_takes_no_unit_of_work(on_file: Database, statements: StatementRecorder) -> None:
    assert await number_of(on_file, "lamp") is None
    assert statements.statements == []


async def test_a_database_that_cannot_be_read_is_told_as_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "things.db"
    file.write_bytes(b"This is no database. " * 1_000)
    database = Database(f"sqlite+aiosqlite:///{file}")
    with pytest.raises(DatabaseUnavailable):
        await number_of(database, "lamp")
    await database.dispose()
