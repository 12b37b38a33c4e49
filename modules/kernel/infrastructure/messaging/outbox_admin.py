"""Inspection and administration of the outbox by operators."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property

from sqlalchemy import (
    ColumnElement,
    Delete,
    Update,
    and_,
    bindparam,
    case,
    delete,
    false,
    or_,
    select,
    true,
    update,
)

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.messaging.outbox import OUTBOX_TOPIC, VERSION_MARK, Outbox
from modules.kernel.infrastructure.messaging.outbox_statements import MAX_COUNT, READ_COUNTS, deliveries
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.messaging.tables import Failure
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids
from modules.kernel.infrastructure.persistence.postgresql import PREFER_INDEXES
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare

BATCH_SIZE = 1_000
"""The number of deliveries that one transaction of an operator's command changes."""

MAX_EXAMINED = 10_000
"""The number of deliveries among which a transaction looks for old ones."""


class DeliveryState(Enum):
    """The state of a delivery."""

    PENDING = "pending"
    """To be delivered or retried."""

    DEAD = "dead"
    """Out of attempts; an operator may retry it."""

    INCOMPATIBLE = "incompatible"
    """This release cannot read its payload, which another release has written."""

    ORPHANED = "orphaned"
    """No enabled module subscribes to it."""


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery in the outbox."""

    id: int
    state: DeliveryState
    failure: Failure | None
    """How the last attempt failed; None without one."""

    subscriber: str
    event: str
    aggregate: str
    payload: str
    published_at: datetime
    due_at: datetime | None
    attempts: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """The number of deliveries in the outbox by state, each counted up to `max_count` only."""

    pending: int
    oldest_pending_seconds: float
    """The age of the oldest pending delivery; 0 without any. If more are pending than are counted, the age
    of the oldest one that is counted."""

    dead: int
    """Out of attempts, or incompatible."""

    orphaned: int
    lag_seconds: Mapping[str, float] = field(default_factory=dict)
    """The age of the oldest pending delivery of each subscriber; 0 without any."""

    max_count: int = MAX_COUNT
    """A count of this number means that there may be more."""


class OutboxAdmin:
    """Reads an outbox, and retries or deletes its deliveries for an operator."""

    def __init__(self, database: Database, signals: Signals, clock: Clock, outbox: Outbox) -> None:
        self._database = database
        self._signals = signals
        self._clock = clock
        self._outbox = outbox

    async def backlog(self) -> Backlog:
        """Return the number of deliveries by state, and the age of the oldest pending one.

        Its cost does not grow with the number of deliveries: each count ends at `max_count`.
        """
        counts = dict.fromkeys(DeliveryState, 0)
        published_at: dict[str, datetime] = {}
        async with self._database.snapshot():
            if self._database.dialect == "postgresql":
                await self._database.execute(PREFER_INDEXES)
            rows = await self._database.fetch_all(READ_COUNTS)
        subscriptions = set(self._outbox.subscriptions)
        for subscriber, event, pending, dead, oldest in rows:
            name = f"{subscriber}/{event}"
            if name.partition(VERSION_MARK)[0] not in subscriptions:
                counts[DeliveryState.ORPHANED] += pending + dead
                continue
            counts[DeliveryState.PENDING] += pending
            counts[DeliveryState.DEAD] += dead
            # Those of a newer version of the schema, a newer release delivers.
            if oldest is not None and name in subscriptions:
                published_at[subscriber] = min(oldest, published_at.get(subscriber, oldest))
        now = self._clock.now()
        lag = {
            subscriber: max(0.0, (now - published_at.get(subscriber, now)).total_seconds())
            for subscriber in self._outbox.subscribers
        }
        return Backlog(
            min(counts[DeliveryState.PENDING], MAX_COUNT),
            max(lag.values(), default=0.0),
            min(counts[DeliveryState.DEAD], MAX_COUNT),
            min(counts[DeliveryState.ORPHANED], MAX_COUNT),
            lag,
        )

    async def oldest(self, states: Collection[DeliveryState], limit: int) -> Sequence[StoredDelivery]:
        """Return up to `limit` deliveries in these states, the oldest first."""
        return await self._select(self._is_in(states), limit)

    async def by_id(self, ids: Collection[int]) -> Sequence[StoredDelivery]:
        """Return the deliveries that exist among these, in order."""
        return await self._select(deliveries.c.id.in_(ids), len(ids))

    async def retry(self, states: Collection[DeliveryState], ids: Collection[int] | None = None) -> int:
        """Reset the attempts of deliveries in these states, or of those in `ids`, and make them due.

        Returns how many there were.
        """
        retried = update(deliveries).values(
            due_at=self._clock.now(), attempts=0, claimed_by=None, failure=None
        )
        # Others are left to their release, which may be delivering them at the moment.
        is_readable = _name().in_(self._outbox.subscriptions)
        return await self._change(retried, [is_readable, *self._chosen(states, ids)])

    async def purge(self, states: Collection[DeliveryState], ids: Collection[int] | None = None) -> int:
        """Delete the deliveries in these states, or those in `ids`, undelivered; return how many."""
        return await self._change(delete(deliveries), self._chosen(states, ids))

    async def delete_old(self, retention: timedelta) -> bool:
        """Delete a batch of undeliverable deliveries that were published longer ago than the retention.

        Returns whether there may be more.
        """
        parameters = {"before": self._clock.now() - retention}
        return len(await self._database.fetch_values(self._delete_old, parameters)) == BATCH_SIZE

    @cached_property
    def _delete_old(self) -> PreparedStatement:
        # Ids are in the order of publication, so the others need not be read.
        oldest = select(deliveries.c.id).order_by(deliveries.c.id).limit(MAX_EXAMINED).subquery()
        nobody_subscribes = and_(true(), *(_name() != name for name in self._outbox.subscriptions))
        old = (
            select(deliveries.c.id)
            .join(oldest, oldest.c.id == deliveries.c.id)
            .where(
                deliveries.c.published_at < bindparam("before"),
                or_(deliveries.c.due_at.is_(None), nobody_subscribes),
            )
            .limit(BATCH_SIZE)
        )
        return prepare(delete(deliveries).where(deliveries.c.id.in_(old)).returning(deliveries.c.id))

    def _chosen(
        self, states: Collection[DeliveryState], ids: Collection[int] | None
    ) -> Sequence[ColumnElement[bool]]:
        return [self._is_in(states), true() if ids is None else deliveries.c.id.in_(ids)]

    async def _change(self, change: Update | Delete, chosen: Sequence[ColumnElement[bool]]) -> int:
        """Change the chosen deliveries in batches; return how many.

        In one transaction, millions would exceed the statement timeout of PostgreSQL, and keep other
        writers of SQLite waiting.
        """
        changed = last_id = 0
        while batch := await self._change_batch(change, [*chosen, deliveries.c.id > last_id]):
            changed += len(batch)
            last_id = batch[-1]
        return changed

    async def _change_batch(
        self, change: Update | Delete, chosen: Sequence[ColumnElement[bool]]
    ) -> Sequence[int]:
        batch = (
            select(deliveries.c.id)
            .where(*chosen)
            .order_by(deliveries.c.id)
            .limit(BATCH_SIZE)
            .with_for_update()
        )
        async with self._database.transaction() as session:
            ids: Sequence[int] = (await session.scalars(batch)).all()
            if ids:
                await session.execute(change.where(in_ids(deliveries.c.id, "changed")), {"changed": ids})
                await self._signals.send(OUTBOX_TOPIC)
        return ids

    async def _select(self, condition: ColumnElement[bool], limit: int) -> Sequence[StoredDelivery]:
        statement = (
            select(
                deliveries.c.id,
                self._state(),
                deliveries.c.failure,
                deliveries.c.subscriber,
                deliveries.c.event,
                deliveries.c.aggregate,
                deliveries.c.payload,
                deliveries.c.published_at,
                deliveries.c.due_at,
                deliveries.c.attempts,
                deliveries.c.last_error,
            )
            .where(condition)
            .order_by(deliveries.c.id)
            .limit(limit)
        )
        async with self._database.snapshot() as session:
            return [
                StoredDelivery(
                    delivery_id, DeliveryState(state), Failure(failure) if failure else None, *columns
                )
                for delivery_id, state, failure, *columns in await session.execute(statement)
            ]

    def _is_in(self, states: Collection[DeliveryState]) -> ColumnElement[bool]:
        return self._state().in_([state.value for state in states])

    def _state(self) -> ColumnElement[str]:
        subscriptions = self._outbox.subscriptions
        name = _name()
        newer = [
            name.startswith(f"{subscription}{VERSION_MARK}", autoescape=True)
            for subscription in subscriptions
        ]
        is_dead = deliveries.c.due_at.is_(None)
        return case(
            (
                name.not_in(subscriptions),
                case(
                    (or_(false(), *newer), DeliveryState.INCOMPATIBLE.value),
                    else_=DeliveryState.ORPHANED.value,
                ),
            ),
            (
                is_dead & (deliveries.c.failure == Failure.INCOMPATIBLE.value),
                DeliveryState.INCOMPATIBLE.value,
            ),
            (is_dead, DeliveryState.DEAD.value),
            else_=DeliveryState.PENDING.value,
        )


def _name() -> ColumnElement[str]:
    """Select the subscription of a delivery, as in `Outbox.subscriptions`."""
    name: ColumnElement[str] = deliveries.c.subscriber + "/" + deliveries.c.event
    return name
