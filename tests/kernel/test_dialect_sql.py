"""The statements that SQLite and PostgreSQL write each their own way."""

import pytest
from sqlalchemy import insert, select

from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, insert_or_ignore
from tests.kernel.sample_table import Thing, names


class TestInsertUnlessThere:
    async def test_what_is_there_stays_and_no_error_is_raised(self, database: Database) -> None:
        for name in ("lamp", "lamp", "table"):
            async with database.transaction() as session:
                await session.execute(insert_or_ignore(session, Thing), {"name": name})
        assert await names(database) == ["lamp", "table"]


class TestIsOneOf:
    @pytest.mark.parametrize("ids", [set(), {1}, {1, 3}, set(range(1, 100_000))])
    async def test_it_holds_for_the_ids_that_are_bound_however_many(
        self, database: Database, ids: set[int]
    ) -> None:
        async with database.transaction() as session:
            await session.execute(insert(Thing), [{"id": key, "name": f"thing {key}"} for key in (1, 2, 3)])
            found = await session.scalars(
                select(Thing.id).where(in_ids(Thing.__table__.c.id, "ids")), {"ids": ids}
            )
            assert set(found) == ids & {1, 2, 3}
