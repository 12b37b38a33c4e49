"""Delivers what is in the outbox, while the application runs."""

from collections.abc import Sequence

import structlog

from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.messaging.outbox import DELIVERIES, Held, Outbox
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
        with self._signals.listening(DELIVERIES) as listener:
            while not self._signals.closed:
                await listener.wait(await self._seconds_to_wait())

    async def _seconds_to_wait(self) -> float:
        try:
            await self.drain()
            seconds = await self._outbox.seconds_to_next()
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
        while not self._signals.closed and await self._outbox.seconds_to_next() == 0:
            await self._deliver_all(await self._outbox.take_up())

    async def _deliver_all(self, taken: Sequence[Held]) -> None:
        waiting = list(taken)
        while waiting and not self._signals.closed and self._outbox.outlasts(waiting[0]):
            left = await self._deliver_line(waiting.pop(0))
            waiting += [] if left is None else [left]
        if waiting:
            await self._outbox.let_go(waiting)

    async def _deliver_line(self, first: Held) -> Held | None:
        """Deliver this one and those behind it, as many as may go in a row; return what is taken up still."""
        held: Held | None = first
        for _ in range(self._outbox.policy.in_a_row):
            if held is None or self._signals.closed:
                break
            held = await self._deliver(held)
        return held

    async def _deliver(self, held: Held) -> Held | None:
        try:
            return await self._outbox.handle(held)
        except Exception as error:
            dead = await self._outbox.fail(held, error)
            tell = log.error if dead else log.warning
            tell(
                "a delivery is dead" if dead else "a delivery failed",
                delivery=held.id,
                of=held.event,
                to=held.subscriber,
                attempts=held.attempts + 1,
                error=repr(error),
            )
            return None
