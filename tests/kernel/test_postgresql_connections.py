"""Connections of units of work to PostgreSQL, with faults of the server, the connection and values."""

import pytest
from sqlalchemy import delete, func, insert, select, table
from sqlalchemy.exc import DBAPIError

from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.statements import prepare
from tests.kernel.sample_table import Thing

pytestmark = pytest.mark.slow

things = Thing.metadata.tables[Thing.__tablename__]
INSERT = prepare(insert(things))
NAMES = prepare(select(things.c.name).order_by(things.c.id))
DELETE_ALL = prepare(delete(things))
PREPARED = prepare(select(func.count()).select_from(table("pg_prepared_statements")))


async def test_units_of_work_prepare_each_statement_once(postgresql_database: Database) -> None:
    numbers = set()
    for _ in range(3):
        async with postgresql_database.snapshot():
            await postgresql_database.fetch_all(NAMES)
            numbers.add(await postgresql_database.fetch_value(PREPARED))
    assert len(numbers) == 1


@pytest.mark.parametrize("name", ["\0", "\ud800", object()], ids=["nul", "surrogate", "object"])
async def test_connection_is_usable_after_value_that_cannot_be_sent(
    postgresql_database: Database, name: object
) -> None:
    rows = [{"name": name if number == 9 else f"thing {number}", "number": 0} for number in range(10)]
    for _ in range(2):
        with pytest.raises((DBAPIError, UnicodeEncodeError)):
            await postgresql_database.execute_many(INSERT, rows)
        await postgresql_database.execute_many(INSERT, rows[:9])
        async with postgresql_database.transaction():
            assert await postgresql_database.fetch_values(NAMES) == [row["name"] for row in rows[:9]]
            await postgresql_database.execute(DELETE_ALL)
