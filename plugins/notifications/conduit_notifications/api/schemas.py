"""Notifications on the wire. Schema names must be unique across modules."""

from collections.abc import Sequence
from typing import Self

from conduit_notifications.domain.notifications import Kind, NotificationList, NotificationView
from modules.kernel.api.fields import ResponseModel, Timestamp
from modules.profiles.contracts import Profile


class NotificationArticle(ResponseModel):
    """The article of a notification."""

    slug: str
    title: str


class Notification(ResponseModel):
    """A comment on an article of the reader, or a favorite; then `commentId` is null."""

    id: int
    kind: Kind
    created_at: Timestamp
    read: bool
    comment_id: int | None
    article: NotificationArticle
    actor: Profile

    @classmethod
    def of(cls, view: NotificationView) -> Self:
        """Return the response for a notification."""
        notification, trigger = view.notification, view.notification.trigger
        return cls(
            id=notification.id,
            kind=trigger.kind,
            created_at=notification.created_at,
            read=notification.read,
            comment_id=trigger.subject_id if trigger.kind is Kind.COMMENT else None,
            article=NotificationArticle(slug=view.article.slug, title=view.article.title),
            actor=view.actor,
        )


class NotificationResponse(ResponseModel):
    """One notification."""

    notification: Notification


class NotificationsResponse(ResponseModel):
    """A page of notifications, the total number and the number of unread ones."""

    notifications: Sequence[Notification]
    notifications_count: int
    unread_count: int

    @classmethod
    def of(cls, page: NotificationList) -> Self:
        """Return the response for a page."""
        return cls(
            notifications=[Notification.of(view) for view in page.views],
            notifications_count=page.count,
            unread_count=page.unread,
        )
