"""The outbox: after-commit deliveries, their order, retries and administration."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, make_dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from modules.kernel.domain.events import (
    DeliveryId,
    DeliveryLimits,
    DeliveryMode,
    Effect,
    Event,
    Payload,
    Upcaster,
)
from modules.kernel.fakes import FakeClock
from modules.kernel.infrastructure.messaging import outbox_admin
from modules.kernel.infrastructure.messaging.messaging import Messaging, create_messaging
from modules.kernel.infrastructure.messaging.outbox import DeliveryPolicy
from modules.kernel.infrastructure.messaging.outbox_admin import Backlog, DeliveryState
from modules.kernel.infrastructure.messaging.outbox_statements import MAX_COUNT, deliveries
from modules.kernel.infrastructure.messaging.tables import Failure
from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from modules.kernel.infrastructure.persistence.statements import prepare
from tests.kernel.sample_table import Thing, names
from tests.sql_recorder import StatementRecorder

MAX_ATTEMPTS = 3
LEASE = timedelta(seconds=30)
POLICY = DeliveryPolicy(lease=LEASE, max_attempts=MAX_ATTEMPTS)
ALL_STATES = list(DeliveryState)


@dataclass(frozen=True, slots=True)
class LampBroken(Event):
    lamp: str
    pieces: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LampMended(Event):
    lamp: str


@dataclass(frozen=True, slots=True)
class LampTidied(Event):
    lamp: str
    remaining: int = 0


class Subscriber:
    """A subscriber that inserts a row for each event, and then fails for some lamps."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.handled: list[Event] = []
        self.failing: set[str] = set()

    async def handle(self, event: LampBroken | LampMended) -> None:
        self.handled.append(event)
        async with self._database.transaction() as session:
            session.add(Thing(name=f"{event.lamp} {len(self.handled)}"))
            await session.flush()
        if event.lamp in self.failing:
            raise LookupError(f"{event.lamp} fails")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def subscriber(kernel_database: Database) -> Subscriber:
    return Subscriber(kernel_database)


@pytest.fixture
def messaging(kernel_database: Database, clock: FakeClock, subscriber: Subscriber) -> Messaging:
    """Return the messaging of one worker, with the subscriber."""
    return create_worker(kernel_database, clock, subscriber)


def create_worker(database: Database, clock: FakeClock, subscriber: Subscriber) -> Messaging:
    """Return the messaging of a further worker, with the same subscriptions."""
    messaging = create_messaging(database, clock, POLICY)
    for event in (LampBroken, LampMended):
        messaging.subscribe("cleaning", event, lambda: subscriber.handle, DeliveryMode.AFTER_COMMIT)
    return messaging


@pytest.fixture
def publish(kernel_database: Database, messaging: Messaging) -> Callable[..., Awaitable[None]]:
    async def publish(*events: Event) -> None:
        async with kernel_database.transaction():
            for event in events:
                await messaging.events.publish(event)

    return publish


Publish = Callable[..., Awaitable[None]]


@pytest.fixture
async def dead_delivery(
    messaging: Messaging, publish: Publish, subscriber: Subscriber, clock: FakeClock
) -> None:
    """Let the delivery of a broken desk lamp run out of attempts; its next one succeeds."""
    subscriber.failing = {"desk"}
    await publish(LampBroken("desk"))
    for _ in range(MAX_ATTEMPTS):
        await messaging.dispatcher.drain()
        clock.at += timedelta(hours=1)
    subscriber.failing = set()


class TestDelivery:
    async def test_event_is_delivered_after_the_commit(
        self, kernel_database: Database, messaging: Messaging, subscriber: Subscriber
    ) -> None:
        async with kernel_database.transaction():
            await messaging.events.publish(LampBroken("desk", (1, 2)))
            assert subscriber.handled == []
        await messaging.dispatcher.drain()
        assert subscriber.handled == [LampBroken("desk", (1, 2))]
        assert await names(kernel_database) == ["desk 1"]

    async def test_event_of_rolled_back_transaction_is_not_delivered(
        self, kernel_database: Database, messaging: Messaging, subscriber: Subscriber
    ) -> None:
        async def break_lamp() -> None:
            async with kernel_database.transaction():
                await messaging.events.publish(LampBroken("desk"))
                raise LookupError("it only looked broken")

        with pytest.raises(LookupError):
            await break_lamp()
        await messaging.dispatcher.drain()
        assert subscriber.handled == []

    async def test_event_is_delivered_once(
        self, messaging: Messaging, publish: Publish, subscriber: Subscriber
    ) -> None:
        await publish(LampBroken("desk"))
        await messaging.dispatcher.drain()
        await messaging.dispatcher.drain()
        assert subscriber.handled == [LampBroken("desk")]
        assert await messaging.outbox_admin.oldest(ALL_STATES, 10) == []

    async def test_each_subscriber_has_its_own_delivery(
        self, messaging: Messaging, publish: Publish, subscriber: Subscriber
    ) -> None:
        published: list[Event] = []

        async def note(event: LampBroken) -> None:
            published.append(event)

        messaging.subscribe("statistics", LampBroken, lambda: note, DeliveryMode.AFTER_COMMIT)
        subscriber.failing = {"desk"}
        await publish(LampBroken("desk"))
        await messaging.dispatcher.drain()
        assert published == [LampBroken("desk")]
        [remaining] = await messaging.outbox_admin.oldest(ALL_STATES, 10)
        assert (remaining.subscriber, remaining.event, remaining.attempts) == ("cleaning", "LampBroken", 1)

    async def test_in_transaction_subscriber_is_called_before_the_commit(
        self, kernel_database: Database, messaging: Messaging, subscriber: Subscriber
    ) -> None:
        handled: list[Event] = []

        async def note(event: LampBroken) -> None:
            handled.append(event)

        messaging.subscribe("alarm", LampBroken, lambda: note, DeliveryMode.IN_TRANSACTION)
        async with kernel_database.transaction():
            await messaging.events.publish(LampBroken("desk"))
            assert (handled, subscriber.handled) == ([LampBroken("desk")], [])

    async def test_module_cannot_subscribe_twice_to_one_event(
        self, messaging: Messaging, subscriber: Subscriber
    ) -> None:
        with pytest.raises(ValueError, match="cleaning subscribes twice to LampBroken"):
            messaging.subscribe("cleaning", LampBroken, lambda: subscriber.handle, DeliveryMode.AFTER_COMMIT)

    async def test_event_without_subscribers_takes_no_statement(
        self, kernel_database: Database, clock: FakeClock
    ) -> None:
        statements = StatementRecorder(kernel_database)
        async with kernel_database.transaction():
            await create_messaging(kernel_database, clock).events.publish(LampBroken("desk"))
        assert statements.statements == []


