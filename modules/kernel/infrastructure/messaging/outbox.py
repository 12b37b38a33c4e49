"""The outbox: after-commit deliveries, stored in the database until they are handled."""

import asyncio
import secrets
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import uniform
from typing import Any

import orjson
import structlog
from pydantic import TypeAdapter
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.events import DeliveryId, DeliveryLimits, DeliveryMode, Effect, Event
from modules.kernel.infrastructure.messaging.event_bus import HandlerProvider
from modules.kernel.infrastructure.messaging.outbox_statements import (
    CLAIM_NEXT,
    DELETE_HANDLED,
    INSERT,
    RELEASE,
    WORKER_LOST,
    claim_due,
    deliveries,
    events_of,
    first_due,
)
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.messaging.tables import Failure
from modules.kernel.infrastructure.persistence.database import Database

OUTBOX_TOPIC = "deliveries"
"""The topic of the signal that deliveries may be due."""

MAX_ERROR_LENGTH = 10_000
VERSION_MARK = "@"

log = structlog.get_logger("conduit.outbox")


class IncompatiblePayload(Exception):
    """The payload of a delivery is not one of the event's schema. The cause says why."""


def stored_name(event: type[Event], version: int | None = None) -> str:
    """Return the name of an event in a delivery: with the version of its schema, unless that is 1.

    A release subscribes to the versions that it can read. So a release that is older than a payload leaves
    its delivery to newer ones, also while both run.
    """
    number = version or event.schema_version()
    return event.__name__ if number == 1 else f"{event.__name__}{VERSION_MARK}{number}"


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """The batch size, time limits and retries of deliveries."""

    batch_size: int = 10
    """The maximum number of deliveries that a worker claims at once."""

    max_in_a_row: int = 100
    """The maximum number of deliveries of one aggregate before other aggregates are served."""

    lease: timedelta = timedelta(seconds=30)
    """How long a claim is valid; then the worker counts as lost, and others may claim the delivery."""

    handler_timeout: timedelta = timedelta(seconds=10)
    """The time limit of a handler; well below the lease, so that only a lost worker loses its claims."""

    max_attempts: int = 12
    """The number of attempts before a delivery becomes dead: with this backoff, half an hour on average."""

    initial_backoff: timedelta = timedelta(seconds=1)
    max_backoff: timedelta = timedelta(hours=1)

    breaker_failures: int = 5
    """The number of first attempts that fail in a row before a subscriber is paused."""

    breaker_pause: timedelta = timedelta(seconds=30)

    def backoff(self, attempts: int) -> timedelta:
        """Return the delay after so many attempts: exponential backoff with full jitter.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        upper_bound = min(self.max_backoff, self.initial_backoff * 2.0**attempts)
        return uniform(0, 1) * upper_bound  # noqa: S311 - no secret is drawn from it


@dataclass(frozen=True, slots=True)
class _Subscriber:
    event: type[Event]
    version: int
    """The version of the schema that these deliveries have."""

    handler: HandlerProvider
    delivery: DeliveryMode


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery that this worker has claimed."""

    id: int
    subscriber: str
    event: str
    aggregate: str
    payload: str
    attempts: int
    lease_expires_at: datetime
    published_at: datetime

    @property
    def key(self) -> DeliveryId:
        """The id for handlers. With the time, because a restored database issues some numbers again."""
        return DeliveryId(f"{self.id}-{self.published_at:%Y%m%d%H%M%S%f}")


