"""Facts that are told after the commit: kept until they are handled, and handled once."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, make_dataclass
from datetime import timedelta

import pytest

from modules.kernel.domain.events import DeliveryMode, Event
from modules.kernel.fakes import FakeClock
from modules.kernel.infrastructure.messaging.messaging import Messaging, create_messaging
from modules.kernel.infrastructure.messaging.outbox import DeliveryPolicy
from modules.kernel.infrastructure.messaging.outbox_admin import Backlog, DeliveryState
from modules.kernel.infrastructure.persistence.database import Database
from tests.kernel.sample_table import Thing, names
from tests.sql_recorder import StatementRecorder

ATTEMPTS = 3
LEASE = timedelta(seconds=30)
POLICY = DeliveryPolicy(lease=LEASE, max_attempts=ATTEMPTS)
EVERYTHING = list(DeliveryState)


@dataclass(frozen=True, slots=True)
class LampBroken(Event):
    lamp: str
    pieces: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LampMended(Event):
    lamp: str


class Broom:
    """A subscriber that writes what it is told, and fails for the lamps it cannot sweep."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.published: list[Event] = []
        self.too_heavy: set[str] = set()

    async def sweep(self, event: LampBroken | LampMended) -> None:
        self.published.append(event)
        async with self._database.transaction() as session:
            session.add(Thing(name=f"swept {event.lamp} {len(self.published)}"))
            await session.flush()
        if event.lamp in self.too_heavy:
            raise LookupError(f"{event.lamp} is too heavy")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def broom(kept: Database) -> Broom:
    return Broom(kept)


@pytest.fixture
def post(kept: Database, clock: FakeClock, broom: Broom) -> Messaging:
    """Return what carries events to the broom."""
    return subscribed(kept, clock, broom)


def subscribed(database: Database, clock: FakeClock, broom: Broom) -> Messaging:
    """Return what another process has that runs the same program."""
    post = create_messaging(database, clock, POLICY)
    for event in (LampBroken, LampMended):
        post.subscribe("cleaning", event, lambda: broom.sweep, DeliveryMode.AFTER_COMMIT)
    return post


@pytest.fixture
def publish(kept: Database, post: Messaging) -> Callable[..., Awaitable[None]]:
    async def publish(*events: Event) -> None:
        async with kept.transaction():
            for event in events:
                await post.events.publish(event)

    return publish


Publish = Callable[..., Awaitable[None]]


class TestDelivery:
    async def test_a_subscriber_is_told_after_the_commit_and_not_before(
        self, kept: Database, post: Messaging, broom: Broom
    ) -> None:
        async with kept.transaction():
            await post.events.publish(LampBroken("desk", (1, 2)))
            assert broom.published == []
        await post.dispatcher.drain()
        assert broom.published == [LampBroken("desk", (1, 2))]
        assert await names(kept) == ["swept desk 1"]

    async def test_what_is_undone_is_told_to_nobody(
        self, kept: Database, post: Messaging, broom: Broom
    ) -> None:
        async def break_lamp() -> None:
            async with kept.transaction():
                await post.events.publish(LampBroken("desk"))
                raise LookupError("it only looked broken")

        with pytest.raises(LookupError):
            await break_lamp()
        await post.dispatcher.drain()
        assert broom.published == []

    async def test_it_is_told_once(self, post: Messaging, publish: Publish, broom: Broom) -> None:
        await publish(LampBroken("desk"))
        await post.dispatcher.drain()
        await post.dispatcher.drain()
        assert broom.published == [LampBroken("desk")]
        assert await post.outbox_admin.oldest(EVERYTHING, 10) == []

    async def test_every_subscriber_has_a_delivery_of_its_own(
        self, post: Messaging, publish: Publish, broom: Broom
    ) -> None:
        published: list[Event] = []

        async def note(event: LampBroken) -> None:
            published.append(event)

        post.subscribe("statistics", LampBroken, lambda: note, DeliveryMode.AFTER_COMMIT)
        broom.too_heavy = {"desk"}
        await publish(LampBroken("desk"))
        await post.dispatcher.drain()
        assert published == [LampBroken("desk")]
        [left] = await post.outbox_admin.oldest(EVERYTHING, 10)
        assert (left.subscriber, left.event, left.attempts) == ("cleaning", "LampBroken", 1)

    async def test_one_inside_the_transaction_is_told_inside_it_all_the_same(
        self, kept: Database, post: Messaging, broom: Broom
    ) -> None:
        batch_size: list[Event] = []

        async def note(event: LampBroken) -> None:
            batch_size.append(event)

        post.subscribe("alarm", LampBroken, lambda: note, DeliveryMode.IN_TRANSACTION)
        async with kept.transaction():
            await post.events.publish(LampBroken("desk"))
            assert (batch_size, broom.published) == ([LampBroken("desk")], [])

    async def test_a_module_cannot_subscribe_twice_to_one_event(self, post: Messaging, broom: Broom) -> None:
        with pytest.raises(ValueError, match="cleaning subscribes twice to LampBroken"):
            post.subscribe("cleaning", LampBroken, lambda: broom.sweep, DeliveryMode.AFTER_COMMIT)

    async def test_an_event_that_nobody_is_told_of_after_the_commit_costs_no_statement(
        self, kept: Database, clock: FakeClock
    ) -> None:
        statements = StatementRecorder(kept)
        async with kept.transaction():
            await create_messaging(kept, clock).events.publish(LampBroken("desk"))
        assert statements.statements == []


