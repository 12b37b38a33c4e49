"""The table of the outbox."""

from datetime import datetime
from enum import Enum

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from modules.kernel.infrastructure.declarative_base import Base
from modules.kernel.infrastructure.persistence.schema import Identifier, UtcDateTime


class Failure(Enum):
    """How an attempt to deliver an event failed."""

    FAILED = "failed"
    """The handler raised an exception, or exceeded its time limit."""

    ABANDONED = "abandoned"
    """The worker was lost: it crashed, or was killed, and its lease expired."""

    INCOMPATIBLE = "incompatible"
    """This release cannot read the payload."""


class DeliveryRow(Base):
    """One event on its way to one subscriber; deleted by the transaction that handles it."""

    __tablename__ = "kernel_delivery"
    __table_args__ = (
        Index(None, "subscriber", "event", "due_at", "id"),
        Index(None, "subscriber", "aggregate", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    subscriber: Mapped[str]
    event: Mapped[str]
    """The stored name of the event, see `stored_name`."""

    aggregate: Mapped[str]
    payload: Mapped[str]
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it may be claimed; of a claimed delivery, when its lease expires; NULL if it is dead."""

    claimed_by: Mapped[str | None]
    attempts: Mapped[int]
    failure: Mapped[str | None]
    """How the last attempt ended, a `Failure`; NULL without one."""

    last_error: Mapped[str | None]
