"""Notifications in the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import FromClause, Select, delete, func, or_, select, update

from conduit_notifications.domain.notifications import (
    Kind,
    Notification,
    NotificationId,
    NotificationNotFound,
    Trigger,
)
from conduit_notifications.infrastructure.tables import CounterRow, NotificationRow
from modules.articles.contracts import ArticleId
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import (
    Columns,
    in_ids,
    insert_or_ignore,
    upsert,
)

NOTIFICATIONS_TOPIC = "notifications"
"""The topic of the signal that there is a new notification."""

notifications: FromClause = NotificationRow.__table__


class SqlNotifications:
    """Stores notifications in `notifications_notification` and counters in `notifications_counter`."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals

    async def add(self, recipient_id: UserId, trigger: Trigger, at: datetime) -> None:
        row = {
            "recipient_id": recipient_id,
            "number": await self._next_number(recipient_id),
            "kind": trigger.kind.value,
            "article_id": trigger.article_id,
            "subject_id": trigger.subject_id,
            "actor_id": trigger.actor_id,
            "created_at": at,
            "is_read": False,
        }
        async with self._database.transaction() as session:
            await session.execute(insert_or_ignore(session, NotificationRow), row)
            await self._signals.send(NOTIFICATIONS_TOPIC)

    async def newest(self, recipient_id: UserId, page: PageRequest) -> Sequence[Notification]:
        statement = _by_recipient(recipient_id).order_by(NotificationRow.number.desc())
        return await self._fetch(statement.limit(page.limit).offset(page.offset))

    async def count(self, recipient_id: UserId) -> tuple[int, int]:
        unread = func.count().filter(NotificationRow.is_read.is_(False))
        statement = select(func.count(), unread).where(NotificationRow.recipient_id == recipient_id)
        async with self._database.snapshot() as session:
            return (await session.execute(statement)).one()

    async def after(self, recipient_id: UserId, last: NotificationId, limit: int) -> Sequence[Notification]:
        newer = _by_recipient(recipient_id).where(NotificationRow.number > last)
        return await self._fetch(newer.order_by(NotificationRow.number).limit(limit))

    async def latest(self, recipients: Collection[UserId]) -> Mapping[UserId, NotificationId]:
        statement = select(CounterRow.recipient_id, CounterRow.latest).where(
            CounterRow.recipient_id.in_(recipients)
        )
        async with self._database.snapshot() as session:
            rows = await session.execute(statement)
            return {UserId(recipient_id): NotificationId(latest) for recipient_id, latest in rows}

    async def mark_read(self, recipient_id: UserId, notification_id: NotificationId) -> Notification:
        condition = (NotificationRow.recipient_id == recipient_id, NotificationRow.number == notification_id)
        async with self._database.transaction() as session:
            await session.execute(update(NotificationRow).where(*condition).values(is_read=True))
        notifications = await self._fetch(select(NotificationRow).where(*condition))
        if not notifications:
            raise NotificationNotFound
        return notifications[0]

    async def mark_all_read(self, recipient_id: UserId) -> None:
        unread = (NotificationRow.recipient_id == recipient_id, NotificationRow.is_read.is_(False))
        async with self._database.transaction() as session:
            await session.execute(update(NotificationRow).where(*unread).values(is_read=True))

    async def delete_by_articles(self, article_ids: Collection[ArticleId]) -> None:
        statement = delete(NotificationRow).where(in_ids(notifications.c.article_id, "article_ids"))
        async with self._database.transaction() as session:
            await session.execute(statement, {"article_ids": article_ids})

    async def delete_by_user(self, user_id: UserId) -> None:
        involved = or_(NotificationRow.recipient_id == user_id, NotificationRow.actor_id == user_id)
        async with self._database.transaction() as session:
            await session.execute(delete(NotificationRow).where(involved))
            await session.execute(delete(CounterRow).where(CounterRow.recipient_id == user_id))

    async def _next_number(self, recipient_id: UserId) -> int:
        row = {"recipient_id": recipient_id, "latest": 1}
        async with self._database.transaction() as session:
            statement = upsert(session, CounterRow, _increment).returning(CounterRow.latest)
            return (await session.scalars(statement, row)).one()

    async def _fetch(self, statement: Select[NotificationRow]) -> Sequence[Notification]:
        async with self._database.snapshot() as session:
            return [_notification(row) for row in await session.scalars(statement)]


def _increment(old: Columns, _new: Columns) -> Mapping[str, object]:
    return {"latest": old.latest + 1}


def _by_recipient(recipient_id: UserId) -> Select[NotificationRow]:
    return select(NotificationRow).where(NotificationRow.recipient_id == recipient_id)


def _notification(row: NotificationRow) -> Notification:
    return Notification(
        NotificationId(row.number),
        Trigger(Kind(row.kind), ArticleId(row.article_id), row.subject_id, UserId(row.actor_id)),
        row.created_at,
        row.is_read,
    )
