"""Notifications as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi.sse import format_sse_event

from conduit_notifications.api.schemas import Notification
from conduit_notifications.domain.notifications import (
    NotificationId,
    NotificationService,
    NotificationView,
    StreamSubscription,
)
from modules.kernel.api.json_response import to_json
from modules.kernel.domain.errors import Forbidden, Unauthenticated, Unavailable
from modules.kernel.domain.identity import UserId

# Most proxies close connections that are idle for a minute.
HEARTBEAT_SECONDS = 15.0
# A comment, which clients ignore.
HEARTBEAT = b":\n\n"


async def events(
    service: NotificationService,
    reader: UserId,
    last: NotificationId,
    subscription: StreamSubscription,
    verify_token: Callable[[], Awaitable[object]],
) -> AsyncIterator[bytes]:
    """Yield a reader's notifications after `last` as they arrive, and a comment as a heartbeat.

    Begins with the id `last` and no data: the client stores it and dispatches no event (9.2.6), so that one
    that reconnects before its first event misses nothing.

    Ends at shutdown, when the token is no longer valid (`verify_token` raises), and when the database is
    unavailable: the client reconnects with `Last-Event-ID`.
    """
    yield format_sse_event(id=str(last))
    try:
        while not subscription.closed:
            await verify_token()
            views, latest = await service.after(reader, last)
            for view in views:
                yield _event(view)
            if latest == last:
                await subscription.wait(HEARTBEAT_SECONDS)
                yield HEARTBEAT
            last = latest
    except (Unauthenticated, Forbidden, Unavailable):
        return


def _event(view: NotificationView) -> bytes:
    data = to_json(Notification, view).decode()
    return format_sse_event(data_str=data, event="notification", id=str(view.id))