class Outbox:
    """Stores a delivery for each subscriber of an event, from the publisher's commit until it is handled.

    The transaction of the handler also deletes the delivery. So its writes to the database take effect
    exactly once, and its other side effects at least once.
    """

    def __init__(self, database: Database, signals: Signals, clock: Clock, policy: DeliveryPolicy) -> None:
        self._database = database
        self._signals = signals
        self._clock = clock
        self.policy = policy
        self._subscribers: dict[tuple[str, str], _Subscriber] = {}
        self._limits: dict[str, DeliveryLimits] = {}
        self._json: dict[type[Event], TypeAdapter[Any]] = {}
        # Built once for the subscriptions, and for those of each subscriber: building takes longer than
        # executing.
        self._first_due: Any = None
        self._first_due_of: dict[str, Any] = {}
        self._claim_due_of: dict[str, Any] = {}
        # Distinguishes this worker's claims from those of other processes.
        self._worker_id = secrets.token_hex(8)

    def subscribe(
        self, module: str, event: type[Event], handler: HandlerProvider, delivery: DeliveryMode
    ) -> bool:
        """Deliver events of exactly this type to the module; return whether it is their first subscriber.

        Raises `ValueError` when the module already subscribes to an event of this name: deliveries are
        stored by these two names.
        """
        if (module, event.__name__) in self._subscribers:
            raise ValueError(f"{module} subscribes twice to {event.__name__} after the commit")
        first = event not in self._json
        for version in range(1, event.schema_version() + 1):
            subscriber = _Subscriber(event, version, handler, delivery)
            self._subscribers[module, stored_name(event, version)] = subscriber
        self._json.setdefault(event, TypeAdapter(event))
        own = [subscription for subscription in self._subscribers if subscription[0] == module]
        self._first_due = first_due(self._subscribers)
        self._first_due_of[module], self._claim_due_of[module] = first_due(own), claim_due(own)
        return first

    def limit(self, module: str, limits: DeliveryLimits) -> None:
        """Set the limits of the deliveries to a module."""
        self._limits[module] = limits

    def limits_of(self, subscriber: str) -> DeliveryLimits:
        """Return the limits of the deliveries to a module."""
        return self._limits.get(subscriber, DeliveryLimits())

    @property
    def subscribers(self) -> Sequence[str]:
        """The modules that subscribe to events after the commit, in this process."""
        return list(self._claim_due_of)

    @property
    def subscriptions(self) -> Sequence[str]:
        """The subscriptions of this process, as `module/` and the `stored_name` of the event."""
        return [f"{module}/{event}" for module, event in self._subscribers]

    async def add(self, event: Event) -> None:
        """Insert a delivery for each subscriber of the event, in the publisher's transaction."""
        now, name = self._clock.now(), stored_name(type(event))
        values = {
            "event": name,
            "aggregate": event.aggregate,
            "payload": self._json[type(event)].dump_json(event).decode(),
            "published_at": now,
            "due_at": now,
            "attempts": 0,
        }
        rows = [
            {"subscriber": module, **values}
            for (module, stored), subscriber in self._subscribers.items()
            if stored == name and subscriber.event is type(event)
        ]
        async with self._database.transaction():
            await self._database.execute_many(INSERT, rows)
            await self._signals.send(OUTBOX_TOPIC)

    @property
    def is_read_only(self) -> bool:
        """Whether the site is read-only, so that events wait."""
        return self._database.is_read_only

    async def seconds_until_due(self) -> Mapping[str, float]:
        """Return the time until the next delivery to each subscriber, 0 if it is due.

        Those without a pending delivery are missing.
        """
        return {} if self._first_due is None else await self._select_due(self._first_due)

    async def is_due(self, subscriber: str) -> bool:
        """Return whether a delivery to the subscriber is due."""
        return (await self._select_due(self._first_due_of[subscriber])).get(subscriber) == 0

    async def _select_due(self, statement: Any) -> Mapping[str, float]:
        async with self._database.snapshot() as session:
            rows = (await session.execute(statement)).all()
        now = self._clock.now()
        return {subscriber: max(0.0, (due_at - now).total_seconds()) for subscriber, due_at in rows}

    async def claim_due(self, subscriber: str) -> Sequence[ClaimedDelivery]:
        """Claim a batch of due deliveries to the subscriber and return them in order."""
        parameters = {"batch_size": self.policy.batch_size, **self._lease()}
        async with self._database.transaction() as session:
            rows = await session.execute(self._claim_due_of[subscriber], parameters)
            batch = [ClaimedDelivery(*row) for row in rows]
            # Each attempt ended with a lost worker, so that `fail` was never called.
            dead = {claimed.id for claimed in batch if claimed.attempts >= self.policy.max_attempts}
            if dead:
                log.error("deliveries dead-lettered", deliveries=sorted(dead), error=WORKER_LOST)
                await session.execute(_update(dead).values(due_at=None, claimed_by=None))
        return sorted(
            (claimed for claimed in batch if claimed.id not in dead), key=lambda claimed: claimed.id
        )

    async def handle(self, claimed: ClaimedDelivery) -> ClaimedDelivery | None:
        """Call the handler of a delivery; claim and return the next due one of its aggregate, if any.

        Raises what the handler raises, `TimeoutError` when it exceeds its time limit, and
        `IncompatiblePayload`; then nothing has changed.
        """
        effect = await self._prepare(claimed)
        async with self._database.transaction() as session:
            # Before the handler: the deleted row is locked, so that no other worker claims it while the
            # handler runs, even when the lease expires.
            key = {"delivery_id": claimed.id, "worker": self._worker_id}
            if await self._database.fetch_one(DELETE_HANDLED, key) is None:
                log.warning("delivery claimed by another worker", delivery=claimed.id)
                return None
            async with asyncio.timeout(self._timeout_of(claimed).total_seconds()):
                await effect()
            parameters = {
                "of_subscriber": claimed.subscriber,
                "of_aggregate": claimed.aggregate,
                "of_events": events_of(claimed.subscriber, self._subscribers),
                **self._lease(),
            }
            row = (await session.execute(CLAIM_NEXT, parameters)).one_or_none()
            return None if row is None else ClaimedDelivery(*row)

    async def _prepare(self, claimed: ClaimedDelivery) -> Effect:
        """Return the effect of a delivery: the handler itself, what a preparing one returns, or none."""
        subscriber = self._subscribers[claimed.subscriber, claimed.event]
        event = self._parse(subscriber, claimed.payload)
        handler: Callable[..., Awaitable[Any]] = subscriber.handler()
        if subscriber.delivery is DeliveryMode.AFTER_COMMIT:
            return partial(handler, event)
        async with asyncio.timeout(self._timeout_of(claimed).total_seconds()):
            if subscriber.delivery is DeliveryMode.CALLED_AFTER_COMMIT:
                await handler(event, claimed.key)
                return _no_effect
            effect: Effect = await handler(event)
        return effect

    def _parse(self, subscriber: _Subscriber, payload: str | bytes) -> Event:
        try:
            for upcaster in subscriber.event.upcasters[subscriber.version - 1 :]:
                payload = orjson.dumps(upcaster(orjson.loads(payload)))
            event: Event = self._json[subscriber.event].validate_json(payload)
        except Exception as error:  # upcasters may raise anything
            name = subscriber.event.__name__
            raise IncompatiblePayload(f"not a payload of {name}, version {subscriber.version}") from error
        return event

    async def fail(self, claimed: ClaimedDelivery, error: Exception) -> bool:
        """Store the error and schedule a retry, or mark the delivery dead; return whether it is dead.

        An incompatible one is dead at once: this release cannot read it at any attempt.
        """
        attempts = claimed.attempts + 1
        failure = Failure.INCOMPATIBLE if isinstance(error, IncompatiblePayload) else Failure.FAILED
        dead = failure is Failure.INCOMPATIBLE or attempts >= self.policy.max_attempts
        due_at = None if dead else self._clock.now() + self.policy.backoff(attempts)
        last_error = "".join(traceback.format_exception(error))[-MAX_ERROR_LENGTH:].replace("\0", "")
        async with self._database.transaction() as session:
            await session.execute(
                _update({claimed.id})
                .where(deliveries.c.claimed_by == self._worker_id)
                .values(
                    attempts=attempts,
                    due_at=due_at,
                    claimed_by=None,
                    failure=failure.value,
                    last_error=last_error,
                )
            )
            if due_at is not None:
                await _postpone(session, claimed, due_at)
        return dead

    async def release(self, subscriber: str) -> None:
        """Release all that this worker has claimed for the subscriber, so that any worker may claim it."""
        parameters = {"of_subscriber": subscriber, "of_events": events_of(subscriber, self._subscribers)}
        async with self._database.transaction() as session:
            await session.execute(RELEASE, {**parameters, **self._lease()})
            await self._signals.send(OUTBOX_TOPIC)

    def lease_covers(self, claimed: ClaimedDelivery) -> bool:
        """Return whether the lease outlasts the time limit of a handler."""
        return claimed.lease_expires_at - self._clock.now() > self._timeout_of(claimed)

    def _timeout_of(self, claimed: ClaimedDelivery) -> timedelta:
        return self.limits_of(claimed.subscriber).handler_timeout or self.policy.handler_timeout

    def _lease(self) -> dict[str, object]:
        now = self._clock.now()
        return {"now": now, "lease_expires_at": now + self.policy.lease, "worker": self._worker_id}


async def _no_effect() -> None:
    """Do nothing: the handler has been called."""


async def _postpone(session: AsyncSession, claimed: ClaimedDelivery, due_at: datetime) -> None:
    # Later deliveries of the aggregate wait for this one; FIRST_DUE need not consider them until then.
    later = (
        deliveries.c.subscriber == claimed.subscriber,
        deliveries.c.aggregate == claimed.aggregate,
        deliveries.c.id > claimed.id,
        deliveries.c.due_at < due_at,
    )
    await session.execute(update(deliveries).where(*later).values(due_at=due_at))


def _update(ids: set[int]) -> Any:
    return update(deliveries).where(deliveries.c.id.in_(ids))
