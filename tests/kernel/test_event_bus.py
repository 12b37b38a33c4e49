"""Delivery of events inside the publisher's transaction."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from modules.kernel.domain.events import Event
from modules.kernel.infrastructure.messaging.event_bus import EventBus
from modules.kernel.infrastructure.persistence.database import Database
from tests.kernel.sample_table import Thing, in_another_request, names


@dataclass(frozen=True, slots=True)
class LampBroken(Event):
    lamp: str


@dataclass(frozen=True, slots=True)
class GlassBroken(LampBroken):
    pass


@pytest.fixture
def events(database: Database) -> EventBus:
    return EventBus(database)


async def add(database: Database, name: str) -> None:
    async with database.transaction() as session:
        session.add(Thing(name=name))


def recording(database: Database, prefix: str) -> Callable[[], Callable[[LampBroken], Awaitable[None]]]:
    """Return a handler provider whose handler inserts a row for each event."""

    async def handle(event: LampBroken) -> None:
        await add(database, f"{prefix} {event.lamp}")

    return lambda: handle


async def fail(_event: LampBroken) -> None:
    raise LookupError("no broom")


async def test_subscribers_are_called_in_order_of_subscription(database: Database, events: EventBus) -> None:
    events.subscribe(LampBroken, recording(database, "sweep"))
    events.subscribe(LampBroken, recording(database, "replace"))
    async with database.transaction():
        await events.publish(LampBroken("desk"))
    assert await names(database) == ["sweep desk", "replace desk"]


async def test_failing_subscriber_rolls_back_transaction(database: Database, events: EventBus) -> None:
    events.subscribe(LampBroken, recording(database, "sweep"))
    events.subscribe(LampBroken, lambda: fail)

    async def break_lamp() -> None:
        async with database.transaction():
            await add(database, "the fact")
            await events.publish(LampBroken("desk"))

    with pytest.raises(LookupError, match="no broom"):
        await break_lamp()
    assert await names(database) == []


async def test_subscribers_after_a_failing_one_are_not_called(database: Database, events: EventBus) -> None:
    handled: list[LampBroken] = []

    async def record(event: LampBroken) -> None:
        handled.append(event)

    events.subscribe(LampBroken, lambda: fail)
    events.subscribe(LampBroken, lambda: record)
    async with database.transaction():
        with pytest.raises(LookupError):
            await events.publish(LampBroken("desk"))
    assert handled == []


async def test_publish_without_transaction_raises_runtime_error(database: Database, events: EventBus) -> None:
    events.subscribe(LampBroken, recording(database, "sweep"))
    with pytest.raises(RuntimeError, match="open transaction"):
        await events.publish(LampBroken("desk"))
    async with database.snapshot():
        with pytest.raises(RuntimeError, match="open transaction"):
            await events.publish(LampBroken("desk"))
    assert await names(database) == []


async def test_event_without_subscribers_is_no_error(database: Database, events: EventBus) -> None:
    async with database.transaction():
        await events.publish(LampBroken("desk"))


async def test_event_of_subclass_is_not_delivered(database: Database, events: EventBus) -> None:
    events.subscribe(LampBroken, recording(database, "sweep"))
    async with database.transaction():
        await events.publish(GlassBroken("window"))
    assert await names(database) == []


async def test_subscribing_creates_no_handler(database: Database, events: EventBus) -> None:
    created: list[str] = []

    def create_handler() -> Callable[[LampBroken], Awaitable[None]]:
        created.append("broom")
        return recording(database, "sweep")()

    events.subscribe(LampBroken, create_handler)
    assert created == []
    async with database.transaction():
        await events.publish(LampBroken("desk"))
    assert created == ["broom"]


async def test_effects_are_visible_after_commit(sqlite_database: Database) -> None:
    events = EventBus(sqlite_database)
    events.subscribe(LampBroken, recording(sqlite_database, "sweep"))
    async with sqlite_database.transaction():
        await events.publish(LampBroken("desk"))
        assert await in_another_request(names(sqlite_database)) == []
    assert await in_another_request(names(sqlite_database)) == ["sweep desk"]
