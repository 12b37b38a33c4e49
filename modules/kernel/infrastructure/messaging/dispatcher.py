"""The dispatcher: delivers events from the outbox while the application runs."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.messaging.outbox import OUTBOX_TOPIC, ClaimedDelivery, Outbox
from modules.kernel.infrastructure.messaging.signals import Signals

# Poll interval: picks up expired leases and lost notifications.
POLL_INTERVAL_SECONDS = 5.0
RETRY_SECONDS = 1.0

log = structlog.get_logger("conduit.dispatcher")


class Dispatcher:
    """Claims and handles deliveries one after another. The dispatchers of all processes share the work."""

    def __init__(self, outbox: Outbox, signals: Signals) -> None:
        self._outbox = outbox
        self._signals = signals
        self._draining = asyncio.Lock()
        self.on_failure: list[Callable[[Exception], object]] = []
        """Functions that are called with the error of each delivery that fails."""

    async def run(self) -> None:
        """Deliver pending and new events until the signals are closed.

        Finishes the current delivery; claimed deliveries that have not started are released.
        """
        with self._signals.listening(OUTBOX_TOPIC) as listener:
            while not self._signals.closed:
                await listener.wait(await self._poll_delay())

    async def _poll_delay(self) -> float:
        try:
            await self.drain()
            seconds = await self._outbox.seconds_until_due()
        except Unavailable as error:
            log.warning("outbox paused: database unavailable", cause=repr(error.__cause__ or error))
            return RETRY_SECONDS
        except Exception:
            # A bug. Stopping here would end all deliveries of this process.
            log.exception("outbox dispatcher failed")
            return RETRY_SECONDS
        return POLL_INTERVAL_SECONDS if seconds is None else min(seconds, POLL_INTERVAL_SECONDS)

    async def drain(self) -> None:
        """Deliver everything that is due, until the signals are closed; failed deliveries are retried later.

        What `run` has claimed at the same time has been delivered, too. Raises what the database raises.
        """
        async with self._draining:
            # Read before claiming, which writes: on SQLite every commit wakes the dispatcher.
            while not self._signals.closed and await self._outbox.seconds_until_due() == 0:
                await self._deliver_batch(await self._outbox.claim_due())

    async def _deliver_batch(self, batch: Sequence[ClaimedDelivery]) -> None:
        pending = list(batch)
        while pending and not self._signals.closed and self._outbox.lease_covers(pending[0]):
            remaining = await self._deliver_in_order(pending.pop(0))
            pending += [] if remaining is None else [remaining]
        if pending:
            await self._outbox.release(pending)

    async def _deliver_in_order(self, first: ClaimedDelivery) -> ClaimedDelivery | None:
        """Deliver up to `max_in_a_row` deliveries of one aggregate; return the one still claimed, if any."""
        claimed: ClaimedDelivery | None = first
        for _ in range(self._outbox.policy.max_in_a_row):
            if claimed is None or self._signals.closed:
                break
            claimed = await self._deliver(claimed)
        return claimed

    async def _deliver(self, claimed: ClaimedDelivery) -> ClaimedDelivery | None:
        try:
            return await self._outbox.handle(claimed)
        except Exception as error:
            dead = await self._outbox.fail(claimed, error)
            for notify in self.on_failure:
                notify(error)
            write = log.error if dead else log.warning
            write(
                "delivery dead-lettered" if dead else "delivery failed",
                delivery=claimed.id,
                of=claimed.event,
                to=claimed.subscriber,
                attempts=claimed.attempts + 1,
                error=repr(error),
            )
            return None