class PreparingSubscriber:
    """A subscriber that prepares each event, and then inserts a row and publishes the next event."""

    def __init__(self, database: Database, messaging: Messaging) -> None:
        self.database = database
        self._messaging = messaging
        self.prepared: list[str] = []
        self.fail_before: set[str] = set()
        self.fail_after: set[str] = set()
        messaging.subscribe("tidying", LampTidied, lambda: self.prepare, DeliveryMode.PREPARED_AFTER_COMMIT)

    async def prepare(self, event: LampTidied) -> Effect:
        """Return the effect; it is prepared outside of a transaction."""
        with pytest.raises(RuntimeError):
            self.database.require_transaction()
        self.prepared.append(event.lamp)
        if event.lamp in self.fail_before:
            raise LookupError("cannot prepare")

        async def insert_and_continue() -> None:
            self.database.require_transaction()
            async with self.database.transaction() as session:
                session.add(Thing(name=event.lamp))
            if event.remaining:
                await self._messaging.events.publish(LampTidied(f"{event.lamp}+", event.remaining - 1))
            if event.lamp in self.fail_after:
                raise LookupError("cannot continue")

        return insert_and_continue


class TestPreparedDelivery:
    @pytest.fixture
    def preparing(self, kernel_database: Database, messaging: Messaging) -> PreparingSubscriber:
        return PreparingSubscriber(kernel_database, messaging)

    async def test_effect_runs_in_the_transaction_that_deletes_the_delivery(
        self,
        messaging: Messaging,
        preparing: PreparingSubscriber,
        publish: Publish,
    ) -> None:
        await publish(LampTidied("desk"))
        await messaging.dispatcher.drain()
        assert preparing.prepared == ["desk"]
        assert await names(preparing.database) == ["desk"]
        assert await messaging.outbox_admin.oldest(ALL_STATES, 10) == []

    async def test_event_published_by_an_effect_continues_the_work(
        self,
        messaging: Messaging,
        preparing: PreparingSubscriber,
        publish: Publish,
    ) -> None:
        await publish(LampTidied("desk", remaining=2))
        await messaging.dispatcher.drain()
        assert preparing.prepared == ["desk", "desk+", "desk++"]
        assert await names(preparing.database) == ["desk", "desk+", "desk++"]

    @pytest.mark.parametrize("fails", ["fail_before", "fail_after"])
    async def test_failed_step_is_repeated_and_those_before_are_not(
        self,
        messaging: Messaging,
        preparing: PreparingSubscriber,
        publish: Publish,
        clock: FakeClock,
        fails: str,
    ) -> None:
        setattr(preparing, fails, {"desk+"})
        await publish(LampTidied("desk", remaining=2))
        await messaging.dispatcher.drain()
        assert await names(preparing.database) == ["desk"]
        setattr(preparing, fails, set())
        clock.at += timedelta(hours=1)
        await messaging.dispatcher.drain()
        assert preparing.prepared == ["desk", "desk+", "desk+", "desk++"]
        assert await names(preparing.database) == ["desk", "desk+", "desk++"]


class CallingSubscriber:
    """A subscriber that calls another service for each event, which may be unreachable or take its time."""

    def __init__(self, database: Database, messaging: Messaging) -> None:
        self._database = database
        self.calls: list[tuple[str, DeliveryId]] = []
        self.unreachable = False
        self.expected = 1
        self.called, self.returning = asyncio.Event(), asyncio.Event()
        self.returning.set()
        messaging.subscribe("calling", LampBroken, lambda: self.call, DeliveryMode.CALLED_AFTER_COMMIT)

    async def call(self, event: LampBroken, delivery: DeliveryId) -> None:
        with pytest.raises(RuntimeError):
            self._database.require_transaction()
        self.calls.append((event.lamp, delivery))
        if len(self.calls) == self.expected:
            self.called.set()
        await self.returning.wait()
        if self.unreachable:
            raise ConnectionError


