"""Statements whose SQL differs between SQLite and PostgreSQL."""

import pytest
from sqlalchemy import insert, select

from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, insert_or_ignore
from tests.kernel.sample_table import Thing, names


class TestInsertOrIgnore:
    async def test_conflicting_row_is_ignored(self, database: Database) -> None:
        for name in ("lamp", "lamp", "table"):
            await database.execute(insert_or_ignore(database.dialect, Thing), {"name": name, "number": 0})
        assert await names(database) == ["lamp", "table"]


class TestInIds:
    @pytest.mark.parametrize("ids", [set(), {1}, {1, 3}, set(range(1, 100_000))])
    async def test_condition_holds_for_bound_ids(self, database: Database, ids: set[int]) -> None:
        async with database.transaction() as session:
            await session.execute(insert(Thing), [{"id": key, "name": f"thing {key}"} for key in (1, 2, 3)])
            ids_in_table = await session.scalars(
                select(Thing.id).where(in_ids(Thing.__table__.c.id, "ids")), {"ids": ids}
            )
            assert set(ids_in_table) == ids & {1, 2, 3}
