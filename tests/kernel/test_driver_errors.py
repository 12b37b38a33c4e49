"""Classification of the driver errors of SQLite and PostgreSQL."""

from collections.abc import Mapping

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.driver_errors import is_unavailable, violated_constraint
from tests.kernel.sample_table import Thing


class TestViolatedConstraint:
    @pytest.mark.parametrize(
        ("values", "name"),
        [
            ({"name": "lamp"}, "uq_things_thing_name"),
            ({"name": "new", "shelf": "a", "place": "1"}, "uq_things_thing_shelf_place"),
            ({"name": "new", "number": -1}, "ck_things_thing_number"),
            ({"name": None}, None),
            ({"name": "new", "part_of": 1000}, None),
        ],
    )
    async def test_constraint_is_identified_by_its_name_in_the_schema(
        self, database: Database, values: Mapping[str, object], name: str | None
    ) -> None:
        async with database.transaction() as session:
            await session.execute(insert(Thing).values(name="lamp", shelf="a", place="1"))
        with pytest.raises(IntegrityError) as raised:
            async with database.transaction() as session:
                await session.execute(insert(Thing).values(values))
        assert violated_constraint(raised.value) == name

    def test_expected_names_are_in_the_schema(self) -> None:
        in_schema = {constraint.name for constraint in Thing.metadata.tables["things_thing"].constraints}
        assert in_schema >= {
            "uq_things_thing_name",
            "uq_things_thing_shelf_place",
            "ck_things_thing_number",
        }


class TestIsUnavailable:
    def test_refused_connection_is_unavailable(self) -> None:
        assert is_unavailable(OperationalError("SELECT 1", None, OSError("connection refused")))

    @pytest.mark.parametrize("cause", [Exception("no such column"), InsufficientPrivilege()])
    def test_programming_error_is_not_unavailable(self, cause: Exception) -> None:
        assert not is_unavailable(ProgrammingError("SELECT 1", None, cause))