class TestCallingDelivery:
    @pytest.fixture
    def messaging(self, kernel_database: Database, clock: FakeClock) -> Messaging:
        return create_messaging(kernel_database, clock, POLICY)

    @pytest.fixture
    def calling(self, kernel_database: Database, messaging: Messaging) -> CallingSubscriber:
        return CallingSubscriber(kernel_database, messaging)

    async def test_retried_call_has_the_same_delivery_id(
        self, messaging: Messaging, calling: CallingSubscriber, publish: Publish, clock: FakeClock
    ) -> None:
        calling.unreachable = True
        await publish(LampBroken("desk"))
        await messaging.dispatcher.drain()
        calling.unreachable = False
        clock.at += timedelta(hours=1)
        await publish(LampBroken("desk"))
        await messaging.dispatcher.drain()
        (first, first_id), (retried, retried_id), (second, second_id) = calling.calls
        assert first == retried == second == "desk"
        assert first_id == retried_id != second_id
        assert await messaging.outbox_admin.oldest(ALL_STATES, 10) == []

    async def test_delivery_ids_are_not_used_again_after_a_restore(
        self,
        kernel_database: Database,
        messaging: Messaging,
        calling: CallingSubscriber,
        publish: Publish,
        clock: FakeClock,
    ) -> None:
        """A restored database issues the numbers again that it has issued since the backup."""
        await publish(LampBroken("desk"))
        await messaging.dispatcher.drain()
        clock.at += timedelta(hours=1)
        row = {
            "id": int(calling.calls[0][1].partition("-")[0]),
            "subscriber": "calling",
            "event": "LampBroken",
            "aggregate": "lamp desk",
            "payload": '{"lamp": "desk"}',
            "published_at": clock.at,
            "due_at": clock.at,
            "attempts": 0,
        }
        async with kernel_database.transaction() as session:
            await session.execute(insert(deliveries), [row])
        await messaging.dispatcher.drain()
        (_, before), (_, after) = calling.calls
        assert before != after

    async def test_others_write_while_the_handler_calls(
        self, kernel_database: Database, messaging: Messaging, calling: CallingSubscriber, publish: Publish
    ) -> None:
        calling.returning.clear()
        await publish(LampBroken("desk"))
        delivering = asyncio.create_task(messaging.dispatcher.drain())
        await calling.called.wait()
        async with kernel_database.transaction() as session:
            session.add(Thing(name="written meanwhile"))
        assert not delivering.done()
        calling.returning.set()
        await delivering
        assert await names(kernel_database) == ["written meanwhile"]

    async def test_call_that_exceeds_the_time_limit_is_a_failure(
        self, kernel_database: Database, clock: FakeClock
    ) -> None:
        messaging = create_messaging(kernel_database, clock, DeliveryPolicy(handler_timeout=timedelta()))
        calling = CallingSubscriber(kernel_database, messaging)
        calling.returning.clear()
        async with kernel_database.transaction():
            await messaging.events.publish(LampBroken("desk"))
        await messaging.dispatcher.drain()
        [failed] = await messaging.outbox_admin.oldest(ALL_STATES, 10)
        assert "TimeoutError" in (failed.last_error or "")


class TestCost:
    """Costs in statements, which do not depend on the machine."""

    async def test_publishing_takes_one_insert_and_one_notify(
        self, kernel_database: Database, messaging: Messaging, subscriber: Subscriber
    ) -> None:
        messaging.subscribe("statistics", LampBroken, lambda: subscriber.handle, DeliveryMode.AFTER_COMMIT)
        # The first one also reads whether it may notify.
        async with kernel_database.transaction():
            await messaging.events.publish(LampBroken("hall"))
        statements = StatementRecorder(kernel_database)
        async with kernel_database.transaction():
            await messaging.events.publish(LampBroken("desk"))
        assert [statement.split()[0] for statement in statements.statements] == [
            "INSERT",
            *notify_statements(kernel_database),
        ]

    async def test_delivery_takes_two_statements_besides_the_handler(
        self, kernel_database: Database, messaging: Messaging, publish: Publish, subscriber: Subscriber
    ) -> None:
        await publish(*(LampBroken("desk") for _ in range(20)))
        statements = StatementRecorder(kernel_database)
        await messaging.dispatcher.drain()
        assert len(subscriber.handled) == 20
        # Query and claim the first; delete it, insert, and claim the next, twenty times; query again, that of
        # this subscriber and those of all.
        assert [statement.split()[0] for statement in statements.statements] == [
            "SELECT",
            "WITH",
            *["DELETE", "INSERT", "UPDATE"] * 20,
            "SELECT",
            "SELECT",
        ]


def notify_statements(database: Database) -> list[str]:
    """Return the statements that notify other processes; on SQLite they poll for commits."""
    return ["SELECT"] if database.engines[0].dialect.name == "postgresql" else []


