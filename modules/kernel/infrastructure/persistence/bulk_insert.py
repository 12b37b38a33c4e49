"""Many rows at once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Index, insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import CreateIndex, DropIndex

from modules.kernel.domain.progress import Progress
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.schema import Schema

BULK_LOAD_CACHE_KIB = 256 * 1024


async def bulk_insert(
    session: AsyncSession, kind: type[DeclarativeBase], rows: Sequence[dict[str, Any]]
) -> None:
    """Insert the rows, each with a value for every column that has no default, or none of them.

    Straight into the table: the ORM's bookkeeping costs three times as much per row as SQLite.
    """
    if rows:
        await session.execute(insert(kind.metadata.tables[kind.__tablename__]), rows)


async def bulk_insert_returning_ids(
    session: AsyncSession, kind: type[DeclarativeBase], rows: Sequence[dict[str, Any]]
) -> Sequence[int]:
    """Insert rows as `bulk_insert` does, and return the ids that the database gave them, in their order."""
    if not rows:
        return []
    table = kind.metadata.tables[kind.__tablename__]
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return (await session.scalars(statement, rows)).all()


@asynccontextmanager
async def bulk_load(database: Database, schemas: Sequence[Schema], progress: Progress) -> AsyncIterator[None]:
    """Make loading millions of rows into these tables faster: their indexes are made when all are there.

    Rows come in an order that is right for one index and random for the others, whose pages are then
    written over and over: 56 GB for a million articles with their favorites, which end up in 3. Keys
    and unique constraints hold all the while. Nothing else should use the database meanwhile.
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
    """Make room, or time, for many rows and the indexes that are made of them."""
    if session.get_bind().dialect.name == "sqlite":
        # Until the database is disposed of. SQLite's own 2 MB are too few for the keys.
        await session.execute(text(f"PRAGMA cache_size = -{BULK_LOAD_CACHE_KIB}"))
    else:
        await session.execute(text("SET LOCAL statement_timeout = 0"))


def _indexes(schema: Schema) -> Sequence[Index]:
    every = (index for table in schema.metadata.sorted_tables for index in table.indexes)
    return sorted((index for index in every if not index.unique), key=lambda index: str(index.name))
