"""The table of the outbox: events that are told after the commit."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from modules.kernel.infrastructure.declarative_base import Base
from modules.kernel.infrastructure.persistence.schema import Identifier, UtcDateTime


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

    claimed_by: Mapped[str | None]
    attempts: Mapped[int]
    last_error: Mapped[str | None]