class TestOrder:
    async def test_deliveries_of_one_aggregate_are_in_order(
        self, messaging: Messaging, publish: Publish, subscriber: Subscriber
    ) -> None:
        await publish(LampBroken("desk"), LampMended("desk"), LampBroken("desk", (3,)))
        await messaging.dispatcher.drain()
        assert subscriber.handled == [LampBroken("desk"), LampMended("desk"), LampBroken("desk", (3,))]

    async def test_failed_delivery_blocks_its_aggregate_only(
        self, messaging: Messaging, publish: Publish, subscriber: Subscriber, clock: FakeClock
    ) -> None:
        subscriber.failing = {"desk"}
        await publish(LampBroken("desk"), LampMended("desk"), LampBroken("floor"))
        await messaging.dispatcher.drain()
        await publish(LampMended("desk"), LampMended("floor"))
        await messaging.dispatcher.drain()
        assert subscriber.handled == [LampBroken("desk"), LampBroken("floor"), LampMended("floor")]
        subscriber.failing = set()
        clock.at += timedelta(hours=1)
        await messaging.dispatcher.drain()
        assert subscriber.handled[3:] == [LampBroken("desk"), LampMended("desk"), LampMended("desk")]

    @pytest.mark.usefixtures("dead_delivery")
    async def test_dead_delivery_blocks_nothing(
        self, messaging: Messaging, publish: Publish, subscriber: Subscriber
    ) -> None:
        await publish(LampMended("desk"))
        await messaging.dispatcher.drain()
        assert subscriber.handled[-1] == LampMended("desk")

    async def test_aggregate_is_first_field(self) -> None:
        assert LampBroken("desk", (1,)).aggregate == LampMended("desk").aggregate == "lamp desk"
        assert Event().aggregate == "Event"


class TestFailure:
    async def test_failed_handler_is_rolled_back_and_its_error_stored(
        self, kernel_database: Database, messaging: Messaging, publish: Publish, subscriber: Subscriber
    ) -> None:
        subscriber.failing = {"desk"}
        await publish(LampBroken("desk"))
        await messaging.dispatcher.drain()
        assert await names(kernel_database) == []
        [remaining] = await messaging.outbox_admin.oldest(ALL_STATES, 10)
        assert (remaining.state, remaining.attempts) == (DeliveryState.PENDING, 1)
        assert remaining.last_error is not None
        assert remaining.last_error.endswith("LookupError: desk fails\n")

    async def test_delivery_is_not_retried_before_it_is_due(
        self, messaging: Messaging, publish: Publish, subscriber: Subscriber, clock: FakeClock
    ) -> None:
        subscriber.failing = {"desk"}
        await publish(LampBroken("desk"))
        await messaging.dispatcher.drain()
        [remaining] = await messaging.outbox_admin.oldest(ALL_STATES, 10)
        assert remaining.due_at is not None
        clock.at = remaining.due_at - timedelta(microseconds=1)
        await messaging.dispatcher.drain()
        assert len(subscriber.handled) == 1
        clock.at = remaining.due_at
        await messaging.dispatcher.drain()
        assert len(subscriber.handled) == 2

    async def test_delivery_is_dead_after_max_attempts(
        self, messaging: Messaging, publish: Publish, subscriber: Subscriber, clock: FakeClock
    ) -> None:
        subscriber.failing = {"desk"}
        await publish(LampBroken("desk"))
        for _ in range(MAX_ATTEMPTS + 2):
            await messaging.dispatcher.drain()
            clock.at += timedelta(hours=1)
        assert len(subscriber.handled) == MAX_ATTEMPTS
        [dead] = await messaging.outbox_admin.oldest([DeliveryState.DEAD], 10)
        assert (dead.attempts, dead.due_at) == (MAX_ATTEMPTS, None)
        assert await messaging.outbox_admin.backlog() == Backlog(
            0, 0, dead=1, orphaned=0, lag_seconds={"cleaning": 0.0}
        )

    async def test_handler_timeout_is_a_failure(self, kernel_database: Database, clock: FakeClock) -> None:
        messaging = create_messaging(
            kernel_database, clock, DeliveryPolicy(handler_timeout=timedelta(milliseconds=10))
        )

        async def wait_for_ever(_event: LampBroken) -> None:
            async with kernel_database.transaction() as session:
                session.add(Thing(name="half done"))
            await asyncio.Event().wait()

        messaging.subscribe("waiting", LampBroken, lambda: wait_for_ever, DeliveryMode.AFTER_COMMIT)
        async with kernel_database.transaction():
            await messaging.events.publish(LampBroken("desk"))
        await messaging.dispatcher.drain()
        [remaining] = await messaging.outbox_admin.oldest(ALL_STATES, 10)
        assert remaining.last_error is not None
        assert "TimeoutError" in remaining.last_error
        assert await names(kernel_database) == []

    def test_backoff_grows_is_bounded_and_has_jitter(self) -> None:
        policy = DeliveryPolicy()
        random.seed(7)
        longest = [max(policy.backoff(attempts) for _ in range(200)) for attempts in (1, 4, 30)]
        assert longest[0] < policy.initial_backoff * 2 < longest[1] < policy.initial_backoff * 16
        assert timedelta(minutes=50) < longest[2] <= policy.max_backoff
        assert len({policy.backoff(4) for _ in range(20)}) == 20


