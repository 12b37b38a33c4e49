"""Statements that are compiled once and run on the driver's connection."""

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import JSON, Double, bindparam, column, delete, insert, literal, select, table, update
from sqlalchemy.exc import MultipleResultsFound

from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, in_texts
from modules.kernel.infrastructure.persistence.schema import UtcDateTime
from modules.kernel.infrastructure.persistence.statements import prepare
from tests.kernel.sample_table import Thing, in_another_request

things = Thing.metadata.tables[Thing.__tablename__]
INSERT = prepare(insert(things))
INSERT_RETURNING = prepare(insert(things).returning(things.c.id, things.c.name))
NUMBER = prepare(select(things.c.number).where(things.c.name == bindparam("name")))
NUMBER_FOR_UPDATE = prepare(
    select(things.c.number).where(things.c.name == bindparam("name")).with_for_update()
)
ADD = prepare(update(things).values(number=things.c.number + bindparam("more")))
DELETE_ALL = prepare(delete(things))
ALL = prepare(select(things.c.name, things.c.number).order_by(things.c.name))


async def add(database: Database, *names: str) -> None:
    await database.execute_many(INSERT, [{"name": name, "number": 3} for name in names])


async def number_of(database: Database, name: str) -> int | None:
    number: int | None = await database.fetch_value(NUMBER, {"name": name})
    return number


class TestWithoutUnitOfWork:
    async def test_select_reads_what_is_committed(self, database: Database) -> None:
        assert await number_of(database, "lamp") is None
        await add(database, "lamp")
        assert await number_of(database, "lamp") == 3

    async def test_other_statements_are_transactions(self, database: Database) -> None:
        await add(database, "lamp", "table")
        assert await database.fetch_value(NUMBER_FOR_UPDATE, {"name": "lamp"}) == 3
        await database.execute(ADD, {"more": 2})
        assert await database.fetch_all(ALL) == [("lamp", 5), ("table", 5)]
        await database.execute(DELETE_ALL)
        assert await database.fetch_all(ALL) == []

    async def test_value_committed_by_another_process_is_returned(
        self, sqlite_database: Database, tmp_path: Path
    ) -> None:
        await add(sqlite_database, "lamp")
        assert await number_of(sqlite_database, "lamp") == 3
        with closing(sqlite3.connect(tmp_path / "things.db")) as other, other:
            other.execute("UPDATE things_thing SET number = 4")
        assert await number_of(sqlite_database, "lamp") == 4

    async def test_damaged_file_is_unavailable(self, tmp_path: Path) -> None:
        file = tmp_path / "things.db"
        file.write_bytes(b"This is no database. " * 1_000)
        database = Database(f"sqlite+aiosqlite:///{file}")
        with pytest.raises(DatabaseUnavailable):
            await number_of(database, "lamp")
        await database.dispose()


class TestInUnitOfWork:
    async def test_uncommitted_value_is_returned_in_its_transaction_only(
        self, persistent_database: Database
    ) -> None:
        async with persistent_database.transaction():
            await add(persistent_database, "lamp")
            assert await number_of(persistent_database, "lamp") == 3
            assert await in_another_request(number_of(persistent_database, "lamp")) is None

    async def test_statements_of_session_and_prepared_ones_share_the_transaction(
        self, database: Database
    ) -> None:
        with suppress(ZeroDivisionError):
            async with database.transaction() as session:
                session.add(Thing(name="lamp", number=3))
                # Not flushed yet.
                assert await number_of(database, "lamp") == 3
                await database.execute(ADD, {"more": 2})
                assert await session.scalar(select(Thing.number)) == 5
                raise ZeroDivisionError
        assert await number_of(database, "lamp") is None

    async def test_snapshot_cannot_write(self, database: Database) -> None:
        async with database.snapshot():
            with pytest.raises(RuntimeError, match="cannot write"):
                await database.execute(DELETE_ALL)


async def test_statement_is_prepared_once_on_postgresql(postgresql_database: Database) -> None:
    prepared = prepare(select(column("statement")).select_from(table("pg_prepared_statements")))
    for _ in range(6):
        async with postgresql_database.snapshot():
            await number_of(postgresql_database, "lamp")
    async with postgresql_database.snapshot():
        statements = await postgresql_database.fetch_values(prepared)
    # What begins a transaction is, too.
    assert len(statements) == 4
    assert len(set(statements)) == 4


class TestRows:
    async def test_rows_have_the_names_of_columns(self, database: Database) -> None:
        row = await database.fetch_one(INSERT_RETURNING, {"name": "lamp", "number": 1})
        assert row is not None
        assert (row.id, row.name) == (1, "lamp") == row

    async def test_several_rows_are_no_single_row(self, database: Database) -> None:
        await add(database, "lamp", "table")
        with pytest.raises(MultipleResultsFound):
            await database.fetch_one(ALL)

    async def test_insert_sets_the_given_columns(self, database: Database) -> None:
        await database.execute(INSERT, {"name": "lamp", "number": 1})
        await database.execute(INSERT, {"name": "table", "number": 1, "shelf": "top"})
        statement = prepare(select(things.c.shelf).order_by(things.c.name))
        assert await database.fetch_values(statement) == [None, "top"]

    async def test_values_are_converted_as_by_sqlalchemy(self, database: Database) -> None:
        moment = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone(timedelta(hours=1)))
        constant = datetime(1970, 1, 1, tzinfo=UTC)
        statement = prepare(
            select(
                bindparam("moment", type_=UtcDateTime()).label("moment"),
                bindparam("missing", type_=UtcDateTime()).label("missing"),
                bindparam("texts", type_=JSON).label("texts"),
                bindparam("seconds", type_=Double).label("seconds"),
                literal(constant, UtcDateTime()).label("constant"),
                (bindparam("moment", type_=UtcDateTime()) > constant).label("later"),
            )
        )
        row = await database.fetch_one(
            statement, {"moment": moment, "missing": None, "texts": ["a", "ü"], "seconds": 0.1}
        )
        assert row is not None
        assert row == (moment, None, ["a", "ü"], 0.1, constant, True)
        assert row.moment.tzinfo is UTC
        assert row.later is True

    async def test_ids_and_texts_are_bound_as_one_value(self, database: Database) -> None:
        await add(database, "lamp", "table", "chair")
        by_id = prepare(select(things.c.name).where(in_ids(things.c.id, "ids")).order_by(things.c.id))
        assert await database.fetch_values(by_id, {"ids": {1, 3, 9}}) == ["lamp", "chair"]
        assert await database.fetch_values(by_id, {"ids": []}) == []
        by_name = prepare(select(things.c.id).where(in_texts(things.c.name, "names")).order_by(things.c.id))
        assert await database.fetch_values(by_name, {"names": ["chair", 'quo"te', "lamp"]}) == [1, 3]


def test_expanding_parameter_is_rejected(sqlite_database: Database) -> None:
    statement = prepare(select(things.c.id).where(things.c.id.in_(bindparam("ids", expanding=True))))
    with pytest.raises(TypeError, match="cannot be compiled once"):
        statement.compiled(sqlite_database.engines[0].dialect, {"ids": [1]})
