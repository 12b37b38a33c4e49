"""The tables of notifications."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Schema, UtcDateTime, module_metadata


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


class InboxRow(Base):
    """The latest number in a recipient's inbox.

    Whoever adds to an inbox takes the next number, which locks the row until the commit: so
    notifications are seen in the order of their numbers, and a stream that has seen one has seen all
    before it.
    """

    __tablename__ = "notifications_counter"

    recipient_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    latest: Mapped[int] = mapped_column(BigInteger)


class NotificationRow(Base):
    """A recipient is notified of what somebody did with an article."""

    __tablename__ = "notifications_notification"
    __table_args__ = (
        # Once of each occasion. Begins with the article, which may be deleted.
        UniqueConstraint(
            "article_id",
            "kind",
            "subject_id",
            "actor_id",
            # Shorter than by the convention: PostgreSQL has room for 63 characters.
            name="uq_notifications_notification_occasion",
        ),
        # For the number of those that are not read; there may be many that are.
        Index(None, "recipient_id", "is_read"),
        Index(None, "actor_id"),
    )

    recipient_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    article_id: Mapped[int] = mapped_column(BigInteger)
    subject_id: Mapped[int] = mapped_column(BigInteger)
    actor_id: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_read: Mapped[bool] = mapped_column(default=False)


SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations")
