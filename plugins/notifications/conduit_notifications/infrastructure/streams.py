"""Streams, woken by signals when their readers have new notifications."""

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

# The streams are also checked this often, so that a lost signal only delays a notification.
POLL_INTERVAL_SECONDS = 60.0

log = structlog.get_logger("conduit.notifications")


class SignalledSubscription:
    """An open stream of one reader, woken by `SignalledStreams`."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._listener = Listener()

    @property
    def closed(self) -> bool:
        return self._signals.closed

    def wake(self) -> None:
        """End the current wait, or the next one."""
        self._listener.wake()

    async def wait(self, limit: float) -> None:
        await self._listener.wait(limit)


class SignalledStreams:
    """The open streams of this process. One query after a signal finds the readers to wake.

    If each stream ran its own query, every commit would cause one per stream.
    """

    def __init__(
        self, notifications: NotificationRepository, signals: Signals, settings: NotificationsSettings
    ) -> None:
        self._notifications = notifications
        self._signals = signals
        self._settings = settings
        self._subscriptions: defaultdict[UserId, set[SignalledSubscription]] = defaultdict(set)
        self._latest: dict[UserId, NotificationId] = {}
        self._watching: asyncio.Task[None] | None = None

    @contextmanager
    def subscribe(self, reader: UserId) -> Iterator[SignalledSubscription]:
        subscription = self._add(reader)
        try:
            yield subscription
        finally:
            self._remove(reader, subscription)

    def _add(self, reader: UserId) -> SignalledSubscription:
        streams = sum(map(len, self._subscriptions.values()))
        own = len(self._subscriptions.get(reader, ()))
        if (
            streams >= self._settings.notification_streams
            or own >= self._settings.notification_streams_per_reader
        ):
            raise TooManyStreams
        subscription = SignalledSubscription(self._signals)
        self._subscriptions[reader].add(subscription)
        if self._watching is None:
            # In a new context: the task outlives this request, and must not log with its id.
            self._watching = asyncio.create_task(self._watch(), context=Context())
        return subscription

    def _remove(self, reader: UserId, subscription: SignalledSubscription) -> None:
        self._subscriptions[reader].discard(subscription)
        if not self._subscriptions[reader]:
            del self._subscriptions[reader]
            self._latest.pop(reader, None)
        if not self._subscriptions and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self) -> None:
        with self._signals.listening(NOTIFICATIONS_TOPIC) as listener:
            while not self._signals.closed:
                await self._wake_readers()
                await listener.wait(POLL_INTERVAL_SECONDS)
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.wake()

    async def _wake_readers(self) -> None:
        try:
            latest = await self._notifications.latest(list(self._subscriptions))
        except Unavailable as error:
            log.warning("streams paused: database unavailable", cause=repr(error.__cause__ or error))
            return
        for reader, number in latest.items():
            if self._latest.get(reader) != number:
                self._latest[reader] = number
                for subscription in self._subscriptions.get(reader, ()):
                    subscription.wake()
