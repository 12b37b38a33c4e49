"""Notifications as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi.sse import format_sse_event

from conduit_notifications.api.schemas import Notification
from conduit_notifications.domain.notifications import NotificationId, NotificationService, StreamSubscription
from modules.kernel.domain.errors import Unauthenticated, Unavailable
from modules.kernel.domain.identity import UserId

# Proxies close what is silent for a minute, most of them.
HEARTBEAT_SECONDS = 15.0
# A comment, which clients pass over.
HEARTBEAT = b":\n\n"


async def events(
    inbox: NotificationService,
    reader: UserId,
    last: NotificationId,
    follower: StreamSubscription,
    still_known: Callable[[], Awaitable[object]],
) -> AsyncIterator[bytes]:
    """Yield what a reader gets after this notification, as it comes, and comments in between.

    Ends when the process does, when the reader's token does (`still_known` raises), and when the
    database is away: the client comes again, and says where it was.
    """
    yield HEARTBEAT
    try:
        while not follower.ended:
            await still_known()
            views, latest = await inbox.after(reader, last)
            for view in views:
                yield _event(view.notification.id, Notification.of(view))
            if latest == last:
                await follower.wait(HEARTBEAT_SECONDS)
                yield HEARTBEAT
            last = latest
    except (Unauthenticated, Unavailable):
        return


def _event(id_: NotificationId, notification: Notification) -> bytes:
    data = notification.model_dump_json(by_alias=True)
    return format_sse_event(data_str=data, event="notification", id=str(id_))
