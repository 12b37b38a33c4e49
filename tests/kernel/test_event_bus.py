"""Facts that one module tells, and their effects: they hold or fail together."""

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


async def keep(database: Database, name: str) -> None:
    async with database.transaction() as session:
        session.add(Thing(name=name))


def keeping(database: Database, prefix: str) -> Callable[[], Callable[[LampBroken], Awaitable[None]]]:
    """Return a subscriber that writes what it is told."""

    async def handle(event: LampBroken) -> None:
        await keep(database, f"{prefix} {event.lamp}")

    return lambda: handle


async def fail(_event: LampBroken) -> None:
    raise LookupError("no broom")


async def test_every_subscriber_is_told_in_the_order_of_subscribing(
    database: Database, events: EventBus
) -> None:
    events.subscribe(LampBroken, keeping(database, "sweep"))
    events.subscribe(LampBroken, keeping(database, "replace"))
    async with database.transaction():
        await events.publish(LampBroken("desk"))
    assert await names(database) == ["sweep desk", "replace desk"]


async def test_a_failing_subscriber_undoes_the_whole_transaction(
    database: Database, events: EventBus
) -> None:
    events.subscribe(LampBroken, keeping(database, "sweep"))
    events.subscribe(LampBroken, lambda: fail)

    async def break_lamp() -> None:
        async with database.transaction():
            await keep(database, "the fact")
            await events.publish(LampBroken("desk"))

    with pytest.raises(LookupError, match="no broom"):
        await break_lamp()
    assert await names(database) == []


async def test_subscribers_after_a_failing_one_are_not_told(database: Database, events: EventBus) -> None:
    told: list[LampBroken] = []

    async def listen(event: LampBroken) -> None:
        told.append(event)

    events.subscribe(LampBroken, lambda: fail)
    events.subscribe(LampBroken, lambda: listen)
    async with database.transaction():
        with pytest.raises(LookupError):
            await events.publish(LampBroken("desk"))
    assert told == []


async def test_a_fact_without_a_transaction_cannot_be_told(database: Database, events: EventBus) -> None:
    events.subscribe(LampBroken, keeping(database, "sweep"))
    with pytest.raises(RuntimeError, match="open transaction"):
        await events.publish(LampBroken("desk"))
    async with database.snapshot():
        with pytest.raises(RuntimeError, match="open transaction"):
            await events.publish(LampBroken("desk"))
    assert await names(database) == []


async def test_a_fact_without_subscribers_is_no_error(database: Database, events: EventBus) -> None:
    async with database.transaction():
        await events.publish(LampBroken("desk"))


async def test_only_events_of_exactly_this_type_are_delivered(database: Database, events: EventBus) -> None:
    events.subscribe(LampBroken, keeping(database, "sweep"))
    async with database.transaction():
        await events.publish(GlassBroken("window"))
    assert await names(database) == []


async def test_subscribing_builds_no_service(database: Database, events: EventBus) -> None:
    built: list[str] = []

    def build() -> Callable[[LampBroken], Awaitable[None]]:
        built.append("broom")
        return keeping(database, "sweep")()

    events.subscribe(LampBroken, build)
    assert built == []
    async with database.transaction():
        await events.publish(LampBroken("desk"))
    assert built == ["broom"]


async def test_effects_are_seen_by_others_only_when_the_fact_is(on_file: Database) -> None:
    events = EventBus(on_file)
    events.subscribe(LampBroken, keeping(on_file, "sweep"))
    async with on_file.transaction():
        await events.publish(LampBroken("desk"))
        assert await in_another_request(names(on_file)) == []
    assert await in_another_request(names(on_file)) == ["sweep desk"]
