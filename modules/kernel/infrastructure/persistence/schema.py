"""A module's schema: its metadata, migrations and column types."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    TableClause,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeDecorator

from modules.kernel.infrastructure.persistence.database import Database

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

# Lists repeat the newest times. The hash of a time, which is expensive, too, is computed once.
TIMES_CACHE_SIZE = 4_096

# SQLite generates ids for a column of type INTEGER only. Tables with this primary key also set
# `sqlite_autoincrement`: without it SQLite reuses the ids of deleted rows, which other modules and
# tokens may still refer to.
Identifier = BigInteger().with_variant(Integer, "sqlite")


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one module, and the folder of the Alembic revisions that create them."""

    metadata: MetaData
    migrations: Path
    unmapped: Sequence[str] = ()
    """Tables that only one engine has: created by revisions, and in no metadata.

    Tables that the engine creates for them, named with their name and an underscore, are included.
    """

    unchecked: Mapping[str, str] = field(default_factory=dict)
    """Columns with an id or a number that no consistency check compares, as `table.column`, and why."""


def module_metadata() -> MetaData:
    """Return an empty MetaData that names every constraint, so that violations can be translated."""
    return MetaData(naming_convention=NAMING)


def partial_index(name: str, *columns: str, where: Mapping[str, str]) -> Index:
    """Return an index of the rows that meet the condition, by the name of the dialect.

    `Index(postgresql_where=…)` does the same, and imports the dialect: 2 MB that SQLite does not need.
    """
    return Index(name, *columns, info={"where": where})


@compiles(CreateIndex)
def _create_index(element: CreateIndex, compiler: DDLCompiler, **options: Any) -> str:
    visit: Callable[..., str] = compiler.visit_create_index
    statement = visit(element, **options)
    where: Mapping[str, str] = element.element.info.get("where", {})
    return f"{statement} WHERE {where[compiler.dialect.name]}" if where else statement


@contextmanager
def keeping_ids_unused(connection: Connection, table: str) -> Iterator[None]:
    """Prevent the ids of deleted rows from being reused after the block rebuilt the table.

    Alembic's batch mode copies a table on SQLite, which then generates ids from the largest one there is.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    # https://sqlite.org/autoinc.html: the table may be changed by ordinary statements.
    last_id = connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :table"), {"table": table})
    yield
    if last_id is not None:
        values = {"table": table, "last_id": last_id}
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), values)
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last_id)"), values)


async def first_non_empty_table(database: Database, metadata: MetaData) -> str | None:
    """Return the name of the first of these tables that has a row, or None if all are empty."""
    async with database.snapshot() as session:
        for table in metadata.sorted_tables:
            if (await session.execute(select(1).select_from(table).limit(1))).first():
                return table.name
    return None


async def count_rows(database: Database) -> int:
    """Return the number of rows in all tables of the database, for tests."""
    async with database.connection() as connection:
        names = await connection.run_sync(lambda connection: inspect(connection).get_table_names())
        counts = [
            await connection.scalar(select(func.count()).select_from(TableClause(name))) for name in names
        ]
    return sum(count or 0 for count in counts)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, timezone-aware in Python on both engines. SQLite stores no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """Return the conversion to SQLite's text in SQLAlchemy's format; the driver of PostgreSQL has one."""
        return _to_text if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, _coltype: object) -> Callable[[Any], datetime | None]:
        """Return the conversion of what is stored to a moment in UTC."""
        return _from_text if dialect.name == "sqlite" else _in_utc


def _to_text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


@lru_cache(TIMES_CACHE_SIZE)
def _from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
