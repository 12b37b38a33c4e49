"""Connections of units of work to PostgreSQL, with faults of the server, the connection and values."""

import pytest
from sqlalchemy import func, insert, select, table

from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.statements import prepare
from tests.kernel.sample_table import Thing

pytestmark = pytest.mark.slow

things = Thing.metadata.tables[Thing.__tablename__]
INSERT = prepare(insert(things))
NAMES = prepare(select(things.c.name).order_by(things.c.id))
PREPARED = prepare(select(func.count()).select_from(table("pg_prepared_statements")))


async def test_units_of_work_prepare_each_statement_once(postgresql_database: Database) -> None:
    numbers = set()
    for _ in range(3):
        async with postgresql_database.snapshot():
            await postgresql_database.fetch_all(NAMES)
            numbers.add(await postgresql_database.fetch_value(PREPARED))
    assert len(numbers) == 1
