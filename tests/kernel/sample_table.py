"""A sample table with every kind of constraint."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.schema import module_metadata

ResultT = TypeVar("ResultT")


class Base(DeclarativeBase):
    metadata = module_metadata()


class Thing(Base):
    __tablename__ = "things_thing"
    __table_args__ = (
        UniqueConstraint("name"),
        UniqueConstraint("shelf", "place"),
        CheckConstraint("number >= 0", name="number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    number: Mapped[int] = mapped_column(default=0)
    shelf: Mapped[str | None]
    place: Mapped[str | None]
    part_of: Mapped[int | None] = mapped_column(ForeignKey("things_thing.id"))


async def create_sample_database(url: str) -> Database:
    """Return a database with an empty table of things."""
    database = Database(url)
    async with database.migration_connection() as connection:
        await connection.run_sync(Base.metadata.create_all)
    return database


async def names(database: Database) -> list[str]:
    """Return the names of all things."""
    async with database.snapshot() as session:
        return list(await session.scalars(select(Thing.name).order_by(Thing.id)))


async def in_another_request(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Return the result of the work, run in a task outside of this one's unit of work."""
    return await asyncio.create_task(work, context=Context())
