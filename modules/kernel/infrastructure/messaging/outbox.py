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

DELIVERIES = "deliveries"
"""The topic of the signal that there may be something to deliver."""

ENDED = "its process ended, or was stuck, while it had this one"
MAX_ERROR_LENGTH = 10_000

log = structlog.get_logger("conduit.outbox")

# Tables and not mapped classes, and statements that are built once, as in every hot place.
delivery: Any = DeliveryRow.__table__
earlier: Any = delivery.alias("earlier")


def _is_known(row: Any) -> ColumnElement[bool]:
    # Put together, so that no index is chosen for it: the one that sorts by time must be.
    name: ColumnElement[str] = row.c.subscriber + "/" + row.c.event
    return name.in_(bindparam("known", expanding=True))


KNOWN = _is_known(delivery)
WAITED_FOR = (_is_known(earlier), earlier.c.due_at.is_not(None))
# An event waits for those before it about the same thing, so that a subscriber is told in order. For
# one that is dead, or that nobody is told of any more, none waits. It is the least id and not "there is
# no lesser one", which PostgreSQL would answer for the whole table before it looks at the first row.
FIRST_IN_LINE = (
    delivery.c.id
    == select(func.min(earlier.c.id))
    .where(
        earlier.c.subscriber == delivery.c.subscriber,
        earlier.c.aggregate == delivery.c.aggregate,
        *WAITED_FOR,
    )
    .correlate(delivery)
    .scalar_subquery()
)
FIRST_DUE = (
    select(delivery.c.due_at)
    .where(KNOWN, FIRST_IN_LINE, delivery.c.due_at.is_not(None))
    .order_by(delivery.c.due_at, delivery.c.id)
    .limit(1)
)
# Locked rows are being handled, or taken up, by others. SQLite has no such locks and needs none: its
# writers take turns. Materialized, or PostgreSQL may look for due ones again for every row.
DUE = (
    select(delivery.c.id)
    .where(KNOWN, FIRST_IN_LINE, delivery.c.due_at <= bindparam("now"))
    .order_by(delivery.c.due_at, delivery.c.id)
    .limit(bindparam("at_once"))
    .with_for_update(skip_locked=True)
    .cte("due")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
HELD = (
    delivery.c.id,
    delivery.c.subscriber,
    delivery.c.event,
    delivery.c.aggregate,
    delivery.c.payload,
    delivery.c.attempts,
    delivery.c.due_at,
)
WAS_HELD = delivery.c.held_by.is_not(None)
TAKE_UP = (
    update(delivery)
    .where(delivery.c.id.in_(select(DUE.c.id)))
    .values(
        held_by=bindparam("holder"),
        due_at=bindparam("until"),
        attempts=delivery.c.attempts + case((WAS_HELD, 1), else_=0),
        error=case((WAS_HELD, ENDED), else_=delivery.c.error),
    )
    .returning(*HELD)
)
NEXT_IN_LINE = select(func.min(earlier.c.id)).where(
    earlier.c.subscriber == bindparam("of_subscriber"),
    earlier.c.aggregate == bindparam("of_aggregate"),
    *WAITED_FOR,
)
TAKE_UP_NEXT = (
    update(delivery)
    .where(delivery.c.id == NEXT_IN_LINE.scalar_subquery(), delivery.c.due_at <= bindparam("now"))
    .values(held_by=bindparam("holder"), due_at=bindparam("until"))
    .returning(*HELD)
)
PUT = insert(delivery)
HANDLED = (
    delete(delivery)
    .where(delivery.c.id == bindparam("this"), delivery.c.held_by == bindparam("holder"))
    .returning(delivery.c.id)
)


@dataclass(frozen=True, slots=True)
class Policy:
    """How deliveries are tried, and tried again."""

    at_once: int = 10
    """How many a process takes up together, at the most."""

    in_a_row: int = 100
    """How many about one thing it delivers one after another, before others have their turn."""

    lease: timedelta = timedelta(seconds=30)
    """How long it may hold one; then it counts as ended, and others may take the delivery up."""

    patience: timedelta = timedelta(seconds=10)
    """How long a handler may take; well below the lease, so that only who has ended loses what it holds."""

    attempts: int = 12
    """How often it is tried before it is dead; with these pauses, for half an hour on the average."""

    first_pause: timedelta = timedelta(seconds=1)
    longest_pause: timedelta = timedelta(hours=1)

    def pause(self, attempts: int) -> timedelta:
        """Return how long to wait after so many attempts: "Full Jitter", so that chance spreads what failed.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ compares it with others.
        """
        longest = min(self.longest_pause, self.first_pause * 2.0**attempts)
        return uniform(0, 1) * longest  # noqa: S311 - no secret is drawn from it


@dataclass(frozen=True, slots=True)
class _Subscriber:
    event: type[Event]
    handler: HandlerProvider


@dataclass(frozen=True, slots=True)
class Held:
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

    def __init__(self, database: Database, signals: Signals, clock: Clock, policy: Policy) -> None:
        self._database = database
        self._signals = signals
        self._clock = clock
        self.policy = policy
        self._subscribers: dict[tuple[str, str], _Subscriber] = {}
        self._json: dict[type[Event], TypeAdapter[Any]] = {}
        # Tells this outbox from those of other processes on the same table.
        self._holder = secrets.token_hex(8)

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
    def known(self) -> Sequence[str]:
        """The deliveries that this process can make, as `module/Event`."""
        return [f"{module}/{event}" for module, event in self._subscribers]

    async def put(self, event: Event) -> None:
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
            await session.execute(PUT, rows)
            await self._signals.send(DELIVERIES)

    async def seconds_to_next(self) -> float | None:
        """Return how long it is until one can be taken up, 0 for now, or None when there is none."""
        async with self._database.snapshot() as session:
            due_at = await session.scalar(FIRST_DUE, {"known": self.known})
        return None if due_at is None else max(0.0, (due_at - self._clock.now()).total_seconds())

    async def take_up(self) -> Sequence[Held]:
        """Return deliveries that are due, in order, which nobody else takes up before their lease ends."""
        due = {"known": self.known, "at_once": self.policy.at_once, **self._lease()}
        async with self._database.transaction() as session:
            taken = [Held(*row) for row in await session.execute(TAKE_UP, due)]
            # Whoever had these so often ended each time.
            spent = {held.id for held in taken if held.attempts >= self.policy.attempts}
            if spent:
                log.error("deliveries are dead", deliveries=sorted(spent), error=ENDED)
                await session.execute(_where_id(spent).values(due_at=None, held_by=None))
        return sorted((held for held in taken if held.id not in spent), key=lambda held: held.id)

    async def handle(self, held: Held) -> Held | None:
        """Let the subscriber handle the delivery; return the next one about the same thing, if it is due.

        That one is taken up, too. Raises what the handler raises, `TimeoutError` when it takes too long,
        and `ValueError` for an event that cannot be read any more; then nothing has changed.
        """
        subscriber = self._subscribers[held.subscriber, held.event]
        event = self._json[subscriber.event].validate_json(held.payload)
        async with self._database.transaction() as session:
            # Now, and not when it is done: from here on the row is locked, so that nobody takes it up
            # while the handler is at it, not even when the lease has ended.
            found = await session.execute(HANDLED, {"this": held.id, "holder": self._holder})
            if found.one_or_none() is None:
                log.warning("somebody else has taken up a delivery", delivery=held.id)
                return None
            async with asyncio.timeout(self.policy.patience.total_seconds()):
                await subscriber.handler()(event)
            line = {"of_subscriber": held.subscriber, "of_aggregate": held.aggregate, "known": self.known}
            row = (await session.execute(TAKE_UP_NEXT, line | self._lease())).one_or_none()
            return None if row is None else Held(*row)

    async def fail(self, held: Held, error: Exception) -> bool:
        """Keep why a delivery was not handled, and try again later; return whether it is dead instead."""
        attempts = held.attempts + 1
        dead = attempts >= self.policy.attempts
        due_at = None if dead else self._clock.now() + self.policy.pause(attempts)
        told = "".join(traceback.format_exception(error))[-MAX_ERROR_LENGTH:].replace("\0", "")
        async with self._database.transaction() as session:
            await session.execute(
                _where_id({held.id})
                .where(delivery.c.held_by == self._holder)
                .values(attempts=attempts, due_at=due_at, held_by=None, error=told)
            )
            if due_at is not None:
                await _postpone(session, held, due_at)
        return dead

    async def let_go(self, held: Sequence[Held]) -> None:
        """Leave deliveries that were taken up, and not begun, to whoever comes first."""
        async with self._database.transaction() as session:
            await session.execute(
                _where_id({one.id for one in held})
                .where(delivery.c.held_by == self._holder)
                .values(held_by=None, due_at=self._clock.now())
            )
            await self._signals.send(DELIVERIES)

    def outlasts(self, held: Held) -> bool:
        """Return whether the lease lasts longer than a handler may take."""
        return held.until - self._clock.now() > self.policy.patience

    def _lease(self) -> dict[str, object]:
        now = self._clock.now()
        return {"now": now, "until": now + self.policy.lease, "holder": self._holder}


async def _postpone(session: AsyncSession, held: Held, due_at: datetime) -> None:
    # Those that wait for it need not be looked at before. There may be many, and looking is not free.
    after_position = (
        delivery.c.subscriber == held.subscriber,
        delivery.c.aggregate == held.aggregate,
        delivery.c.id > held.id,
        delivery.c.due_at < due_at,
    )
    await session.execute(update(delivery).where(*after_position).values(due_at=due_at))


def _where_id(ids: set[int]) -> Any:
    return update(delivery).where(delivery.c.id.in_(ids))
