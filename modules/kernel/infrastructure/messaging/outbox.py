"""The outbox: events that are delivered after the commit, kept in the database until they are handled."""

import asyncio
import secrets
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Any

import structlog
from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, bindparam, case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.events import Event
from modules.kernel.infrastructure.messaging.event_bus import HandlerProvider
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.messaging.tables import DeliveryRow
from modules.kernel.infrastructure.persistence.database import Database

OUTBOX_TOPIC = "deliveries"
"""The topic of the signal that there may be something to deliver."""

WORKER_LOST = "its process ended, or was stuck, while it had this one"
MAX_ERROR_LENGTH = 10_000

log = structlog.get_logger("conduit.outbox")

# Tables and not mapped classes, and statements that are built once, as in every hot place.
delivery: Any = DeliveryRow.__table__
earlier: Any = delivery.alias("earlier")


def _is_subscribed(row: Any) -> ColumnElement[bool]:
    # Put together, so that no index is chosen for it: the one that sorts by time must be.
    name: ColumnElement[str] = row.c.subscriber + "/" + row.c.event
    return name.in_(bindparam("subscriptions", expanding=True))


SUBSCRIBED = _is_subscribed(delivery)
BLOCKING = (_is_subscribed(earlier), earlier.c.due_at.is_not(None))
# An event waits for those before it about the same thing, so that a subscriber is told in order. For
# one that is dead, or that nobody is told of any more, none waits. It is the least id and not "there is
# no lesser one", which PostgreSQL would answer for the whole table before it looks at the first row.
HEAD_OF_LINE = (
    delivery.c.id
    == select(func.min(earlier.c.id))
    .where(
        earlier.c.subscriber == delivery.c.subscriber,
        earlier.c.aggregate == delivery.c.aggregate,
        *BLOCKING,
    )
    .correlate(delivery)
    .scalar_subquery()
)
FIRST_DUE = (
    select(delivery.c.due_at)
    .where(SUBSCRIBED, HEAD_OF_LINE, delivery.c.due_at.is_not(None))
    .order_by(delivery.c.due_at, delivery.c.id)
    .limit(1)
)
# Locked rows are being handled, or taken up, by others. SQLite has no such locks and needs none: its
# writers take turns. Materialized, or PostgreSQL may look for due ones again for every row.
DUE = (
    select(delivery.c.id)
    .where(SUBSCRIBED, HEAD_OF_LINE, delivery.c.due_at <= bindparam("now"))
    .order_by(delivery.c.due_at, delivery.c.id)
    .limit(bindparam("batch_size"))
    .with_for_update(skip_locked=True)
    .cte("due")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
CLAIMED = (
    delivery.c.id,
    delivery.c.subscriber,
    delivery.c.event,
    delivery.c.aggregate,
    delivery.c.payload,
    delivery.c.attempts,
    delivery.c.due_at,
)
WAS_CLAIMED = delivery.c.claimed_by.is_not(None)
CLAIM_DUE = (
    update(delivery)
    .where(delivery.c.id.in_(select(DUE.c.id)))
    .values(
        claimed_by=bindparam("worker"),
        due_at=bindparam("until"),
        attempts=delivery.c.attempts + case((WAS_CLAIMED, 1), else_=0),
        last_error=case((WAS_CLAIMED, WORKER_LOST), else_=delivery.c.last_error),
    )
    .returning(*CLAIMED)
)
NEXT_IN_AGGREGATE = select(func.min(earlier.c.id)).where(
    earlier.c.subscriber == bindparam("of_subscriber"),
    earlier.c.aggregate == bindparam("of_aggregate"),
    *BLOCKING,
)
CLAIM_NEXT = (
    update(delivery)
    .where(delivery.c.id == NEXT_IN_AGGREGATE.scalar_subquery(), delivery.c.due_at <= bindparam("now"))
    .values(claimed_by=bindparam("worker"), due_at=bindparam("until"))
    .returning(*CLAIMED)
)
INSERT = insert(delivery)
DELETE_HANDLED = (
    delete(delivery)
    .where(delivery.c.id == bindparam("this"), delivery.c.claimed_by == bindparam("worker"))
    .returning(delivery.c.id)
)


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How deliveries are tried, and tried again."""

    batch_size: int = 10
    """How many a process takes up together, at the most."""

    max_in_a_row: int = 100
    """How many about one thing it delivers one after another, before others have their turn."""

    lease: timedelta = timedelta(seconds=30)
    """How long it may hold one; then it counts as ended, and others may take the delivery up."""

    handler_timeout: timedelta = timedelta(seconds=10)
    """How long a handler may take; well below the lease, so that only who has ended loses what it holds."""

    attempts: int = 12
    """How often it is tried before it is dead; with these pauses, for half an hour on the average."""

    initial_backoff: timedelta = timedelta(seconds=1)
    max_backoff: timedelta = timedelta(hours=1)

    def backoff(self, attempts: int) -> timedelta:
        """Return how long to wait after so many attempts: "Full Jitter", so that chance spreads what failed.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ compares it with others.
        """
        longest = min(self.max_backoff, self.initial_backoff * 2.0**attempts)
        return uniform(0, 1) * longest  # noqa: S311 - no secret is drawn from it


@dataclass(frozen=True, slots=True)
class _Subscriber:
    event: type[Event]
    handler: HandlerProvider


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery that this process has taken up, until the lease ends."""

    id: int
    subscriber: str
    event: str
    aggregate: str
    payload: str
    attempts: int
    until: datetime


class Outbox:
    """Keeps a delivery for each subscriber of an event, from the publisher's commit until it is handled.

    The transaction in which a handler writes is the one that forgets the delivery. So what it does to
    the database is done once, and what it does to the world at least once.
    """

    def __init__(self, database: Database, signals: Signals, clock: Clock, policy: DeliveryPolicy) -> None:
        self._database = database
        self._signals = signals
        self._clock = clock
        self.policy = policy
        self._subscribers: dict[tuple[str, str], _Subscriber] = {}
        self._json: dict[type[Event], TypeAdapter[Any]] = {}
        # Tells this outbox from those of other processes on the same table.
        self._worker_id = secrets.token_hex(8)

    def subscribe(self, module: str, event: type[Event], handler: HandlerProvider) -> bool:
        """Deliver events of exactly this type to the module; return whether it is the first that wants them.

        Raises `ValueError` when the module has subscribed to an event of this name already: deliveries
        are kept by these two names.
        """
        name = (module, event.__name__)
        if name in self._subscribers:
            raise ValueError(f"{module} subscribes twice to {event.__name__} after the commit")
        first = event not in self._json
        self._subscribers[name] = _Subscriber(event, handler)
        self._json.setdefault(event, TypeAdapter(event))
        return first

    @property
    def subscriptions(self) -> Sequence[str]:
        """The deliveries that this process can make, as `module/Event`."""
        return [f"{module}/{event}" for module, event in self._subscribers]

    async def add(self, event: Event) -> None:
        """Keep the event for each of its subscribers, in the publisher's transaction."""
        now = self._clock.now()
        kept = {
            "event": type(event).__name__,
            "aggregate": event.aggregate,
            "payload": self._json[type(event)].dump_json(event).decode(),
            "published_at": now,
            "due_at": now,
            "attempts": 0,
        }
        rows = [
            {"subscriber": module, **kept}
            for (module, _), subscriber in self._subscribers.items()
            if subscriber.event is type(event)
        ]
        async with self._database.transaction() as session:
            await session.execute(INSERT, rows)
            await self._signals.send(OUTBOX_TOPIC)

    async def seconds_until_due(self) -> float | None:
        """Return how long it is until one can be taken up, 0 for now, or None when there is none."""
        async with self._database.snapshot() as session:
            due_at = await session.scalar(FIRST_DUE, {"subscriptions": self.subscriptions})
        return None if due_at is None else max(0.0, (due_at - self._clock.now()).total_seconds())

    async def claim_due(self) -> Sequence[ClaimedDelivery]:
        """Return deliveries that are due, in order, which nobody else takes up before their lease ends."""
        due = {"subscriptions": self.subscriptions, "batch_size": self.policy.batch_size, **self._lease()}
        async with self._database.transaction() as session:
            taken = [ClaimedDelivery(*row) for row in await session.execute(CLAIM_DUE, due)]
            # Whoever had these so often ended each time.
            spent = {claimed.id for claimed in taken if claimed.attempts >= self.policy.attempts}
            if spent:
                log.error("deliveries are dead", deliveries=sorted(spent), error=WORKER_LOST)
                await session.execute(_where_id(spent).values(due_at=None, claimed_by=None))
        return sorted(
            (claimed for claimed in taken if claimed.id not in spent), key=lambda claimed: claimed.id
        )

    async def handle(self, claimed: ClaimedDelivery) -> ClaimedDelivery | None:
        """Let the subscriber handle the delivery; return the next one about the same thing, if it is due.

        That one is taken up, too. Raises what the handler raises, `TimeoutError` when it takes too long,
        and `ValueError` for an event that cannot be read any more; then nothing has changed.
        """
        subscriber = self._subscribers[claimed.subscriber, claimed.event]
        event = self._json[subscriber.event].validate_json(claimed.payload)
        async with self._database.transaction() as session:
            # Now, and not when it is done: from here on the row is locked, so that nobody takes it up
            # while the handler is at it, not even when the lease has ended.
            found = await session.execute(DELETE_HANDLED, {"this": claimed.id, "worker": self._worker_id})
            if found.one_or_none() is None:
                log.warning("somebody else has taken up a delivery", delivery=claimed.id)
                return None
            async with asyncio.timeout(self.policy.handler_timeout.total_seconds()):
                await subscriber.handler()(event)
            line = {
                "of_subscriber": claimed.subscriber,
                "of_aggregate": claimed.aggregate,
                "subscriptions": self.subscriptions,
            }
            row = (await session.execute(CLAIM_NEXT, line | self._lease())).one_or_none()
            return None if row is None else ClaimedDelivery(*row)

    async def fail(self, claimed: ClaimedDelivery, error: Exception) -> bool:
        """Keep why a delivery was not handled, and try again later; return whether it is dead instead."""
        attempts = claimed.attempts + 1
        dead = attempts >= self.policy.attempts
        due_at = None if dead else self._clock.now() + self.policy.backoff(attempts)
        told = "".join(traceback.format_exception(error))[-MAX_ERROR_LENGTH:].replace("\0", "")
        async with self._database.transaction() as session:
            await session.execute(
                _where_id({claimed.id})
                .where(delivery.c.claimed_by == self._worker_id)
                .values(attempts=attempts, due_at=due_at, claimed_by=None, last_error=told)
            )
            if due_at is not None:
                await _postpone(session, claimed, due_at)
        return dead

    async def release(self, claimed: Sequence[ClaimedDelivery]) -> None:
        """Leave deliveries that were taken up, and not begun, to whoever comes first."""
        async with self._database.transaction() as session:
            await session.execute(
                _where_id({one.id for one in claimed})
                .where(delivery.c.claimed_by == self._worker_id)
                .values(claimed_by=None, due_at=self._clock.now())
            )
            await self._signals.send(OUTBOX_TOPIC)

    def lease_covers(self, claimed: ClaimedDelivery) -> bool:
        """Return whether the lease lasts longer than a handler may take."""
        return claimed.until - self._clock.now() > self.policy.handler_timeout

    def _lease(self) -> dict[str, object]:
        now = self._clock.now()
        return {"now": now, "until": now + self.policy.lease, "worker": self._worker_id}


async def _postpone(session: AsyncSession, claimed: ClaimedDelivery, due_at: datetime) -> None:
    # Those that wait for it need not be looked at before. There may be many, and looking is not free.
    after_position = (
        delivery.c.subscriber == claimed.subscriber,
        delivery.c.aggregate == claimed.aggregate,
        delivery.c.id > claimed.id,
        delivery.c.due_at < due_at,
    )
    await session.execute(update(delivery).where(*after_position).values(due_at=due_at))


def _where_id(ids: set[int]) -> Any:
    return update(delivery).where(delivery.c.id.in_(ids))
