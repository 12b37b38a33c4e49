"""The statements of the outbox. Their cost does not grow with the number of orphaned deliveries.

They read the deliveries of each subscription by the index on subscriber, event and due_at. Millions of
deliveries of a module that was removed stay unread.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    ScalarSelect,
    Select,
    Subquery,
    Update,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    union_all,
    update,
)

from modules.kernel.infrastructure.messaging.tables import DeliveryRow, Failure
from modules.kernel.infrastructure.persistence.statements import prepare

Subscription = tuple[str, str]
"""The names of a module and of an event."""

MAX_COUNT = 1_000
"""The number of deliveries of one subscription and state up to which they are counted."""

WORKER_LOST = "the worker crashed or timed out while handling this delivery"

deliveries: Any = DeliveryRow.__table__
earlier: Any = deliveries.alias("earlier")

CLAIMED = (
    deliveries.c.id,
    deliveries.c.subscriber,
    deliveries.c.event,
    deliveries.c.aggregate,
    deliveries.c.payload,
    deliveries.c.attempts,
    deliveries.c.due_at,
    deliveries.c.published_at,
)
INSERT = prepare(insert(deliveries))
DELETE_HANDLED = prepare(
    delete(deliveries)
    .where(deliveries.c.id == bindparam("delivery_id"), deliveries.c.claimed_by == bindparam("worker"))
    .returning(deliveries.c.id)
)


def _first_of_aggregate(
    subscriber: ColumnElement[str],
    aggregate: ColumnElement[str],
    events: Collection[str] | BindParameter[Any],
) -> ScalarSelect[int]:
    # Dead and orphaned deliveries block nothing.
    return (
        select(func.min(earlier.c.id))
        .where(
            earlier.c.subscriber == subscriber,
            earlier.c.aggregate == aggregate,
            earlier.c.event.in_(events),
            earlier.c.due_at.is_not(None),
        )
        .correlate(deliveries)
        .scalar_subquery()
    )


CLAIM_NEXT = (
    update(deliveries)
    .where(
        deliveries.c.id
        == _first_of_aggregate(
            bindparam("of_subscriber"),
            bindparam("of_aggregate"),
            bindparam("of_events", expanding=True),
        ),
        deliveries.c.due_at <= bindparam("now"),
    )
    .values(claimed_by=bindparam("worker"), due_at=bindparam("lease_expires_at"))
    .returning(*CLAIMED)
)


# Among what is due later than now, only by as much as a lease, few are not claimed.
RELEASE = (
    update(deliveries)
    .where(
        deliveries.c.subscriber == bindparam("of_subscriber"),
        deliveries.c.event.in_(bindparam("of_events", expanding=True)),
        deliveries.c.due_at > bindparam("now"),
        deliveries.c.due_at <= bindparam("lease_expires_at"),
        deliveries.c.claimed_by == bindparam("worker"),
    )
    .values(claimed_by=None, due_at=bindparam("now"))
)


def events_of(subscriber: str, subscriptions: Iterable[Subscription]) -> Sequence[str]:
    """Return the events that the module subscribes to."""
    return [event for module, event in subscriptions if module == subscriber]


def first_due(subscriptions: Collection[Subscription]) -> Select[Any]:
    """Select each subscriber with pending deliveries of these subscriptions, and when the first is due."""
    each = [_pending(subscription, subscriptions).limit(1).subquery() for subscription in subscriptions]
    first = _union(each)
    return select(first.c.subscriber, func.min(first.c.due_at)).group_by(first.c.subscriber)


def claim_due(subscriptions: Collection[Subscription]) -> Update:
    """Update the `batch_size` deliveries of these subscriptions that are due first, and return them.

    `now`, `worker` and `lease_expires_at` are the other parameters.
    """
    # Locked rows are being claimed or handled by other workers. SQLite has one writer at a time and needs
    # no row locks. Rows locked here and not claimed are skipped by others until the commit.
    each = [
        _pending(subscription, subscriptions)
        .where(deliveries.c.due_at <= bindparam("now"))
        .limit(bindparam("batch_size"))
        .with_for_update(skip_locked=True)
        .subquery()
        for subscription in subscriptions
    ]
    candidates = _union(each)
    # Materialized, or PostgreSQL may evaluate it again for every row.
    due = (
        select(candidates.c.id)
        .order_by(candidates.c.due_at, candidates.c.id)
        .limit(bindparam("batch_size"))
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    was_claimed = deliveries.c.claimed_by.is_not(None)
    return (
        update(deliveries)
        .where(deliveries.c.id.in_(select(due.c.id)))
        .values(
            claimed_by=bindparam("worker"),
            due_at=bindparam("lease_expires_at"),
            attempts=deliveries.c.attempts + case((was_claimed, 1), else_=0),
            failure=case((was_claimed, Failure.ABANDONED.value), else_=deliveries.c.failure),
            last_error=case((was_claimed, WORKER_LOST), else_=deliveries.c.last_error),
        )
        .returning(*CLAIMED)
    )


def _union(each: Sequence[Subquery]) -> Subquery:
    return union_all(*(select(one.c.id, one.c.subscriber, one.c.due_at) for one in each)).subquery()


def _pending(subscription: Subscription, subscriptions: Iterable[Subscription]) -> Select[Any]:
    """Select the pending deliveries of a subscription that wait for no other, in the order of their times.

    A delivery waits for earlier ones of its subscriber and aggregate, which keeps them in order.
    """
    subscriber, event = subscription
    # A minimum, not NOT EXISTS: PostgreSQL would evaluate that for the whole table before the first row.
    head_of_line = _first_of_aggregate(
        deliveries.c.subscriber, deliveries.c.aggregate, events_of(subscriber, subscriptions)
    )
    return (
        select(deliveries.c.id, deliveries.c.subscriber, deliveries.c.due_at)
        .where(
            deliveries.c.subscriber == subscriber,
            deliveries.c.event == event,
            deliveries.c.due_at.is_not(None),
            deliveries.c.id == head_of_line,
        )
        .order_by(deliveries.c.due_at, deliveries.c.id)
    )


def _names() -> CTE:
    """Select each subscriber and event of which there are deliveries, and a last NULL.

    By one look-up in the index for each, where DISTINCT would read all deliveries.
    """
    subscribers = select(func.min(deliveries.c.subscriber).label("subscriber")).cte(
        "subscribers", recursive=True
    )
    next_subscriber = select(func.min(deliveries.c.subscriber)).where(
        deliveries.c.subscriber > subscribers.c.subscriber
    )
    subscribers = subscribers.union_all(
        select(next_subscriber.scalar_subquery()).where(subscribers.c.subscriber.is_not(None))
    )
    first_event = select(func.min(deliveries.c.event)).where(
        deliveries.c.subscriber == subscribers.c.subscriber
    )
    names = (
        select(subscribers.c.subscriber, first_event.scalar_subquery().label("event"))
        .where(subscribers.c.subscriber.is_not(None))
        .cte("names", recursive=True)
    )
    next_event = select(func.min(deliveries.c.event)).where(
        deliveries.c.subscriber == names.c.subscriber, deliveries.c.event > names.c.event
    )
    return names.union_all(
        select(names.c.subscriber, next_event.scalar_subquery()).where(names.c.event.is_not(None))
    )


def _counts() -> Select[Any]:
    # In the order of the index, so that PostgreSQL reads the first rows of the index and not the table.
    names = _names()
    of_name = (
        select(deliveries.c.published_at)
        .where(deliveries.c.subscriber == names.c.subscriber, deliveries.c.event == names.c.event)
        .limit(MAX_COUNT)
        .correlate(names)
    )
    pending = of_name.where(deliveries.c.due_at.is_not(None)).order_by(deliveries.c.due_at).subquery()
    dead = of_name.where(deliveries.c.due_at.is_(None)).subquery()
    return select(
        names.c.subscriber,
        names.c.event,
        select(func.count()).select_from(pending).scalar_subquery(),
        select(func.count()).select_from(dead).scalar_subquery(),
        select(func.min(pending.c.published_at)).scalar_subquery(),
    ).where(names.c.event.is_not(None))


COUNTS = _counts()
READ_COUNTS = prepare(COUNTS)
"""Select subscriber, event, pending, dead, and when the oldest pending was published, for each name."""
