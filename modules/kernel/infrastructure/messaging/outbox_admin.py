"""Inspection and administration of the outbox by operators."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, select, true, update

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.messaging.outbox import OUTBOX_TOPIC, Outbox
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.messaging.tables import DeliveryRow
from modules.kernel.infrastructure.persistence.database import Database

deliveries: Any = DeliveryRow.__table__


class DeliveryState(Enum):
    """The state of a delivery."""

    PENDING = "pending"
    """To be delivered or retried."""

    DEAD = "dead"
    """Out of attempts; an operator may retry it."""

    ORPHANED = "orphaned"
    """No enabled module subscribes to it."""


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery in the outbox."""

    id: int
    state: DeliveryState
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
    """The number of deliveries in the outbox by state."""

    pending: int
    oldest_pending_seconds: float
    """The age of the oldest pending delivery; 0 without any."""

    dead: int
    orphaned: int


class OutboxAdmin:
    """Reads an outbox, and retries or deletes its deliveries for an operator."""

    def __init__(self, database: Database, signals: Signals, clock: Clock, outbox: Outbox) -> None:
        self._database = database
        self._signals = signals
        self._clock = clock
        self._outbox = outbox

    async def backlog(self) -> Backlog:
        """Return the number of deliveries by state, and the age of the oldest pending one."""
        state = self._state().label("state")
        statement = select(state, func.count(), func.min(deliveries.c.published_at)).group_by(state)
        async with self._database.snapshot() as session:
            by_state = {
                DeliveryState(name): (count, oldest)
                for name, count, oldest in await session.execute(statement)
            }
        counts = {state: by_state.get(state, (0, None))[0] for state in DeliveryState}
        _, oldest = by_state.get(DeliveryState.PENDING, (0, None))
        age = 0.0 if oldest is None else (self._clock.now() - oldest).total_seconds()
        return Backlog(
            counts[DeliveryState.PENDING],
            max(0.0, age),
            counts[DeliveryState.DEAD],
            counts[DeliveryState.ORPHANED],
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
        retried = (
            update(deliveries)
            .where(*self._chosen(states, ids))
            .values(due_at=self._clock.now(), attempts=0, claimed_by=None)
            .returning(deliveries.c.id)
        )
        async with self._database.transaction() as session:
            rows = await session.execute(retried)
            await self._signals.send(OUTBOX_TOPIC)
            return len(rows.all())

    async def purge(self, states: Collection[DeliveryState], ids: Collection[int] | None = None) -> int:
        """Delete the deliveries in these states, or those in `ids`, undelivered; return how many."""
        deleted = delete(deliveries).where(*self._chosen(states, ids)).returning(deliveries.c.id)
        async with self._database.transaction() as session:
            return len((await session.execute(deleted)).all())

    async def _select(self, condition: ColumnElement[bool], limit: int) -> Sequence[StoredDelivery]:
        statement = (
            select(
                deliveries.c.id,
                self._state(),
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
                StoredDelivery(delivery_id, DeliveryState(state), *columns)
                for delivery_id, state, *columns in await session.execute(statement)
            ]

    def _chosen(
        self, states: Collection[DeliveryState], ids: Collection[int] | None
    ) -> Sequence[ColumnElement[bool]]:
        return [self._is_in(states), true() if ids is None else deliveries.c.id.in_(ids)]

    def _is_in(self, states: Collection[DeliveryState]) -> ColumnElement[bool]:
        return self._state().in_([state.value for state in states])

    def _state(self) -> ColumnElement[str]:
        subscriptions = self._outbox.subscriptions
        name: ColumnElement[str] = deliveries.c.subscriber + "/" + deliveries.c.event
        return case(
            (name.not_in(subscriptions), DeliveryState.ORPHANED.value),
            (deliveries.c.due_at.is_(None), DeliveryState.DEAD.value),
            else_=DeliveryState.PENDING.value,
        )
