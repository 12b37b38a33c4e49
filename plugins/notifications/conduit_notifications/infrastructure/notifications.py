"""Notifications in the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, delete, func, or_, select, update

from conduit_notifications.domain.notifications import (
    Kind,
    Notification,
    NotificationId,
    NotificationNotFound,
    Trigger,
)
from conduit_notifications.infrastructure.tables import InboxRow, NotificationRow
from modules.articles.contracts import ArticleId
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import (
    Columns,
    insert_or_ignore,
    upsert,
)

NOTIFICATIONS_TOPIC = "notifications"
"""The topic of the signal that somebody has got a notification."""


class SqlNotifications:
    """Stores notifications in `notifications_notification` and counters in `notifications_counter`."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals

    async def add(self, recipient: UserId, occasion: Trigger, at: datetime) -> None:
        """Keep a notification, unless there was one of this occasion; let streams know."""
        row = {
            "recipient_id": recipient,
            "number": await self._next_number(recipient),
            "kind": occasion.kind.value,
            "article_id": occasion.article,
            "subject_id": occasion.subject,
            "actor_id": occasion.actor,
            "created_at": at,
            "is_read": False,
        }
        async with self._database.transaction() as session:
            await session.execute(insert_or_ignore(session, NotificationRow), row)
            await self._signals.send(NOTIFICATIONS_TOPIC)

    async def newest(self, recipient: UserId, page: PageRequest) -> Sequence[Notification]:
        """Return a page of what a recipient has, the newest first."""
        statement = _of(recipient).order_by(NotificationRow.number.desc())
        return await self._found(statement.limit(page.limit).offset(page.offset))

    async def count(self, recipient: UserId) -> tuple[int, int]:
        """Return how many notifications a recipient has, and how many of them are not read."""
        unread = func.count().filter(NotificationRow.is_read.is_(False))
        statement = select(func.count(), unread).where(NotificationRow.recipient_id == recipient)
        async with self._database.snapshot() as session:
            return (await session.execute(statement)).one()

    async def after(self, recipient: UserId, last: NotificationId, limit: int) -> Sequence[Notification]:
        """Return what a recipient has got after this one, the oldest first."""
        newer = _of(recipient).where(NotificationRow.number > last)
        return await self._found(newer.order_by(NotificationRow.number).limit(limit))

    async def latest(self, recipients: Collection[UserId]) -> Mapping[UserId, NotificationId]:
        """Return the latest id of each recipient who ever got one."""
        statement = select(InboxRow.recipient_id, InboxRow.latest).where(
            InboxRow.recipient_id.in_(recipients)
        )
        async with self._database.snapshot() as session:
            found = await session.execute(statement)
            return {UserId(recipient): NotificationId(latest) for recipient, latest in found}

    async def mark_read(self, recipient: UserId, notification: NotificationId) -> Notification:
        """Mark a notification as read and return it; raise `NotificationNotFound`."""
        one = (NotificationRow.recipient_id == recipient, NotificationRow.number == notification)
        async with self._database.transaction() as session:
            await session.execute(update(NotificationRow).where(*one).values(is_read=True))
        found = await self._found(select(NotificationRow).where(*one))
        if not found:
            raise NotificationNotFound
        return found[0]

    async def mark_all_read(self, recipient: UserId) -> None:
        """Mark all that a recipient has as read."""
        unread = (NotificationRow.recipient_id == recipient, NotificationRow.is_read.is_(False))
        async with self._database.transaction() as session:
            await session.execute(update(NotificationRow).where(*unread).values(is_read=True))

    async def delete_by_article(self, article: ArticleId) -> None:
        """Forget what happened to an article."""
        async with self._database.transaction() as session:
            await session.execute(delete(NotificationRow).where(NotificationRow.article_id == article))

    async def delete_by_user(self, user: UserId) -> None:
        """Forget what a user got, and what they did."""
        theirs = or_(NotificationRow.recipient_id == user, NotificationRow.actor_id == user)
        async with self._database.transaction() as session:
            await session.execute(delete(NotificationRow).where(theirs))
            await session.execute(delete(InboxRow).where(InboxRow.recipient_id == user))

    async def _next_number(self, recipient: UserId) -> int:
        row = {"recipient_id": recipient, "latest": 1}
        async with self._database.transaction() as session:
            counted = upsert(session, InboxRow, _one_more).returning(InboxRow.latest)
            return (await session.scalars(counted, row)).one()

    async def _found(self, statement: Select[NotificationRow]) -> Sequence[Notification]:
        async with self._database.snapshot() as session:
            return [_notification(row) for row in await session.scalars(statement)]


def _one_more(there: Columns, _new: Columns) -> Mapping[str, object]:
    return {"latest": there.latest + 1}


def _of(recipient: UserId) -> Select[NotificationRow]:
    return select(NotificationRow).where(NotificationRow.recipient_id == recipient)


def _notification(row: NotificationRow) -> Notification:
    return Notification(
        NotificationId(row.number),
        Trigger(Kind(row.kind), ArticleId(row.article_id), row.subject_id, UserId(row.actor_id)),
        row.created_at,
        row.is_read,
    )
