"""How the streams of a process learn that their readers have new notifications."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context

import structlog

from conduit_notifications.domain.notifications import (
    NotificationId,
    NotificationRepository,
    TooManyStreams,
)
from conduit_notifications.infrastructure.notifications import NOTIFICATIONS_TOPIC
from conduit_notifications.infrastructure.settings import NotificationsSettings
from modules.kernel.domain.errors import Unavailable
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.messaging.signals import Listener, Signals

# Streams look for themselves now and then, so nothing is lost with a signal but time.
POLL_INTERVAL_SECONDS = 60.0

log = structlog.get_logger("conduit.notifications")


class SignalledFollower:
    """Waits for new notifications of one reader."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._listener = Listener()

    @property
    def ended(self) -> bool:
        """Whether the stream must end, because the process is about to."""
        return self._signals.closed

    def wake(self) -> None:
        """End the wait that is on, or the next one."""
        self._listener.wake()

    async def wait(self, limit: float) -> None:
        """Return when there may be new ones, when the stream must end, or after so many seconds."""
        await self._listener.wait(limit)


class SignalledArrivals:
    """Asks the database once for all streams of the process, when there may be something for one.

    A stream by itself would ask after every signal, and there are as many of these as commits.
    """

    def __init__(
        self, notifications: NotificationRepository, signals: Signals, settings: NotificationsSettings
    ) -> None:
        self._notifications = notifications
        self._signals = signals
        self._settings = settings
        self._followers: defaultdict[UserId, set[SignalledFollower]] = defaultdict(set)
        self._seen: dict[UserId, NotificationId] = {}
        self._watching: asyncio.Task[None] | None = None

    @contextmanager
    def following(self, reader: UserId) -> Iterator[SignalledFollower]:
        """Open a follower of what a reader gets; raise `TooManyStreams`."""
        follower = self._admitted(reader)
        try:
            yield follower
        finally:
            self._leave(reader, follower)

    def _admitted(self, reader: UserId) -> SignalledFollower:
        streams = sum(map(len, self._followers.values()))
        own = len(self._followers.get(reader, ()))
        if (
            streams >= self._settings.notification_streams
            or own >= self._settings.notification_streams_per_reader
        ):
            raise TooManyStreams
        follower = SignalledFollower(self._signals)
        self._followers[reader].add(follower)
        if self._watching is None:
            # In a context of its own: what belongs to this request does not belong to the others.
            self._watching = asyncio.create_task(self._watch(), context=Context())
        return follower

    def _leave(self, reader: UserId, follower: SignalledFollower) -> None:
        self._followers[reader].discard(follower)
        if not self._followers[reader]:
            del self._followers[reader]
            self._seen.pop(reader, None)
        if not self._followers and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self) -> None:
        with self._signals.listening(NOTIFICATIONS_TOPIC) as listener:
            while not self._signals.closed:
                await self._wake_those_with_news()
                await listener.wait(POLL_INTERVAL_SECONDS)
        for followers in self._followers.values():
            for follower in followers:
                follower.wake()

    async def _wake_those_with_news(self) -> None:
        try:
            latest = await self._notifications.latest(list(self._followers))
        except Unavailable as error:
            log.warning("streams wait for the database", cause=repr(error.__cause__ or error))
            return
        for reader, number in latest.items():
            if self._seen.get(reader) != number:
                self._seen[reader] = number
                for follower in self._followers.get(reader, ()):
                    follower.wake()
