"""What is asked for with a key is done once: the fake and the real thing alike, on either engine."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from modules.kernel.domain.errors import Invalid, NotFound
from modules.kernel.domain.idempotency import (
    RETENTION,
    IdempotencyKeyReused,
    IdempotencyStore,
    IdempotentRequest,
)
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import FakeClock, FakeIdempotencyStore, FakeUnitOfWork
from modules.kernel.infrastructure.idempotency import CLEANUP_BATCH_SIZE, SqlIdempotencyStore
from modules.kernel.infrastructure.idempotency_table import IdempotencyKeyRow
from modules.kernel.infrastructure.persistence.database import Database
from tests.kernel.sample_table import Thing

JAKE, ANNA = UserId(1), UserId(2)
CALLERS = [JAKE, ANNA, None]
MOMENT = timedelta(milliseconds=1)
OLD_KEY, NEW_KEY = "the secret of yesterday", "the secret of today"
ASKED = IdempotentRequest("one", b"POST /lamps {}")
OTHERWISE = IdempotentRequest("one", b"POST /lamps {'broken': true}")


class Lamps:
    """Work whose answers can be told apart."""

    def __init__(self) -> None:
        self.made = 0

    async def make(self) -> str:
        self.made += 1
        return f"lamp {self.made}"

    async def fail(self) -> str:
        raise NotFound("socket")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lamps() -> Lamps:
    return Lamps()


@pytest.fixture
def in_database(kept: Database, clock: FakeClock) -> SqlIdempotencyStore:
    return SqlIdempotencyStore(kept, clock, [NEW_KEY])


@pytest.fixture
def in_memory(clock: FakeClock) -> FakeIdempotencyStore:
    return FakeIdempotencyStore(FakeUnitOfWork(), clock)


async def rows(database: Database) -> int:
    """Return how many keyed requests are kept."""
    async with database.snapshot() as session:
        return await session.scalar(select(func.count()).select_from(IdempotencyKeyRow)) or 0


class Promise:
    """What both promise; a class below says of whom."""

    async def test_a_repeat_has_the_first_answer_and_nothing_is_done(
        self, idempotency: IdempotencyStore, lamps: Lamps
    ) -> None:
        assert await idempotency.run(ASKED, JAKE, lamps.make) == "lamp 1"
        assert await idempotency.run(ASKED, JAKE, lamps.make) == "lamp 1"
        assert lamps.made == 1

    async def test_another_request_with_the_key_is_refused(
        self, idempotency: IdempotencyStore, lamps: Lamps
    ) -> None:
        await idempotency.run(ASKED, JAKE, lamps.make)
        with pytest.raises(IdempotencyKeyReused):
            await idempotency.run(OTHERWISE, JAKE, lamps.make)
        assert lamps.made == 1

    async def test_keys_are_the_callers_own(self, idempotency: IdempotencyStore, lamps: Lamps) -> None:
        asked = [await idempotency.run(ASKED, caller, lamps.make) for caller in CALLERS]
        assert asked == ["lamp 1", "lamp 2", "lamp 3"]
        assert [await idempotency.run(ASKED, caller, lamps.make) for caller in CALLERS] == asked

    async def test_a_failure_is_not_kept(self, idempotency: IdempotencyStore, lamps: Lamps) -> None:
        with pytest.raises(NotFound):
            await idempotency.run(ASKED, JAKE, lamps.fail)
        assert await idempotency.run(OTHERWISE, JAKE, lamps.make) == "lamp 1"

    async def test_a_key_is_good_for_another_request_after_a_day_and_not_before(
        self, idempotency: IdempotencyStore, lamps: Lamps, clock: FakeClock
    ) -> None:
        await idempotency.run(ASKED, JAKE, lamps.make)
        clock.at += RETENTION - MOMENT
        assert await idempotency.run(ASKED, JAKE, lamps.make) == "lamp 1"
        clock.at += MOMENT
        assert await idempotency.run(OTHERWISE, JAKE, lamps.make) == "lamp 2"
        assert await idempotency.run(OTHERWISE, JAKE, lamps.make) == "lamp 2"

    async def test_what_is_forgotten_is_one_callers(
        self, idempotency: IdempotencyStore, lamps: Lamps
    ) -> None:
        for caller in CALLERS:
            await idempotency.run(ASKED, caller, lamps.make)
        await idempotency.delete_for_user(JAKE)
        assert await idempotency.run(ASKED, ANNA, lamps.make) == "lamp 2"
        assert await idempotency.run(ASKED, None, lamps.make) == "lamp 3"
        assert await idempotency.run(ASKED, JAKE, lamps.make) == "lamp 4"


class TestFake(Promise):
    @pytest.fixture
    def idempotency(self, in_memory: FakeIdempotencyStore) -> FakeIdempotencyStore:
        return in_memory


class TestSql(Promise):
    @pytest.fixture
    def idempotency(self, in_database: SqlIdempotencyStore) -> SqlIdempotencyStore:
        return in_database

    async def test_the_work_and_the_answer_are_kept_together_or_not_at_all(
        self, idempotency: SqlIdempotencyStore, lamps: Lamps, kept: Database
    ) -> None:
        async def make_and_fail() -> str:
            async with kept.transaction() as session:
                session.add(Thing(name="lamp"))
            raise NotFound("socket")

        with pytest.raises(NotFound):
            await idempotency.run(ASKED, JAKE, make_and_fail)
        async with kept.snapshot() as session:
            assert await session.scalar(select(func.count()).select_from(Thing)) == 0
        assert await rows(kept) == 0
        assert await idempotency.run(ASKED, JAKE, lamps.make) == "lamp 1"

    async def test_twins_do_the_work_once_whoever_is_asked(
        self, kept: Database, clock: FakeClock, lamps: Lamps
    ) -> None:
        async def twin() -> str:
            return await SqlIdempotencyStore(kept, clock, [NEW_KEY]).run(ASKED, JAKE, lamps.make)

        assert set(await asyncio.gather(*(twin() for _ in range(10)))) == {"lamp 1"}

    async def test_twins_of_what_is_over_do_the_work_once(
        self, idempotency: SqlIdempotencyStore, clock: FakeClock, lamps: Lamps
    ) -> None:
        await idempotency.run(ASKED, JAKE, lamps.make)
        clock.at += RETENTION
        answers = await asyncio.gather(*(idempotency.run(ASKED, JAKE, lamps.make) for _ in range(10)))
        assert set(answers) == {"lamp 2"}

    async def test_a_change_of_the_secret_is_no_other_request(
        self, kept: Database, clock: FakeClock, lamps: Lamps
    ) -> None:
        await SqlIdempotencyStore(kept, clock, [OLD_KEY]).run(ASKED, JAKE, lamps.make)
        changed = SqlIdempotencyStore(kept, clock, [NEW_KEY, OLD_KEY])
        assert await changed.run(ASKED, JAKE, lamps.make) == "lamp 1"
        with pytest.raises(IdempotencyKeyReused):
            await changed.run(OTHERWISE, JAKE, lamps.make)

    async def test_without_the_secret_nobody_can_tell_what_was_asked(
        self, kept: Database, clock: FakeClock, lamps: Lamps
    ) -> None:
        seen = set()
        for secret in (OLD_KEY, NEW_KEY):
            idempotency = SqlIdempotencyStore(kept, clock, [secret])
            await idempotency.run(ASKED, JAKE, lamps.make)
            async with kept.snapshot() as session:
                seen.add(await session.scalar(select(IdempotencyKeyRow.fingerprint)))
            await idempotency.delete_for_user(JAKE)
        assert len(seen) == 2

    async def test_what_is_over_is_removed_little_by_little_by_those_who_come_later(
        self, kept: Database, idempotency: SqlIdempotencyStore, clock: FakeClock, lamps: Lamps
    ) -> None:
        number = CLEANUP_BATCH_SIZE + 1
        over = [
            {"user_id": JAKE, "key": f"old-{each}", "fingerprint": "", "response": "", "expires_at": clock.at}
            for each in range(number)
        ]
        async with kept.transaction() as session:
            await session.execute(insert(IdempotencyKeyRow), over)
        assert await idempotency.run(ASKED, JAKE, lamps.make) == "lamp 1"
        assert await rows(kept) == 2
        await idempotency.run(IdempotentRequest("two", b""), JAKE, lamps.make)
        assert await rows(kept) == 2


class TestKeyedRequest:
    @pytest.mark.parametrize("key", ["a", "a" * 255, "550e8400-e29b-41d4-a716-446655440000", "!#[]~,;="])
    def test_a_key_is_visible_ascii(self, key: str) -> None:
        assert IdempotentRequest(key, b"").key == key

    @pytest.mark.parametrize("key", ["", "a" * 256, "two words", 'a"b', "a\\b", "schlüssel", "a\n", "\x7f"])
    def test_anything_else_is_none(self, key: str) -> None:
        with pytest.raises(Invalid) as refusal:
            IdempotentRequest(key, b"")
        assert list(refusal.value.problems) == ["Idempotency-Key"]
