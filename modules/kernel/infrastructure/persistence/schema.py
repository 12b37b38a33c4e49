"""How a module declares its part of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, select
from sqlalchemy.types import TypeDecorator

from modules.kernel.infrastructure.persistence.database import Database

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

# SQLite gives rowids to a column of type INTEGER only. Tables that use this as their key also set
# `sqlite_autoincrement`: without it SQLite gives the id of a deleted row to the next one, and other
# modules (and tokens) remember ids.
Identifier = BigInteger().with_variant(Integer, "sqlite")


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one module, and the folder of Alembic revisions that make them."""

    metadata: MetaData
    migrations: Path
    unmapped: Sequence[str] = ()
    """Tables that revisions make and no model describes, because only one engine has such.

    Those that an engine makes for them, under their name and an underscore, are meant too.
    """


def module_metadata() -> MetaData:
    """Return an empty MetaData that names every constraint, so that errors can be told apart."""
    return MetaData(naming_convention=NAMING)


async def first_non_empty_table(database: Database, metadata: MetaData) -> str | None:
    """Return the name of one of these tables that has a row, or None when all are empty."""
    async with database.snapshot() as session:
        for table in metadata.sorted_tables:
            if (await session.execute(select(1).select_from(table).limit(1))).first():
                return table.name
    return None


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; aware in Python on every engine. SQLite itself stores no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment as the engine stores it."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored moment, aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)
