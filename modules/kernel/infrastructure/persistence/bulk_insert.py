"""Bulk inserts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from sqlalchemy import Index, insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import CreateIndex, DropIndex

from modules.kernel.domain.progress import Progress
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.schema import Schema
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare

BULK_LOAD_CACHE_KIB = 256 * 1024


async def bulk_insert(
    database: Database, kind: type[DeclarativeBase], rows: Sequence[dict[str, Any]]
) -> None:
    """Insert the rows, each with a value for every column that has no default."""
    await database.execute_many(_insert(kind), rows)


@cache
def _insert(kind: type[DeclarativeBase]) -> PreparedStatement:
    return prepare(insert(kind.metadata.tables[kind.__tablename__]))


async def bulk_insert_returning_ids(
    session: AsyncSession, kind: type[DeclarativeBase], rows: Sequence[dict[str, Any]]
) -> Sequence[int]:
    """Insert rows as `bulk_insert` does, and return their generated ids in the order of the rows."""
    if not rows:
        return []
    table = kind.metadata.tables[kind.__tablename__]
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return (await session.scalars(statement, rows)).all()


@asynccontextmanager
async def bulk_load(database: Database, schemas: Sequence[Schema], progress: Progress) -> AsyncIterator[None]:
    """Drop the tables' indexes inside the block and create them at its end, for loading millions of rows.

    Rows arrive in the order of one index and at random for the others, whose pages would be rewritten
    again and again: 56 GB of writes for a million articles with favorites, a database of 3 GB. Keys and
    unique constraints stay. Nothing else should use the database meanwhile.
    """
    indexes = [index for schema in schemas for index in _indexes(schema)]
    async with database.transaction() as session:
        await prepare_bulk_load(session)
        for index in indexes:
            await session.execute(DropIndex(index))
    try:
        yield
    finally:
        progress.begin("indexes", len(indexes))
        async with database.transaction() as session:
            await prepare_bulk_load(session)
            for index in indexes:
                await session.execute(CreateIndex(index))
                progress.advance(1)


async def prepare_bulk_load(session: AsyncSession) -> None:
    """Raise SQLite's cache size, or lift PostgreSQL's statement timeout, for a bulk load."""
    if session.get_bind().dialect.name == "sqlite":
        # In effect until the connection closes. SQLite's default of 2 MB is too small for the keys.
        await session.execute(text(f"PRAGMA cache_size = -{BULK_LOAD_CACHE_KIB}"))
    else:
        await session.execute(text("SET LOCAL statement_timeout = 0"))


def _indexes(schema: Schema) -> Sequence[Index]:
    indexes = (index for table in schema.metadata.sorted_tables for index in table.indexes)
    return sorted((index for index in indexes if not index.unique), key=lambda index: str(index.name))
