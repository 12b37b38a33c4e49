"""Many rows at once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from modules.kernel.infrastructure.database import Database

CACHE_KIB = 256 * 1024


async def bulk_insert(
    session: AsyncSession, kind: type[DeclarativeBase], rows: Sequence[dict[str, Any]]
) -> None:
    """Insert the rows, each with a value for every column that has no default, or none of them.

    Straight into the table: the ORM's bookkeeping costs three times as much per row as SQLite.
    """
    if rows:
        await session.execute(insert(kind.metadata.tables[kind.__tablename__]), rows)


async def expect_many_rows(database: Database) -> None:
    """Give SQLite's writer 256 MiB for its work, until the database is disposed of.

    Rows come in an order that is right for one index and random for the others. With 2 MB, which is
    what SQLite takes, it writes the pages of these again for every few rows: 56 GB for a million
    articles with their favourites, which end up in 3.
    """
    async with database.transaction() as session:
        if session.get_bind().dialect.name == "sqlite":
            await session.execute(text(f"PRAGMA cache_size = -{CACHE_KIB}"))