class TestCost:
    """In statements, which are the same on every machine."""

    async def test_publishing_takes_one_however_many_are_told_and_one_to_wake_other_processes(
        self, kept: Database, post: Messaging, broom: Broom
    ) -> None:
        post.subscribe("statistics", LampBroken, lambda: broom.sweep, DeliveryMode.AFTER_COMMIT)
        statements = StatementRecorder(kept)
        async with kept.transaction():
            await post.events.publish(LampBroken("desk"))
        assert [one.split()[0] for one in statements.statements] == ["INSERT", *wake_ups(kept)]

    async def test_delivering_takes_two_beside_the_handlers_own(
        self, kept: Database, post: Messaging, publish: Publish, broom: Broom
    ) -> None:
        await publish(*(LampBroken("desk") for _ in range(20)))
        statements = StatementRecorder(kept)
        await post.dispatcher.drain()
        assert len(broom.published) == 20
        # Look and take up the first; mark it, write, and take up the next, twenty times; look again.
        assert [one.split()[0] for one in statements.statements] == [
            "SELECT",
            "WITH",
            *["DELETE", "INSERT", "UPDATE"] * 20,
            "SELECT",
        ]


def wake_ups(database: Database) -> list[str]:
    """Return the statements that wake other processes: SQLite's see every commit."""
    return ["SELECT"] if database.engines[0].dialect.name == "postgresql" else []


