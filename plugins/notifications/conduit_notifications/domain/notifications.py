"""What a notification is, who gets one, and what readers do with theirs."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType, Protocol

from modules.articles.contracts import (
    ArticleDeleted,
    ArticleDirectory,
    ArticleFavorited,
    ArticleId,
    ArticlePreview,
)
from modules.comments.contracts import CommentAdded
from modules.kernel.domain.clock import Clock, to_iso
from modules.kernel.domain.errors import NotFound, Unavailable
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.profiles.contracts import Profile, ProfileReader
from modules.users.contracts import UserDeleted

NotificationId = NewType("NotificationId", int)
"""Counts the notifications of one recipient, in the order in which they are seen; 0 is none."""


class NotificationNotFound(NotFound):
    """The reader has no notification of this id."""

    subject = "notification"


class TooManyStreams(Unavailable):
    """This process, or this reader in it, has as many streams as there may be."""

    subject, problem = "stream", "is one too many, try again later"


class Kind(Enum):
    """What happened."""

    COMMENT = "comment"
    FAVORITE = "favorite"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What happened to an article, once: it is notified of once, too."""

    kind: Kind
    article: ArticleId
    subject: int
    """The comment, or else the article itself."""

    actor: UserId


@dataclass(frozen=True, slots=True)
class Notification:
    """What a recipient is notified of."""

    id: NotificationId
    occasion: Trigger
    created_at: datetime
    read: bool


@dataclass(frozen=True, slots=True)
class NotificationView:
    """A notification as its recipient sees it."""

    notification: Notification
    article: ArticlePreview
    actor: Profile


@dataclass(frozen=True, slots=True)
class NotificationList:
    """One page of them; how many there are on all pages; how many of these are not read."""

    views: Sequence[NotificationView]
    count: int
    unread: int


class NotificationRepository(Protocol):
    """Keeps notifications. Those of one recipient are seen in the order of their ids."""

    async def add(self, recipient: UserId, occasion: Trigger, at: datetime) -> None:
        """Keep a notification, unless there was one of this occasion; let streams know."""
        ...

    async def newest(self, recipient: UserId, page: PageRequest) -> Sequence[Notification]:
        """Return a page of what a recipient has, the newest first."""
        ...

    async def count(self, recipient: UserId) -> tuple[int, int]:
        """Return how many notifications a recipient has, and how many of them are not read."""
        ...

    async def after(self, recipient: UserId, last: NotificationId, limit: int) -> Sequence[Notification]:
        """Return what a recipient has got after this one, the oldest first."""
        ...

    async def latest(self, recipients: Collection[UserId]) -> Mapping[UserId, NotificationId]:
        """Return the latest id of each recipient who ever got one."""
        ...

    async def mark_read(self, recipient: UserId, notification: NotificationId) -> Notification:
        """Mark a notification as read and return it; raise `NotificationNotFound`."""
        ...

    async def mark_all_read(self, recipient: UserId) -> None:
        """Mark all that a recipient has as read."""
        ...

    async def delete_by_article(self, article: ArticleId) -> None:
        """Forget what happened to an article."""
        ...

    async def delete_by_user(self, user: UserId) -> None:
        """Forget what a user got, and what they did."""
        ...


class StreamSubscription(Protocol):
    """Waits for new notifications of one reader."""

    @property
    def ended(self) -> bool:
        """Whether the stream must end, because the process is about to."""
        ...

    async def wait(self, limit: float) -> None:
        """Return when there may be new ones, when the stream must end, or after so many seconds."""
        ...


class NotificationStreams(Protocol):
    """Lets streams wait for notifications, without a connection to the database."""

    def following(self, reader: UserId) -> AbstractContextManager[StreamSubscription]:
        """Open a follower of what a reader gets; raise `TooManyStreams`."""
        ...


