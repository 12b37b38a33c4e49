"""Notifications: what triggers one, who receives it, and the use cases of its recipient."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import Enum
from typing import NewType, Protocol, Self

from modules.articles.contracts import (
    ArticleDirectory,
    ArticleFavorited,
    ArticleId,
    ArticlePreview,
    ArticlesDeleted,
)
from modules.comments.contracts import CommentAdded
from modules.kernel.domain.clock import Clock, to_iso
from modules.kernel.domain.errors import NotFound, Unavailable
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.kernel.domain.views import view_class
from modules.profiles.contracts import Profile, ProfileReader
from modules.users.contracts import UserDeleted, UserDirectory

NotificationId = NewType("NotificationId", int)
"""Numbers the notifications of one recipient in the order of their commits; 0 means none."""


class NotificationNotFound(NotFound):
    """The reader has no notification with this id."""

    subject = "notification"


class TooManyStreams(Unavailable):
    """The process, or the reader in it, has reached its limit of open streams."""

    subject, problem = "stream", "too many open streams, try again later"


class Kind(Enum):
    """The kind of a trigger."""

    COMMENT = "comment"
    FAVORITE = "favorite"


@view_class
class Trigger:
    """A comment on an article or a favorite of it. Each causes at most one notification."""

    kind: Kind
    article_id: ArticleId
    subject_id: int
    """The comment; for a favorite, the article."""

    actor_id: UserId


@view_class
class Notification:
    """A stored notification of one recipient."""

    id: NotificationId
    trigger: Trigger
    created_at: datetime
    read: bool


@view_class
class NotificationView:
    """A notification as its recipient sees it."""

    id: NotificationId
    kind: Kind
    created_at: datetime
    read: bool
    comment_id: int | None
    """The comment; None for a favorite."""

    article: ArticlePreview
    actor: Profile

    @classmethod
    def of(cls, notification: Notification, article: ArticlePreview, actor: Profile) -> Self:
        """Return the view of a notification."""
        trigger = notification.trigger
        return cls(
            notification.id,
            trigger.kind,
            notification.created_at,
            notification.read,
            trigger.subject_id if trigger.kind is Kind.COMMENT else None,
            article,
            actor,
        )


@view_class
class NotificationList:
    """One page of notifications, the total number and the number of unread ones."""

    views: Sequence[NotificationView]
    count: int
    unread: int


class NotificationRepository(Protocol):
    """Stores notifications. Those of one recipient become visible in the order of their ids."""

    async def add(self, recipient_id: UserId, trigger: Trigger, at: datetime) -> None:
        """Insert a notification, unless there is one with this trigger, and signal the streams."""
        ...

    async def newest(self, recipient_id: UserId, page: PageRequest) -> Sequence[Notification]:
        """Return a page of a recipient's notifications, newest first."""
        ...

    async def count(self, recipient_id: UserId) -> tuple[int, int]:
        """Return a recipient's total number of notifications, and of unread ones."""
        ...

    async def after(self, recipient_id: UserId, last: NotificationId, limit: int) -> Sequence[Notification]:
        """Return a recipient's notifications after `last`, oldest first."""
        ...

    async def latest(self, recipients: Collection[UserId]) -> Mapping[UserId, NotificationId]:
        """Return the latest id of each recipient who has ever been notified."""
        ...

    async def mark_read(self, recipient_id: UserId, notification_id: NotificationId) -> Notification:
        """Mark a notification as read and return it. Raises `NotificationNotFound`."""
        ...

    async def mark_all_read(self, recipient_id: UserId) -> None:
        """Mark all notifications of a recipient as read."""
        ...

    async def delete_by_articles(self, article_ids: Collection[ArticleId]) -> None:
        """Delete the notifications about these articles."""
        ...

    async def delete_before(self, moment: datetime) -> bool:
        """Delete a batch of the notifications from before then; return whether there may be more."""
        ...

    async def delete_by_user(self, user_id: UserId) -> None:
        """Delete the notifications of a user, and those that the user triggered."""
        ...


class StreamSubscription(Protocol):
    """An open stream's wait for new notifications of one reader."""

    @property
    def closed(self) -> bool:
        """Whether the stream must end, because the process is shutting down."""
        ...

    async def wait(self, limit: float) -> None:
        """Return when there may be new notifications, at shutdown, or after `limit` seconds."""
        ...


class NotificationStreams(Protocol):
    """The open streams of this process. They wait without a database connection."""

    def subscribe(self, reader: UserId) -> AbstractContextManager[StreamSubscription]:
        """Subscribe to a reader's notifications, until the context ends. Raises `TooManyStreams`."""
        ...


