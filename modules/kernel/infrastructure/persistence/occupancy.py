"""Whether there is anything in a database."""

from sqlalchemy import MetaData, select

from modules.kernel.infrastructure.persistence.database import Database


async def occupied_table(database: Database, metadata: MetaData) -> str | None:
    """Return the name of one of these tables that has a row, or None when all are empty."""
    async with database.snapshot() as session:
        for table in metadata.sorted_tables:
            if (await session.execute(select(1).select_from(table).limit(1))).first():
                return table.name
    return None
