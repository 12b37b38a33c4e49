"""Notifications on the wire. Schema names must be unique across modules."""

from conduit_notifications.domain.notifications import Kind
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


class NotificationResponse(ResponseModel):
    """One notification."""

    notification: Notification


class NotificationsResponse(ResponseModel):
    """A page of notifications, the total number and the number of unread ones."""

    notifications: list[Notification]
    notifications_count: int
    unread_count: int
