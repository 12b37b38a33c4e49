"""The outbox as operators see it."""

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

delivery: Any = DeliveryRow.__table__


class DeliveryState(Enum):
    """What becomes of a delivery."""

    PENDING = "pending"
    """It is on its way, or will be tried again."""

    DEAD = "dead"
    """It failed so often that it is not tried again, unless somebody says so."""

    ORPHANED = "orphaned"
    """No module that is switched on here subscribes to it."""


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery that is kept in the outbox."""

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
    """How much there is in the outbox."""

    waiting: int
    oldest_pending_seconds: float
    """Since when the oldest that is waiting has waited; 0 when none is."""

    dead: int
    orphaned: int


class OutboxAdmin:
    """Looks into an outbox, and changes what is in it, on an operator's word."""

    def __init__(self, database: Database, signals: Signals, clock: Clock, outbox: Outbox) -> None:
        self._database = database
        self._signals = signals
        self._clock = clock
        self._outbox = outbox

    async def backlog(self) -> Backlog:
        """Return how much there is."""
        state = self._state().label("state")
        statement = select(state, func.count(), func.min(delivery.c.published_at)).group_by(state)
        async with self._database.snapshot() as session:
            found = {
                DeliveryState(name): (count, oldest)
                for name, count, oldest in await session.execute(statement)
            }
        counts = {one: found.get(one, (0, None))[0] for one in DeliveryState}
        _, oldest = found.get(DeliveryState.PENDING, (0, None))
        waited = 0.0 if oldest is None else (self._clock.now() - oldest).total_seconds()
        return Backlog(
            counts[DeliveryState.PENDING],
            max(0.0, waited),
            counts[DeliveryState.DEAD],
            counts[DeliveryState.ORPHANED],
        )

    async def oldest(self, states: Collection[DeliveryState], limit: int) -> Sequence[StoredDelivery]:
        """Return deliveries in these states, the oldest first."""
        return await self._found(self._is(states), limit)

    async def by_id(self, ids: Collection[int]) -> Sequence[StoredDelivery]:
        """Return those of the deliveries that there are, in order."""
        return await self._found(delivery.c.id.in_(ids), len(ids))

    async def retry(self, states: Collection[DeliveryState], ids: Collection[int] | None = None) -> int:
        """Let deliveries in these states, all or some, be tried now as if for the first time.

        Returns how many there were.
        """
        changed = update(delivery).values(due_at=self._clock.now(), attempts=0, claimed_by=None)
        async with self._database.transaction() as session:
            found = await session.execute(changed.where(*self._chosen(states, ids)).returning(delivery.c.id))
            await self._signals.send(OUTBOX_TOPIC)
            return len(found.all())

    async def purge(self, states: Collection[DeliveryState], ids: Collection[int] | None = None) -> int:
        """Forget deliveries in these states, all or some; they never happen. Returns how many there were."""
        gone = delete(delivery).where(*self._chosen(states, ids)).returning(delivery.c.id)
        async with self._database.transaction() as session:
            return len((await session.execute(gone)).all())

    async def _found(self, condition: ColumnElement[bool], limit: int) -> Sequence[StoredDelivery]:
        statement = (
            select(
                delivery.c.id,
                self._state(),
                delivery.c.subscriber,
                delivery.c.event,
                delivery.c.aggregate,
                delivery.c.payload,
                delivery.c.published_at,
                delivery.c.due_at,
                delivery.c.attempts,
                delivery.c.last_error,
            )
            .where(condition)
            .order_by(delivery.c.id)
            .limit(limit)
        )
        async with self._database.snapshot() as session:
            return [
                StoredDelivery(key, DeliveryState(state), *others)
                for key, state, *others in await session.execute(statement)
            ]

    def _chosen(
        self, states: Collection[DeliveryState], ids: Collection[int] | None
    ) -> Sequence[ColumnElement[bool]]:
        return [self._is(states), true() if ids is None else delivery.c.id.in_(ids)]

    def _is(self, states: Collection[DeliveryState]) -> ColumnElement[bool]:
        return self._state().in_([state.value for state in states])

    def _state(self) -> ColumnElement[str]:
        subscriptions = self._outbox.subscriptions
        name: ColumnElement[str] = delivery.c.subscriber + "/" + delivery.c.event
        return case(
            (name.not_in(subscriptions), DeliveryState.ORPHANED.value),
            (delivery.c.due_at.is_(None), DeliveryState.DEAD.value),
            else_=DeliveryState.PENDING.value,
        )
