"""A lane: the deliveries of one subscriber, which wait for no other subscriber's."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.messaging.outbox import ClaimedDelivery, IncompatiblePayload, Outbox
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.persistence.database import DatabaseUnavailable

RETRY = timedelta(seconds=1)
"""How long a lane pauses after an error that is not the handler's, such as one of the database."""

log = structlog.get_logger("conduit.dispatcher")


class Lane:
    """Claims and handles the deliveries of one subscriber, up to its concurrency at once.

    Its circuit breaker opens when the first attempts of `breaker_failures` deliveries fail in a row: the lane
    pauses, so that a service that is down is not called for each of thousands of deliveries. Retries do not
    count: they have a backoff of their own, and a few faulty deliveries must not stop the others.
    https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker
    """

    def __init__(
        self,
        subscriber: str,
        outbox: Outbox,
        signals: Signals,
        clock: Clock,
        on_failure: Sequence[Callable[[Exception], object]],
    ) -> None:
        self.subscriber = subscriber
        self._outbox = outbox
        self._signals = signals
        self._clock = clock
        self._on_failure = on_failure
        self._delivering = asyncio.Lock()
        self._failures = 0
        self._paused_until: datetime | None = None
        self._is_reply_lost = False
        self._has_claims = False

    @property
    def is_running(self) -> bool:
        """Whether it is delivering."""
        return self._delivering.locked()

    @property
    def has_claims(self) -> bool:
        """Whether it may have claims that nobody handles, if it is not running.

        For example because the database was not available: it may have committed a claim without a reply.
        """
        return self._has_claims

    @property
    def pause_seconds(self) -> float:
        """How long it is still paused; 0 if it is not."""
        if self._paused_until is None:
            return 0.0
        return max(0.0, (self._paused_until - self._clock.now()).total_seconds())

    async def run(self) -> None:
        """Deliver what is due; log an error of the database, or a bug, and pause."""
        try:
            await self.drain(is_due=True)
        except Unavailable as error:
            cause = repr(error.__cause__ or error)
            log.warning("outbox paused: database unavailable", subscriber=self.subscriber, cause=cause)
            self._pause(RETRY)
        except Exception:
            log.exception("outbox dispatcher failed", subscriber=self.subscriber)
            self._pause(RETRY)

    async def drain(self, *, is_due: bool = False) -> None:
        """Deliver what is due until nothing is, the lane is paused or the signals are closed.

        What it has claimed at the same time has been delivered, too. `is_due` is whether the caller knows
        that something is. Raises what the database raises.
        """
        async with self._delivering:
            await self._release()
            # Read before claiming, which writes: on SQLite every commit wakes the dispatcher.
            while self._goes_on() and (is_due or await self._outbox.is_due(self.subscriber)):
                self._has_claims = True
                self._has_claims = await self._deliver_batch(await self._outbox.claim_due(self.subscriber))
                await self._release()
                is_due = False

    def _goes_on(self) -> bool:
        return not self._signals.closed and self.pause_seconds == 0

    def _pause(self, duration: timedelta) -> None:
        self._paused_until = self._clock.now() + duration

    async def _deliver_batch(self, batch: Sequence[ClaimedDelivery]) -> bool:
        """Deliver claimed deliveries; return whether it may have claims then.

        Raises what the database raises.
        """
        pending, self._is_reply_lost = deque(batch), False
        # Of the database: the others finish what they handle.
        errors: list[Exception] = []

        async def deliver() -> None:
            while pending and not errors and self._goes_on() and self._outbox.lease_covers(pending[0]):
                try:
                    remaining = await self._deliver_in_order(pending.popleft())
                except Exception as error:
                    errors.append(error)
                else:
                    pending.extend([] if remaining is None else [remaining])

        concurrency = self._outbox.limits_of(self.subscriber).concurrency
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(concurrency, len(batch))):
                tasks.create_task(deliver())
        if errors:
            raise errors[0]
        return bool(pending) or self._is_reply_lost

    async def _release(self) -> None:
        if self._has_claims:
            await self._outbox.release(self.subscriber)
            self._has_claims = False

    async def _deliver_in_order(self, first: ClaimedDelivery) -> ClaimedDelivery | None:
        """Deliver up to `max_in_a_row` deliveries of one aggregate; return the one still claimed, if any."""
        claimed: ClaimedDelivery | None = first
        for _ in range(self._outbox.policy.max_in_a_row):
            if claimed is None or not self._goes_on():
                break
            claimed = await self._deliver(claimed)
        return claimed

    async def _deliver(self, claimed: ClaimedDelivery) -> ClaimedDelivery | None:
        try:
            following = await self._outbox.handle(claimed)
        except Exception as error:
            self._is_reply_lost |= isinstance(error, DatabaseUnavailable)
            await self._fail(claimed, error)
            return None
        self._failures = 0
        return following

    async def _fail(self, claimed: ClaimedDelivery, error: Exception) -> None:
        dead = await self._outbox.fail(claimed, error)
        for notify in self._on_failure:
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
        if claimed.attempts == 0 and not isinstance(error, IncompatiblePayload):
            self._failures += 1
        policy = self._outbox.policy
        if self._failures >= policy.breaker_failures:
            seconds = policy.breaker_pause.total_seconds()
            log.warning("subscriber paused", subscriber=claimed.subscriber, seconds=seconds)
            self._pause(policy.breaker_pause)
            self._failures = 0