class NotificationService:
    """The use cases of notifications: readers get to their own only."""

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        notifications: NotificationRepository,
        articles: ArticleDirectory,
        profiles: ProfileReader,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._notifications = notifications
        self._articles = articles
        self._profiles = profiles
        self._clock = clock

    async def list(self, reader: UserId, page: PageRequest) -> NotificationList:
        """Return a page of one's notifications, the newest first."""
        async with self._unit_of_work.snapshot():
            count, unread = await self._notifications.count(reader)
            views = await self._views(await self._notifications.newest(reader, page), reader)
            return NotificationList(views, count, unread)

    async def after(
        self, reader: UserId, last: NotificationId, limit: int = 100
    ) -> tuple[Sequence[NotificationView], NotificationId]:
        """Return what one has got after this one, the oldest first, and the id of the last one looked at."""
        async with self._unit_of_work.snapshot():
            found = await self._notifications.after(reader, last, limit)
            return await self._views(found, reader), found[-1].id if found else last

    async def latest(self, reader: UserId) -> NotificationId:
        """Return the id of one's latest notification, or 0 when there was none."""
        return (await self._notifications.latest({reader})).get(reader, NotificationId(0))

    async def mark_read(self, reader: UserId, notification: NotificationId) -> NotificationView:
        """Mark a notification of one's own as read; raise `NotificationNotFound`."""
        async with self._unit_of_work.transaction():
            views = await self._views([await self._notifications.mark_read(reader, notification)], reader)
            if not views:
                raise NotificationNotFound
            return views[0]

    async def mark_all_read(self, reader: UserId) -> None:
        """Mark all of one's notifications as read."""
        async with self._unit_of_work.transaction():
            await self._notifications.mark_all_read(reader)

    async def export_personal_data(self, user: UserId) -> Mapping[str, object]:
        """Return what a user was notified of."""
        async with self._unit_of_work.snapshot():
            count, _ = await self._notifications.count(user)
            found = await self._notifications.after(user, NotificationId(0), count)
            views = await self._views(found, user)
        return {
            "notifications": [
                {
                    "kind": view.notification.occasion.kind.value,
                    "article": view.article.slug,
                    "actor": view.actor.username,
                    "createdAt": to_iso(view.notification.created_at),
                }
                for view in views
            ]
        }

    async def on_article_favorited(self, event: ArticleFavorited) -> None:
        """Notify an author of who favorites the article."""
        article = ArticleId(event.article_id)
        await self._notify(Trigger(Kind.FAVORITE, article, article, UserId(event.user_id)))

    async def on_comment_added(self, event: CommentAdded) -> None:
        """Notify an author of a comment on the article."""
        article = ArticleId(event.article_id)
        await self._notify(Trigger(Kind.COMMENT, article, event.comment_id, UserId(event.author_id)))

    async def on_article_deleted(self, event: ArticleDeleted) -> None:
        """Let go of what happened to an article that is gone."""
        # Inside the publisher's transaction on purpose: no notification outlives its article.
        await self._notifications.delete_by_article(ArticleId(event.article_id))

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Let go of what somebody who is gone was notified of, and of what they did."""
        await self._notifications.delete_by_user(UserId(event.user_id))

    async def _notify(self, occasion: Trigger) -> None:
        async with self._unit_of_work.transaction():
            # Held: the article could be deleted at this moment, and notifications must go with it. It
            # may have been deleted since the event, and so may the actor.
            authors = await self._articles.lock_authors({occasion.article})
            author = authors.get(occasion.article, occasion.actor)
            if author != occasion.actor and await self._profiles.profiles({occasion.actor}, author):
                await self._notifications.add(author, occasion, self._clock.now())

    async def _views(
        self, notifications: Sequence[Notification], reader: UserId
    ) -> Sequence[NotificationView]:
        occasions = [notification.occasion for notification in notifications]
        articles = await self._articles.previews({occasion.article for occasion in occasions}, reader)
        actors = await self._profiles.profiles({occasion.actor for occasion in occasions}, reader)
        # Whoever was deleted while this module was switched off is not there.
        return [
            NotificationView(notification, articles[occasion.article], actors[occasion.actor])
            for notification, occasion in zip(notifications, occasions, strict=True)
            if occasion.article in articles and occasion.actor in actors
        ]
