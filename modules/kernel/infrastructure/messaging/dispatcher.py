"""The dispatcher: delivers events from the outbox while the application runs."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.messaging.lane import RETRY, Lane
from modules.kernel.infrastructure.messaging.outbox import OUTBOX_TOPIC, Outbox
from modules.kernel.infrastructure.messaging.signals import Listener, Signals

# Poll interval: picks up expired leases and lost notifications.
POLL_INTERVAL_SECONDS = 5.0

log = structlog.get_logger("conduit.dispatcher")


class Dispatcher:
    """Runs a lane for each subscriber with due deliveries.

    The dispatchers of all processes share the work.
    """

    def __init__(self, outbox: Outbox, signals: Signals, clock: Clock) -> None:
        self._outbox = outbox
        self._signals = signals
        self._clock = clock
        self._lanes: dict[str, Lane] = {}
        self.on_failure: list[Callable[[Exception], object]] = []
        """Functions that are called with the error of each delivery that fails."""

    @property
    def lanes(self) -> Sequence[Lane]:
        """The lanes, one for each subscriber."""
        for subscriber in self._outbox.subscribers:
            if subscriber not in self._lanes:
                lane = Lane(subscriber, self._outbox, self._signals, self._clock, self.on_failure)
                self._lanes[subscriber] = lane
        return list(self._lanes.values())

    async def run(self) -> None:
        """Deliver pending and new events until the signals are closed.

        Finishes the current deliveries; claimed deliveries that have not started are released.
        """
        async with asyncio.TaskGroup() as tasks:
            with self._signals.listening(OUTBOX_TOPIC) as listener:
                while not self._signals.closed:
                    await listener.wait(await self._start_lanes(tasks, listener))

    async def _start_lanes(self, tasks: asyncio.TaskGroup, listener: Listener) -> float:
        """Start the lanes with due deliveries; return how many seconds later to look for others."""
        if self._outbox.is_read_only:
            return RETRY.total_seconds()
        try:
            due = await self._outbox.seconds_until_due()
        except Unavailable as error:
            log.warning("outbox paused: database unavailable", cause=repr(error.__cause__ or error))
            return RETRY.total_seconds()
        except Exception:
            # A bug. Stopping here would end all deliveries of this process.
            log.exception("outbox dispatcher failed")
            return RETRY.total_seconds()
        delay = POLL_INTERVAL_SECONDS
        for lane in self.lanes:
            if (lane.subscriber in due or lane.has_claims) and not lane.is_running:
                seconds = max(0.0 if lane.has_claims else due[lane.subscriber], lane.pause_seconds)
                if seconds > 0:
                    delay = min(delay, seconds)
                else:
                    # It may end with others due meanwhile, or with a pause.
                    tasks.create_task(lane.run()).add_done_callback(lambda _: listener.wake())
        return delay

    async def drain(self) -> None:
        """Deliver everything that is due, until the signals are closed; failed deliveries are retried later.

        What `run` has claimed at the same time has been delivered, too. Raises what the database raises.
        """
        due = True
        while due and not self._signals.closed:
            for lane in self.lanes:
                await lane.drain()
            seconds = await self._outbox.seconds_until_due()
            due = any(seconds.get(lane.subscriber) == 0 and lane.pause_seconds == 0 for lane in self.lanes)
