"""Delivers what is in the outbox, while the application runs."""

from collections.abc import Sequence

import structlog

from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.messaging.outbox import OUTBOX_TOPIC, ClaimedDelivery, Outbox
from modules.kernel.infrastructure.messaging.signals import Signals

# Nobody need be woken for this: what a process that has ended still held, and signals that were lost.
POLL_INTERVAL_SECONDS = 5.0
RETRY_SECONDS = 1.0

log = structlog.get_logger("conduit.dispatcher")


class Dispatcher:
    """Delivers one after another. Each process has one, and they share the work."""

    def __init__(self, outbox: Outbox, signals: Signals) -> None:
        self._outbox = outbox
        self._signals = signals

    async def run(self) -> None:
        """Deliver what there is, and what comes, until the signals are closed.

        What is being handled then is finished, and what has only been taken up is left to others.
        """
        with self._signals.listening(OUTBOX_TOPIC) as listener:
            while not self._signals.closed:
                await listener.wait(await self._poll_delay())

    async def _poll_delay(self) -> float:
        try:
            await self.drain()
            seconds = await self._outbox.seconds_until_due()
        except Unavailable as error:
            log.warning("deliveries wait for the database", cause=repr(error.__cause__ or error))
            return RETRY_SECONDS
        except Exception:
            # A mistake of the program's. One who stops here delivers nothing until the process ends.
            log.exception("nothing can be delivered")
            return RETRY_SECONDS
        return POLL_INTERVAL_SECONDS if seconds is None else min(seconds, POLL_INTERVAL_SECONDS)

    async def drain(self) -> None:
        """Deliver all that is due now, or until the signals are closed. What fails is kept for later.

        Raises what the database raises.
        """
        # Reading first: taking up is writing, and whatever anybody commits may wake this.
        while not self._signals.closed and await self._outbox.seconds_until_due() == 0:
            await self._deliver_batch(await self._outbox.claim_due())

    async def _deliver_batch(self, taken: Sequence[ClaimedDelivery]) -> None:
        waiting = list(taken)
        while waiting and not self._signals.closed and self._outbox.lease_covers(waiting[0]):
            left = await self._deliver_in_order(waiting.pop(0))
            waiting += [] if left is None else [left]
        if waiting:
            await self._outbox.release(waiting)

    async def _deliver_in_order(self, first: ClaimedDelivery) -> ClaimedDelivery | None:
        """Deliver this one and those behind it, as many as may go in a row; return what is taken up still."""
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
            tell = log.error if dead else log.warning
            tell(
                "a delivery is dead" if dead else "a delivery failed",
                delivery=claimed.id,
                of=claimed.event,
                to=claimed.subscriber,
                attempts=claimed.attempts + 1,
                error=repr(error),
            )
            return None
