"""Notifications in the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, tuple_, update

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
from modules.kernel.infrastructure.persistence.pagination import LIMIT, OFFSET
from modules.kernel.infrastructure.persistence.statements import prepare

BATCH_SIZE = 1_000
"""The number of old notifications that one transaction deletes."""

NOTIFICATIONS_TOPIC = "notifications"
"""The topic of the signal that there is a new notification."""

notifications = NotificationRow.metadata.tables[NotificationRow.__tablename__]
counters = CounterRow.metadata.tables[CounterRow.__tablename__]

BY_RECIPIENT = notifications.c.recipient_id == bindparam("recipient")
IS_UNREAD = notifications.c.is_read.is_(False)
IS_NOTIFICATION = (BY_RECIPIENT, notifications.c.number == bindparam("notification"))
NEWEST = prepare(
    select(notifications)
    .where(BY_RECIPIENT)
    .order_by(notifications.c.number.desc())
    .limit(LIMIT)
    .offset(OFFSET)
)
COUNTS = prepare(select(func.count(), func.count().filter(IS_UNREAD)).where(BY_RECIPIENT))
AFTER = prepare(
    select(notifications)
    .where(BY_RECIPIENT, notifications.c.number > bindparam("last"))
    .order_by(notifications.c.number)
    .limit(LIMIT)
)
LATEST = prepare(
    select(counters.c.recipient_id, counters.c.latest).where(in_ids(counters.c.recipient_id, "recipients"))
)
MARK_READ = prepare(
    update(notifications).where(*IS_NOTIFICATION).values(is_read=True).returning(*notifications.c)
)
MARK_ALL_READ = prepare(update(notifications).where(BY_RECIPIENT, IS_UNREAD).values(is_read=True))
DELETE_BY_ARTICLES = prepare(delete(notifications).where(in_ids(notifications.c.article_id, "article_ids")))
OLDEST = (
    select(notifications.c.recipient_id, notifications.c.number)
    .where(notifications.c.created_at < bindparam("before"))
    .order_by(notifications.c.created_at)
    .limit(BATCH_SIZE)
)
DELETE_OLDEST = prepare(
    delete(notifications)
    .where(tuple_(notifications.c.recipient_id, notifications.c.number).in_(OLDEST))
    .returning(notifications.c.number)
)
DELETE_BY_USER = (
    prepare(
        delete(notifications).where(or_(BY_RECIPIENT, notifications.c.actor_id == bindparam("recipient")))
    ),
    prepare(delete(counters).where(counters.c.recipient_id == bindparam("recipient"))),
)


class SqlNotifications:
    """Stores notifications in `notifications_notification` and counters in `notifications_counter`."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals

    async def add(self, recipient_id: UserId, trigger: Trigger, at: datetime) -> None:
        async with self._database.transaction():
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
            await self._database.execute(insert_or_ignore(self._database.dialect, NotificationRow), row)
            await self._signals.send(NOTIFICATIONS_TOPIC)

    async def newest(self, recipient_id: UserId, page: PageRequest) -> Sequence[Notification]:
        parameters = {"recipient": recipient_id, "rows": page.limit, "offset": page.offset}
        return [_notification(row) for row in await self._database.fetch_all(NEWEST, parameters)]

    async def count(self, recipient_id: UserId) -> tuple[int, int]:
        [(count, unread)] = await self._database.fetch_all(COUNTS, {"recipient": recipient_id})
        return count, unread

    async def after(self, recipient_id: UserId, last: NotificationId, limit: int) -> Sequence[Notification]:
        parameters = {"recipient": recipient_id, "last": last, "rows": limit}
        return [_notification(row) for row in await self._database.fetch_all(AFTER, parameters)]

    async def latest(self, recipients: Collection[UserId]) -> Mapping[UserId, NotificationId]:
        return dict(await self._database.fetch_all(LATEST, {"recipients": recipients}))

    async def mark_read(self, recipient_id: UserId, notification_id: NotificationId) -> Notification:
        parameters = {"recipient": recipient_id, "notification": notification_id}
        row = await self._database.fetch_one(MARK_READ, parameters)
        if row is None:
            raise NotificationNotFound
        return _notification(row)

    async def mark_all_read(self, recipient_id: UserId) -> None:
        await self._database.execute(MARK_ALL_READ, {"recipient": recipient_id})

    async def delete_by_articles(self, article_ids: Collection[ArticleId]) -> None:
        await self._database.execute(DELETE_BY_ARTICLES, {"article_ids": article_ids})

    async def delete_by_user(self, user_id: UserId) -> None:
        for statement in DELETE_BY_USER:
            await self._database.execute(statement, {"recipient": user_id})

    async def delete_before(self, moment: datetime) -> bool:
        deleted = await self._database.fetch_values(DELETE_OLDEST, {"before": moment})
        return len(deleted) == BATCH_SIZE

    async def _next_number(self, recipient_id: UserId) -> int:
        row = {"recipient_id": recipient_id, "latest": 1}
        statement = upsert(self._database.dialect, CounterRow, _increment, returning="latest")
        number: int = await self._database.fetch_value(statement, row)
        return number


def _increment(old: Columns, _new: Columns) -> Mapping[str, object]:
    return {"latest": old.latest + 1}


def _notification(row: Any) -> Notification:
    return Notification(
        NotificationId(row.number),
        Trigger(Kind(row.kind), ArticleId(row.article_id), row.subject_id, UserId(row.actor_id)),
        row.created_at,
        row.is_read,
    )