class TestOrder:
    async def test_what_is_about_one_thing_is_told_in_order_whatever_it_is(
        self, post: Messaging, publish: Publish, broom: Broom
    ) -> None:
        await publish(LampBroken("desk"), LampMended("desk"), LampBroken("desk", (3,)))
        await post.dispatcher.drain()
        assert broom.published == [LampBroken("desk"), LampMended("desk"), LampBroken("desk", (3,))]

    async def test_what_comes_after_a_failure_waits_for_it_and_other_things_do_not(
        self, post: Messaging, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        broom.too_heavy = {"desk"}
        await publish(LampBroken("desk"), LampMended("desk"), LampBroken("floor"))
        await post.dispatcher.drain()
        await publish(LampMended("desk"), LampMended("floor"))
        await post.dispatcher.drain()
        assert broom.published == [LampBroken("desk"), LampBroken("floor"), LampMended("floor")]
        broom.too_heavy = set()
        clock.at += timedelta(hours=1)
        await post.dispatcher.drain()
        assert broom.published[3:] == [LampBroken("desk"), LampMended("desk"), LampMended("desk")]

    async def test_nobody_waits_for_the_dead(
        self, post: Messaging, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        broom.too_heavy = {"desk"}
        await publish(LampBroken("desk"))
        for _ in range(ATTEMPTS):
            await post.dispatcher.drain()
            clock.at += timedelta(hours=1)
        broom.too_heavy = set()
        await publish(LampMended("desk"))
        await post.dispatcher.drain()
        assert broom.published[-1] == LampMended("desk")

    async def test_an_event_is_about_its_first_field(self) -> None:
        assert LampBroken("desk", (1,)).aggregate == LampMended("desk").aggregate == "lamp desk"
        assert Event().aggregate == "Event"


class TestFailure:
    async def test_what_a_failing_handler_wrote_is_undone_and_why_is_kept(
        self, kept: Database, post: Messaging, publish: Publish, broom: Broom
    ) -> None:
        broom.too_heavy = {"desk"}
        await publish(LampBroken("desk"))
        await post.dispatcher.drain()
        assert await names(kept) == []
        [left] = await post.outbox_admin.oldest(EVERYTHING, 10)
        assert (left.state, left.attempts) == (DeliveryState.PENDING, 1)
        assert left.last_error is not None
        assert left.last_error.endswith("LookupError: desk is too heavy\n")

    async def test_it_is_not_tried_again_before_its_time(
        self, post: Messaging, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        broom.too_heavy = {"desk"}
        await publish(LampBroken("desk"))
        await post.dispatcher.drain()
        [left] = await post.outbox_admin.oldest(EVERYTHING, 10)
        assert left.due_at is not None
        clock.at = left.due_at - timedelta(microseconds=1)
        await post.dispatcher.drain()
        assert len(broom.published) == 1
        clock.at = left.due_at
        await post.dispatcher.drain()
        assert len(broom.published) == 2

    async def test_after_so_many_attempts_it_is_dead_and_seen(
        self, post: Messaging, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        broom.too_heavy = {"desk"}
        await publish(LampBroken("desk"))
        for _ in range(ATTEMPTS + 2):
            await post.dispatcher.drain()
            clock.at += timedelta(hours=1)
        assert len(broom.published) == ATTEMPTS
        [dead] = await post.outbox_admin.oldest([DeliveryState.DEAD], 10)
        assert (dead.attempts, dead.due_at) == (ATTEMPTS, None)
        assert await post.outbox_admin.backlog() == Backlog(
            waiting=0, oldest_pending_seconds=0, dead=1, orphaned=0
        )

    async def test_a_handler_that_does_not_end_is_ended(self, kept: Database, clock: FakeClock) -> None:
        stuck = create_messaging(kept, clock, DeliveryPolicy(handler_timeout=timedelta(milliseconds=10)))

        async def wait_for_ever(_event: LampBroken) -> None:
            async with kept.transaction() as session:
                session.add(Thing(name="half done"))
            await asyncio.Event().wait()

        stuck.subscribe("waiting", LampBroken, lambda: wait_for_ever, DeliveryMode.AFTER_COMMIT)
        async with kept.transaction():
            await stuck.events.publish(LampBroken("desk"))
        await stuck.dispatcher.drain()
        [left] = await stuck.outbox_admin.oldest(EVERYTHING, 10)
        assert left.last_error is not None
        assert "TimeoutError" in left.last_error
        assert await names(kept) == []

    async def test_an_event_that_cannot_be_read_any_more_is_a_failure_like_others(
        self, kept: Database, publish: Publish, clock: FakeClock, broom: Broom
    ) -> None:
        changed = create_messaging(kept, clock, POLICY)
        of_today = make_dataclass("LampBroken", [("number", int)], bases=(Event,), frozen=True)
        changed.subscribe("cleaning", of_today, lambda: broom.sweep, DeliveryMode.AFTER_COMMIT)
        await publish(LampBroken("desk"))
        await changed.dispatcher.drain()
        [left] = await changed.outbox_admin.oldest([DeliveryState.PENDING], 10)
        assert left.last_error is not None
        assert "ValidationError" in left.last_error
        assert broom.published == []

    def test_pauses_grow_are_bounded_and_differ(self) -> None:
        policy = DeliveryPolicy()
        random.seed(7)
        longest = [max(policy.backoff(attempts) for _ in range(200)) for attempts in (1, 4, 30)]
        assert longest[0] < policy.initial_backoff * 2 < longest[1] < policy.initial_backoff * 16
        assert timedelta(minutes=50) < longest[2] <= policy.max_backoff
        assert len({policy.backoff(4) for _ in range(20)}) == 20


class TestManyProcesses:
    async def test_what_one_has_taken_up_no_other_takes_up(
        self, kept: Database, post: Messaging, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        other = subscribed(kept, clock, broom)
        await publish(LampBroken("desk"), LampMended("desk"), LampBroken("floor"))
        assert [claimed.aggregate for claimed in await post.outbox.claim_due()] == ["lamp desk", "lamp floor"]
        # Not the second one about the desk, either.
        assert await other.outbox.claim_due() == []

    async def test_what_a_process_held_that_has_ended_is_taken_up_when_its_lease_ends(
        self, kept: Database, post: Messaging, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        await publish(LampBroken("desk"))
        await post.outbox.claim_due()
        other = subscribed(kept, clock, broom)
        clock.at += LEASE - timedelta(milliseconds=1)
        await other.dispatcher.drain()
        assert broom.published == []
        clock.at += timedelta(milliseconds=1)
        await other.dispatcher.drain()
        assert broom.published == [LampBroken("desk")]

    async def test_what_another_has_is_left_to_it_when_something_older_is_retried(
        self, kept: Database, post: Messaging, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        broom.too_heavy = {"desk"}
        await publish(LampBroken("desk"))
        for _ in range(ATTEMPTS):
            await post.dispatcher.drain()
            clock.at += timedelta(hours=1)
        broom.too_heavy = set()
        await publish(LampMended("desk"))
        [mended] = await subscribed(kept, clock, broom).outbox.claim_due()
        await post.outbox_admin.retry([DeliveryState.DEAD])
        [broken] = await post.outbox.claim_due()
        assert broken.id < mended.id
        assert await post.outbox.handle(broken) is None

    async def test_who_was_thought_to_have_ended_handles_nothing(
        self, kept: Database, post: Messaging, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        await publish(LampBroken("desk"))
        [late] = await post.outbox.claim_due()
        clock.at += LEASE
        [taken] = await subscribed(kept, clock, broom).outbox.claim_due()
        assert taken.id == late.id
        assert await post.outbox.handle(late) is None
        assert broom.published == []

    async def test_what_ends_every_process_that_has_it_is_dead_in_the_end(
        self, kept: Database, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        await publish(LampBroken("desk"))
        for _ in range(ATTEMPTS):
            assert len(await subscribed(kept, clock, broom).outbox.claim_due()) == 1
            clock.at += LEASE
        last = subscribed(kept, clock, broom)
        assert await last.outbox.claim_due() == []
        [dead] = await last.outbox_admin.oldest([DeliveryState.DEAD], 10)
        assert dead.last_error == "the worker crashed or timed out while handling this delivery"

    async def test_one_that_is_told_to_end_leaves_what_it_has_not_begun_to_others(
        self, kept: Database, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        async def end(event: LampBroken) -> None:
            ending.signals.close()
            await broom.sweep(event)

        ending = create_messaging(kept, clock, POLICY)
        ending.subscribe("cleaning", LampBroken, lambda: end, DeliveryMode.AFTER_COMMIT)
        await publish(LampBroken("desk"), LampBroken("floor"), LampBroken("shelf"))
        await ending.dispatcher.drain()
        assert broom.published == [LampBroken("desk")]
        await subscribed(kept, clock, broom).dispatcher.drain()
        assert broom.published == [LampBroken("desk"), LampBroken("floor"), LampBroken("shelf")]


class TestOperators:
    async def test_the_backlog_is_counted_and_its_age_known(
        self, post: Messaging, publish: Publish, clock: FakeClock
    ) -> None:
        assert await post.outbox_admin.backlog() == Backlog(0, 0, 0, 0)
        await publish(LampBroken("desk"), LampMended("floor"))
        clock.at += timedelta(seconds=90)
        await publish(LampBroken("shelf"))
        assert await post.outbox_admin.backlog() == Backlog(3, 90, 0, 0)

    async def test_what_nobody_subscribes_to_is_told_apart_and_left_alone(
        self, kept: Database, post: Messaging, publish: Publish, clock: FakeClock, broom: Broom
    ) -> None:
        await publish(LampBroken("desk"), LampMended("desk"))
        left = create_messaging(kept, clock, POLICY)
        left.subscribe("cleaning", LampMended, lambda: broom.sweep, DeliveryMode.AFTER_COMMIT)
        assert await left.outbox_admin.backlog() == Backlog(1, 0, 0, orphaned=1)
        await left.dispatcher.drain()
        assert broom.published == [LampMended("desk")]
        [orphan] = await left.outbox_admin.oldest([DeliveryState.ORPHANED], 10)
        assert (orphan.event, orphan.payload) == ("LampBroken", '{"lamp":"desk","pieces":[]}')
        nobody = create_messaging(kept, clock, POLICY)
        await nobody.dispatcher.drain()
        assert await nobody.outbox_admin.backlog() == Backlog(0, 0, 0, orphaned=1)
        await post.dispatcher.drain()
        assert broom.published == [LampMended("desk"), LampBroken("desk")]

    async def test_a_dead_one_that_is_retried_is_told_anew(
        self, post: Messaging, publish: Publish, broom: Broom, clock: FakeClock
    ) -> None:
        broom.too_heavy = {"desk"}
        await publish(LampBroken("desk"))
        for _ in range(ATTEMPTS):
            await post.dispatcher.drain()
            clock.at += timedelta(hours=1)
        broom.too_heavy = set()
        assert await post.outbox_admin.retry([DeliveryState.DEAD]) == 1
        await post.dispatcher.drain()
        assert len(broom.published) == ATTEMPTS + 1
        assert await post.outbox_admin.backlog() == Backlog(0, 0, 0, 0)

    async def test_only_what_was_chosen_is_purged(self, post: Messaging, publish: Publish) -> None:
        await publish(LampBroken("desk"), LampBroken("floor"), LampBroken("shelf"))
        first, second, _ = await post.outbox_admin.oldest(EVERYTHING, 10)
        assert await post.outbox_admin.purge([DeliveryState.DEAD]) == 0
        assert await post.outbox_admin.purge(EVERYTHING, [first.id, second.id, 999]) == 2
        assert [one.aggregate for one in await post.outbox_admin.oldest(EVERYTHING, 10)] == ["lamp shelf"]
        assert await post.outbox_admin.by_id([first.id]) == []
