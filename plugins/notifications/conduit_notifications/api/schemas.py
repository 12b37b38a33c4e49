"""What notifications look like on the wire. These names are this module's alone in the whole document."""

from collections.abc import Sequence
from typing import Self

from conduit_notifications.domain.notifications import Kind, NotificationList, NotificationView
from modules.kernel.api.fields import ResponseModel, Timestamp
from modules.profiles.contracts import Profile


class NotificationArticle(ResponseModel):
    """The article that something happened to."""

    slug: str
    title: str


class Notification(ResponseModel):
    """What somebody did with an article of the reader's; `commentId` is null for a favorite."""

    id: int
    kind: Kind
    created_at: Timestamp
    read: bool
    comment_id: int | None
    article: NotificationArticle
    actor: Profile

    @classmethod
    def of(cls, view: NotificationView) -> Self:
        """Return a notification as its recipient sees it."""
        notification, occasion = view.notification, view.notification.occasion
        return cls(
            id=notification.id,
            kind=occasion.kind,
            created_at=notification.created_at,
            read=notification.read,
            comment_id=occasion.subject if occasion.kind is Kind.COMMENT else None,
            article=NotificationArticle(slug=view.article.slug, title=view.article.title),
            actor=view.actor,
        )


class NotificationResponse(ResponseModel):
    """One notification."""

    notification: Notification


class NotificationsResponse(ResponseModel):
    """A page of notifications, how many there are on all pages, and how many of these are not read."""

    notifications: Sequence[Notification]
    notifications_count: int
    unread_count: int

    @classmethod
    def of(cls, found: NotificationList) -> Self:
        """Return a page as the reader sees it."""
        return cls(
            notifications=[Notification.of(view) for view in found.views],
            notifications_count=found.count,
            unread_count=found.unread,
        )