class NotificationService:
    """The use cases of notifications. Readers have access to their own only."""

    def __init__(  # noqa: PLR0913, PLR0917 - one per port, injected by the container
        self,
        unit_of_work: UnitOfWork,
        notifications: NotificationRepository,
        users: UserDirectory,
        articles: ArticleDirectory,
        profiles: ProfileReader,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._notifications = notifications
        self._users = users
        self._articles = articles
        self._profiles = profiles
        self._clock = clock

    async def list(self, reader: UserId, page: PageRequest) -> NotificationList:
        """Return a page of the reader's notifications, newest first."""
        async with self._unit_of_work.snapshot():
            count, unread = await self._notifications.count(reader)
            views = await self._views(await self._notifications.newest(reader, page), reader)
            return NotificationList(views, count, unread)

    async def after(
        self, reader: UserId, last: NotificationId, limit: int = 100
    ) -> tuple[Sequence[NotificationView], NotificationId]:
        """Return up to `limit` notifications after `last`, oldest first, and the last id that was read.

        Notifications whose article or actor no longer exists are skipped, but their ids count.
        """
        async with self._unit_of_work.snapshot():
            notifications = await self._notifications.after(reader, last, limit)
            latest = notifications[-1].id if notifications else last
            return await self._views(notifications, reader), latest

    async def latest(self, reader: UserId) -> NotificationId:
        """Return the id of the reader's latest notification, or 0."""
        return (await self._notifications.latest({reader})).get(reader, NotificationId(0))

    async def mark_read(self, reader: UserId, notification_id: NotificationId) -> NotificationView:
        """Mark a notification of the reader as read. Raises `NotificationNotFound`."""
        async with self._unit_of_work.transaction():
            notification = await self._notifications.mark_read(reader, notification_id)
            views = await self._views([notification], reader)
            if not views:
                raise NotificationNotFound
            return views[0]

    async def mark_all_read(self, reader: UserId) -> None:
        """Mark all notifications of the reader as read."""
        async with self._unit_of_work.transaction():
            await self._notifications.mark_all_read(reader)

    async def export_personal_data(self, user_id: UserId) -> Mapping[str, object]:
        """Return a user's notifications, oldest first."""
        return {"notifications": self._export_notifications(user_id)}

    async def _export_notifications(self, user_id: UserId) -> AsyncIterator[Mapping[str, object]]:
        before, last = None, NotificationId(0)
        while last != before:
            before = last
            views, last = await self.after(user_id, before)
            for view in views:
                yield {
                    "kind": view.kind.value,
                    "article": view.article.slug,
                    "actor": view.actor.username,
                    "createdAt": to_iso(view.created_at),
                }

    async def on_article_favorited(self, event: ArticleFavorited) -> None:
        """Notify the author of a favorite."""
        article_id = ArticleId(event.article_id)
        await self._notify(Trigger(Kind.FAVORITE, article_id, article_id, UserId(event.user_id)))

    async def on_comment_added(self, event: CommentAdded) -> None:
        """Notify the author of a comment."""
        article_id = ArticleId(event.article_id)
        await self._notify(Trigger(Kind.COMMENT, article_id, event.comment_id, UserId(event.author_id)))

    async def on_articles_deleted(self, event: ArticlesDeleted) -> None:
        """Delete the notifications about deleted articles."""
        # Inside the publisher's transaction on purpose: no notification outlives its article.
        await self._notifications.delete_by_articles([ArticleId(id_) for id_ in event.article_ids])

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Delete the notifications of a deleted user, and those that the user triggered."""
        await self._notifications.delete_by_user(UserId(event.user_id))

    async def _notify(self, trigger: Trigger) -> None:
        async with self._unit_of_work.transaction():
            # A concurrent deletion of the actor or the article waits, and then deletes this notification
            # too. Both may have been deleted since the event.
            actors = await self._users.lock({trigger.actor_id})
            authors = await self._articles.lock_authors({trigger.article_id})
            author_id = authors.get(trigger.article_id, trigger.actor_id)
            if author_id != trigger.actor_id and trigger.actor_id in actors:
                await self._notifications.add(author_id, trigger, self._clock.now())

    async def _views(
        self, notifications: Sequence[Notification], reader: UserId
    ) -> Sequence[NotificationView]:
        triggers = [notification.trigger for notification in notifications]
        articles = await self._articles.previews({trigger.article_id for trigger in triggers}, reader)
        actors = await self._profiles.profiles({trigger.actor_id for trigger in triggers}, reader)
        # Articles and users that were deleted while this module was disabled have no preview or profile.
        return [
            NotificationView.of(notification, articles[trigger.article_id], actors[trigger.actor_id])
            for notification, trigger in zip(notifications, triggers, strict=True)
            if trigger.article_id in articles and trigger.actor_id in actors
        ]
