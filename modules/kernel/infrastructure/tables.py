"""The tables of the kernel: events that are told after the commit, and requests that may be sent again."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Identifier, Schema, UtcDateTime, module_metadata


class Base(DeclarativeBase):
    """The declarative base of the kernel."""

    metadata = module_metadata()


class DeliveryRow(Base):
    """One event on its way to one subscriber. It is deleted by the transaction that handles it."""

    __tablename__ = "kernel_delivery"
    __table_args__ = (
        Index(None, "due_at", "id"),
        Index(None, "subscriber", "aggregate", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    subscriber: Mapped[str]
    event: Mapped[str]
    aggregate: Mapped[str]
    payload: Mapped[str]
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it may be taken up: from then on, or, while somebody holds it, if they do not finish by then.

    NULL is never again: it is dead.
    """

    held_by: Mapped[str | None]
    attempts: Mapped[int]
    error: Mapped[str | None]


class KeyedRequestRow(Base):
    """A request that was sent with a key, and what was answered, written by the transaction that did it."""

    __tablename__ = "kernel_keyed_request"

    caller: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """A user's id, or 0 for nobody."""

    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    """Tells the request from another one that has the same key."""

    answer: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations")