class TestSeveralWorkers:
    async def test_drain_waits_for_what_another_task_delivers(
        self, kernel_database: Database, clock: FakeClock
    ) -> None:
        messaging = create_messaging(kernel_database, clock, POLICY)
        started, handled = asyncio.Event(), []

        async def handle(event: LampBroken) -> None:
            started.set()
            # A drain that did not wait would find nothing due by one statement, and end before.
            for _ in range(20):
                await messaging.outbox.seconds_until_due()
            handled.append(event)

        messaging.subscribe("waiting", LampBroken, lambda: handle, DeliveryMode.AFTER_COMMIT)
        async with kernel_database.transaction():
            await messaging.events.publish(LampBroken("desk"))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(messaging.dispatcher.drain())
            await started.wait()
            await messaging.dispatcher.drain()
            assert handled == [LampBroken("desk")]

    async def test_claimed_delivery_is_not_claimed_by_another_worker(
        self,
        kernel_database: Database,
        messaging: Messaging,
        publish: Publish,
        subscriber: Subscriber,
        clock: FakeClock,
    ) -> None:
        other = create_worker(kernel_database, clock, subscriber)
        await publish(LampBroken("desk"), LampMended("desk"), LampBroken("floor"))
        assert [claimed.aggregate for claimed in await messaging.outbox.claim_due("cleaning")] == [
            "lamp desk",
            "lamp floor",
        ]
        # The second delivery of the desk is blocked by the first.
        assert await other.outbox.claim_due("cleaning") == []

    async def test_expired_lease_is_reclaimed(
        self,
        kernel_database: Database,
        messaging: Messaging,
        publish: Publish,
        subscriber: Subscriber,
        clock: FakeClock,
    ) -> None:
        await publish(LampBroken("desk"))
        await messaging.outbox.claim_due("cleaning")
        other = create_worker(kernel_database, clock, subscriber)
        clock.at += LEASE - timedelta(milliseconds=1)
        await other.dispatcher.drain()
        assert subscriber.handled == []
        clock.at += timedelta(milliseconds=1)
        await other.dispatcher.drain()
        assert subscriber.handled == [LampBroken("desk")]

    @pytest.mark.usefixtures("dead_delivery")
    async def test_next_delivery_claimed_by_another_worker_is_not_claimed(
        self,
        kernel_database: Database,
        messaging: Messaging,
        publish: Publish,
        subscriber: Subscriber,
        clock: FakeClock,
    ) -> None:
        await publish(LampMended("desk"))
        [mended] = await create_worker(kernel_database, clock, subscriber).outbox.claim_due("cleaning")
        await messaging.outbox_admin.retry([DeliveryState.DEAD])
        [broken] = await messaging.outbox.claim_due("cleaning")
        assert broken.id < mended.id
        assert await messaging.outbox.handle(broken) is None

    async def test_worker_with_expired_lease_handles_nothing(
        self,
        kernel_database: Database,
        messaging: Messaging,
        publish: Publish,
        subscriber: Subscriber,
        clock: FakeClock,
    ) -> None:
        await publish(LampBroken("desk"))
        [late] = await messaging.outbox.claim_due("cleaning")
        clock.at += LEASE
        [taken] = await create_worker(kernel_database, clock, subscriber).outbox.claim_due("cleaning")
        assert taken.id == late.id
        assert await messaging.outbox.handle(late) is None
        assert subscriber.handled == []

    async def test_failure_after_the_lease_expired_keeps_the_new_claim(
        self,
        kernel_database: Database,
        messaging: Messaging,
        publish: Publish,
        subscriber: Subscriber,
        clock: FakeClock,
    ) -> None:
        await publish(LampBroken("desk"))
        [late] = await messaging.outbox.claim_due("cleaning")
        clock.at += LEASE
        other = create_worker(kernel_database, clock, subscriber).outbox
        [taken] = await other.claim_due("cleaning")
        await messaging.outbox.fail(late, LookupError("late"))
        await other.handle(taken)
        assert subscriber.handled == [LampBroken("desk")]

    async def test_delivery_that_crashes_every_worker_is_dead(
        self, kernel_database: Database, publish: Publish, subscriber: Subscriber, clock: FakeClock
    ) -> None:
        await publish(LampBroken("desk"))
        for _ in range(MAX_ATTEMPTS):
            assert (
                len(await create_worker(kernel_database, clock, subscriber).outbox.claim_due("cleaning")) == 1
            )
            clock.at += LEASE
        last = create_worker(kernel_database, clock, subscriber)
        assert await last.outbox.claim_due("cleaning") == []
        [dead] = await last.outbox_admin.oldest([DeliveryState.DEAD], 10)
        assert dead.last_error == "the worker crashed or timed out while handling this delivery"

    async def test_stopping_worker_releases_claimed_deliveries(
        self, kernel_database: Database, publish: Publish, subscriber: Subscriber, clock: FakeClock
    ) -> None:
        async def end(event: LampBroken) -> None:
            stopping.signals.close()
            await subscriber.handle(event)

        stopping = create_messaging(kernel_database, clock, POLICY)
        stopping.subscribe("cleaning", LampBroken, lambda: end, DeliveryMode.AFTER_COMMIT)
        await publish(LampBroken("desk"), LampBroken("floor"), LampBroken("shelf"))
        await stopping.dispatcher.drain()
        assert subscriber.handled == [LampBroken("desk")]
        await create_worker(kernel_database, clock, subscriber).dispatcher.drain()
        assert subscriber.handled == [LampBroken("desk"), LampBroken("floor"), LampBroken("shelf")]


