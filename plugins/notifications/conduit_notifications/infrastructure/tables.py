"""The tables of notifications."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Schema, UtcDateTime, module_metadata


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


class CounterRow(Base):
    """The number of a recipient's latest notification.

    Adding a notification increments it, which locks the row until the commit. So notifications become
    visible in the order of their numbers, and a stream that has sent one has sent all before it.
    """

    __tablename__ = "notifications_counter"

    recipient_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    latest: Mapped[int] = mapped_column(BigInteger)


class NotificationRow(Base):
    """A notification of one recipient."""

    __tablename__ = "notifications_notification"
    __table_args__ = (
        # One per trigger. Begins with the article, so that deleting by article is indexed.
        UniqueConstraint(
            "article_id",
            "kind",
            "subject_id",
            "actor_id",
            # Shorter than the convention's name: PostgreSQL allows 63 characters.
            name="uq_notifications_notification_occasion",
        ),
        # For counting the unread ones among many that are read.
        Index(None, "recipient_id", "is_read"),
        Index(None, "actor_id"),
        # For deleting the old ones.
        Index(None, "created_at"),
    )

    recipient_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    article_id: Mapped[int] = mapped_column(BigInteger)
    subject_id: Mapped[int] = mapped_column(BigInteger)
    actor_id: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_read: Mapped[bool] = mapped_column(default=False)


SCHEMA = Schema(
    Base.metadata,
    Path(__file__).parent / "migrations",
    unchecked={"notifications_notification.subject_id": "the notification of a deleted comment stays"},
)