class TestLanes:
    @pytest.mark.parametrize(
        ("concurrency", "seconds"), [(0, 10), (1, 0), (1, 30)], ids=["none at once", "no time", "a lease"]
    )
    def test_limits_with_which_nothing_is_delivered_are_refused(self, concurrency: int, seconds: int) -> None:
        with pytest.raises(ValueError, match="must be"):
            DeliveryLimits(concurrency, timedelta(seconds=seconds))

    async def test_hanging_subscriber_delays_no_other(
        self, kernel_database: Database, messaging: Messaging, publish: Publish
    ) -> None:
        hanging = CallingSubscriber(kernel_database, messaging)
        hanging.returning.clear()
        handled = asyncio.Event()

        async def note(event: LampBroken) -> None:
            if event.lamp == "floor":
                handled.set()

        messaging.subscribe("statistics", LampBroken, lambda: note, DeliveryMode.AFTER_COMMIT)
        dispatcher = asyncio.create_task(messaging.dispatcher.run())
        await publish(LampBroken("desk"))
        await hanging.called.wait()
        await publish(LampBroken("floor"))
        await handled.wait()
        assert len(hanging.calls) == 1
        hanging.returning.set()
        messaging.signals.close()
        await dispatcher

    async def test_deliveries_of_different_aggregates_are_concurrent_up_to_the_limit(
        self, kernel_database: Database, messaging: Messaging, publish: Publish
    ) -> None:
        calling = CallingSubscriber(kernel_database, messaging)
        messaging.outbox.limit("calling", DeliveryLimits(concurrency=2))
        calling.returning.clear()
        calling.expected = 2
        await publish(LampBroken("desk"), LampBroken("desk"), LampBroken("floor"), LampBroken("shelf"))
        draining = asyncio.create_task(messaging.dispatcher.drain())
        await calling.called.wait()
        assert [lamp for lamp, _ in calling.calls] == ["desk", "floor"]
        calling.returning.set()
        await draining
        assert sorted(lamp for lamp, _ in calling.calls) == ["desk", "desk", "floor", "shelf"]

    async def test_subscriber_is_paused_when_first_attempts_fail_in_a_row(
        self, messaging: Messaging, publish: Publish, subscriber: Subscriber, clock: FakeClock
    ) -> None:
        lamps = [f"lamp {number}" for number in range(8)]
        subscriber.failing = set(lamps)
        await publish(*map(LampBroken, lamps))
        await messaging.dispatcher.drain()
        failures = POLICY.breaker_failures
        stored = await messaging.outbox_admin.oldest(ALL_STATES, 10)
        assert [delivery.attempts for delivery in stored] == [1] * failures + [0] * (8 - failures)
        [lane] = messaging.dispatcher.lanes
        assert lane.pause_seconds == POLICY.breaker_pause.total_seconds()
        subscriber.failing = set()
        await messaging.dispatcher.drain()
        assert len(subscriber.handled) == failures
        clock.at += POLICY.breaker_pause
        await messaging.dispatcher.drain()
        assert await messaging.outbox_admin.oldest(ALL_STATES, 10) == []

    async def test_retries_that_fail_do_not_pause_the_subscriber(
        self, messaging: Messaging, publish: Publish, subscriber: Subscriber, clock: FakeClock
    ) -> None:
        subscriber.failing = {"desk", "floor", "shelf"}
        await publish(*map(LampBroken, sorted(subscriber.failing)))
        for _ in range(MAX_ATTEMPTS - 1):
            await messaging.dispatcher.drain()
            clock.at += timedelta(hours=1)
        assert len(subscriber.handled) > POLICY.breaker_failures
        await publish(LampBroken("hall"))
        await messaging.dispatcher.drain()
        assert LampBroken("hall") in subscriber.handled

    async def test_claims_are_released_when_the_database_is_available_again(
        self,
        messaging: Messaging,
        publish: Publish,
        subscriber: Subscriber,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await publish(LampBroken("desk"), LampBroken("floor"))

        async def unavailable(*_: object) -> None:
            raise DatabaseUnavailable

        with monkeypatch.context() as patched:
            patched.setattr(messaging.outbox, "handle", unavailable)
            patched.setattr(messaging.outbox, "fail", unavailable)
            with pytest.raises(DatabaseUnavailable):
                await messaging.dispatcher.drain()
        # The clock stands still: no lease has expired.
        handled, handle = asyncio.Event(), subscriber.handle

        async def handle_and_tell(event: LampBroken | LampMended) -> None:
            await handle(event)
            if len(subscriber.handled) == 2:
                handled.set()

        monkeypatch.setattr(subscriber, "handle", handle_and_tell)
        dispatcher = asyncio.create_task(messaging.dispatcher.run())
        await handled.wait()
        messaging.signals.close()
        await dispatcher
        assert subscriber.handled == [LampBroken("desk"), LampBroken("floor")]

    @pytest.mark.parametrize("commit", ["claim_due", "handle"])
    async def test_claim_is_released_if_the_reply_to_its_commit_was_lost(
        self,
        messaging: Messaging,
        publish: Publish,
        subscriber: Subscriber,
        monkeypatch: pytest.MonkeyPatch,
        commit: str,
    ) -> None:
        await publish(LampBroken("desk"), LampMended("desk"))
        committed = getattr(messaging.outbox, commit)

        async def lose_reply(of: Any) -> None:
            monkeypatch.setattr(messaging.outbox, commit, committed)
            await committed(of)
            raise DatabaseUnavailable

        monkeypatch.setattr(messaging.outbox, commit, lose_reply)
        with suppress(DatabaseUnavailable):
            await messaging.dispatcher.drain()
        # The clock stands still: no lease has expired.
        await messaging.dispatcher.drain()
        assert subscriber.handled == [LampBroken("desk"), LampMended("desk")]
        assert await messaging.outbox_admin.oldest(ALL_STATES, 10) == []


class Release:
    """A release that publishes and handles an event, whose schema another release has differently."""

    def __init__(self, database: Database, clock: FakeClock, event: Any) -> None:
        self._database = database
        self.event = event
        self.messaging = create_messaging(database, clock, POLICY)
        self.handled: list[Event] = []
        self.messaging.subscribe("tills", event, lambda: self._handle, DeliveryMode.AFTER_COMMIT)

    async def _handle(self, event: Event) -> None:
        self.handled.append(event)

    async def publish(self, *values: object) -> None:
        async with self._database.transaction():
            await self.messaging.events.publish(self.event(*values))

    async def deliver(self) -> Sequence[Event]:
        await self.messaging.dispatcher.drain()
        return self.handled

    async def states(self) -> Sequence[tuple[DeliveryState, int]]:
        stored = await self.messaging.outbox_admin.oldest(ALL_STATES, 10)
        return [(delivery.state, delivery.attempts) for delivery in stored]


def in_cents(payload: Payload) -> Payload:
    return {"lamp": payload["lamp"], "cents": 100 * payload["price"]}


def sold(field: str, *upcasters: Upcaster) -> Any:
    """Return the class of an event with this number, as one release has it."""
    namespace = {"upcasters": upcasters}
    return make_dataclass(
        "LampSold", [("lamp", str), (field, int)], bases=(Event,), namespace=namespace, frozen=True
    )


SOLD = sold("price")
SOLD_IN_CENTS = sold("cents", in_cents)
WITHOUT_UPCASTER = sold("cents")


class TestSchemaVersions:
    @pytest.fixture
    def previous(self, kernel_database: Database, clock: FakeClock) -> Release:
        return Release(kernel_database, clock, SOLD)

    @pytest.fixture
    def present(self, kernel_database: Database, clock: FakeClock) -> Release:
        return Release(kernel_database, clock, SOLD_IN_CENTS)

    async def test_delivery_of_the_previous_release_is_upcast(
        self, previous: Release, present: Release
    ) -> None:
        await previous.publish("desk", 9)
        await present.publish("floor", 850)
        assert await present.deliver() == [SOLD_IN_CENTS("desk", 900), SOLD_IN_CENTS("floor", 850)]
        assert await present.states() == []

    async def test_previous_release_leaves_deliveries_that_it_cannot_read(
        self, previous: Release, present: Release
    ) -> None:
        await present.publish("desk", 900)
        await previous.publish("desk", 8)
        assert await previous.deliver() == [SOLD("desk", 8)]
        assert await previous.states() == [(DeliveryState.INCOMPATIBLE, 0)]
        assert await previous.messaging.outbox_admin.purge([DeliveryState.ORPHANED]) == 0
        assert await previous.messaging.outbox_admin.retry(ALL_STATES) == 0
        assert await previous.messaging.outbox_admin.backlog() == Backlog(1, 0, 0, 0, {"tills": 0.0})
        assert await present.deliver() == [SOLD_IN_CENTS("desk", 900)]

    async def test_payload_that_does_not_parse_is_attempted_once(
        self, kernel_database: Database, clock: FakeClock, previous: Release, present: Release
    ) -> None:
        await previous.publish("desk", 9)
        faulty = Release(kernel_database, clock, WITHOUT_UPCASTER)
        assert await faulty.deliver() == []
        clock.at += timedelta(hours=2)
        assert await faulty.deliver() == []
        assert await faulty.states() == [(DeliveryState.INCOMPATIBLE, 1)]
        [unread] = await faulty.messaging.outbox_admin.oldest([DeliveryState.INCOMPATIBLE], 10)
        assert unread.failure is Failure.INCOMPATIBLE
        assert "ValidationError" in (unread.last_error or "")
        assert await present.messaging.outbox_admin.retry([DeliveryState.INCOMPATIBLE]) == 1
        assert await present.deliver() == [SOLD_IN_CENTS("desk", 900)]


class TestOutboxAdmin:
    async def test_backlog_has_count_and_age(
        self, messaging: Messaging, publish: Publish, clock: FakeClock
    ) -> None:
        assert await messaging.outbox_admin.backlog() == Backlog(0, 0, 0, 0, {"cleaning": 0.0})
        await publish(LampBroken("desk"), LampMended("floor"))
        clock.at += timedelta(seconds=90)
        await publish(LampBroken("shelf"))
        assert await messaging.outbox_admin.backlog() == Backlog(3, 90, 0, 0, {"cleaning": 90.0})

    async def test_each_state_is_counted_up_to_a_bound(
        self, kernel_database: Database, messaging: Messaging, publish: Publish
    ) -> None:
        await publish(LampBroken("desk"))
        row = {
            "aggregate": "lamp shelf",
            "payload": "{}",
            "published_at": FakeClock().now(),
            "attempts": 0,
        }
        async with kernel_database.transaction() as session:
            for name in (("gone", "LampBroken"), ("cleaning", "LampRetired")):
                orphan = row | dict(zip(("subscriber", "event"), name, strict=True))
                await session.execute(insert(deliveries), [orphan] * MAX_COUNT)
        assert await messaging.outbox_admin.backlog() == Backlog(1, 0, 0, MAX_COUNT, {"cleaning": 0.0})

    async def test_orphaned_delivery_is_counted_and_not_delivered(
        self,
        kernel_database: Database,
        messaging: Messaging,
        publish: Publish,
        clock: FakeClock,
        subscriber: Subscriber,
    ) -> None:
        await publish(LampBroken("desk"), LampMended("desk"))
        remaining = create_messaging(kernel_database, clock, POLICY)
        remaining.subscribe("cleaning", LampMended, lambda: subscriber.handle, DeliveryMode.AFTER_COMMIT)
        assert await remaining.outbox_admin.backlog() == Backlog(1, 0, 0, 1, {"cleaning": 0.0})
        await remaining.dispatcher.drain()
        assert subscriber.handled == [LampMended("desk")]
        [orphan] = await remaining.outbox_admin.oldest([DeliveryState.ORPHANED], 10)
        assert (orphan.event, orphan.payload) == ("LampBroken", '{"lamp":"desk","pieces":[]}')
        no_subscribers = create_messaging(kernel_database, clock, POLICY)
        await no_subscribers.dispatcher.drain()
        assert await no_subscribers.outbox_admin.backlog() == Backlog(0, 0, 0, orphaned=1)
        await messaging.dispatcher.drain()
        assert subscriber.handled == [LampMended("desk"), LampBroken("desk")]

    @pytest.mark.usefixtures("dead_delivery")
    async def test_retried_dead_delivery_is_delivered(
        self, messaging: Messaging, subscriber: Subscriber
    ) -> None:
        assert await messaging.outbox_admin.retry([DeliveryState.DEAD]) == 1
        await messaging.dispatcher.drain()
        assert len(subscriber.handled) == MAX_ATTEMPTS + 1
        assert await messaging.outbox_admin.backlog() == Backlog(0, 0, 0, 0, {"cleaning": 0.0})

    async def test_purge_deletes_chosen_deliveries_only(self, messaging: Messaging, publish: Publish) -> None:
        await publish(LampBroken("desk"), LampBroken("floor"), LampBroken("shelf"))
        first, second, _ = await messaging.outbox_admin.oldest(ALL_STATES, 10)
        assert await messaging.outbox_admin.purge([DeliveryState.DEAD]) == 0
        assert await messaging.outbox_admin.purge(ALL_STATES, [first.id, second.id, 999]) == 2
        assert [delivery.aggregate for delivery in await messaging.outbox_admin.oldest(ALL_STATES, 10)] == [
            "lamp shelf"
        ]
        assert await messaging.outbox_admin.by_id([first.id]) == []

    async def test_deliveries_are_retried_and_purged_in_batches(
        self,
        kernel_database: Database,
        messaging: Messaging,
        publish: Publish,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """One transaction for millions would exceed the statement timeout, or keep other writers waiting."""
        monkeypatch.setattr(outbox_admin, "BATCH_SIZE", 2)
        await publish(*(LampBroken(f"lamp {number}") for number in range(5)))
        statements = StatementRecorder(kernel_database)
        assert await messaging.outbox_admin.retry(ALL_STATES) == 5
        assert await messaging.outbox_admin.purge(ALL_STATES) == 5
        changes = [statement.split()[0] for statement in statements.statements]
        assert (changes.count("UPDATE"), changes.count("DELETE")) == (3, 3)
        assert await messaging.outbox_admin.oldest(ALL_STATES, 10) == []

    async def test_old_deliveries_that_cannot_be_delivered_are_deleted(
        self,
        kernel_database: Database,
        messaging: Messaging,
        publish: Publish,
        subscriber: Subscriber,
        clock: FakeClock,
    ) -> None:
        subscriber.failing = {"desk", "floor"}
        await publish(LampBroken("desk"))
        for _ in range(MAX_ATTEMPTS):
            await messaging.dispatcher.drain()
            clock.at += timedelta(hours=1)
        await publish(LampBroken("floor"), LampMended("hall"))
        await kernel_database.execute(
            prepare(update(deliveries).where(deliveries.c.aggregate == "lamp hall").values(subscriber="gone"))
        )
        retention = timedelta(hours=2)
        assert not await messaging.outbox_admin.delete_old(retention)
        # Neither the pending one, nor the orphaned one, which is younger.
        stored = await messaging.outbox_admin.oldest(ALL_STATES, 10)
        assert [delivery.state for delivery in stored] == [DeliveryState.PENDING, DeliveryState.ORPHANED]
        clock.at += retention
        await messaging.outbox_admin.delete_old(timedelta(hours=1))
        stored = await messaging.outbox_admin.oldest(ALL_STATES, 10)
        assert [delivery.state for delivery in stored] == [DeliveryState.PENDING]
