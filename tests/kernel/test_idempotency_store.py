"""The contract of the idempotency store, for the fake and for the SQL store on both engines."""

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
REQUEST = IdempotentRequest("one", b"POST /work {}")
OTHER_REQUEST = IdempotentRequest("one", b"POST /work {'broken': true}")


class CountingWork:
    """Work that counts its runs in its response."""

    def __init__(self) -> None:
        self.made = 0

    async def run(self) -> str:
        self.made += 1
        return f"lamp {self.made}"

    async def fail(self) -> str:
        raise NotFound("socket")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def work() -> CountingWork:
    return CountingWork()


@pytest.fixture
def sql_store(kernel_database: Database, clock: FakeClock) -> SqlIdempotencyStore:
    return SqlIdempotencyStore(kernel_database, clock, [NEW_KEY])


@pytest.fixture
def fake_store(clock: FakeClock) -> FakeIdempotencyStore:
    return FakeIdempotencyStore(FakeUnitOfWork(), clock)


async def rows(database: Database) -> int:
    """Return the number of stored keys."""
    async with database.snapshot() as session:
        return await session.scalar(select(func.count()).select_from(IdempotencyKeyRow)) or 0


class StoreContract:
    """The contract of both stores; subclasses provide the fixture `idempotency`."""

    async def test_retry_returns_first_response_without_work(
        self, idempotency: IdempotencyStore, work: CountingWork
    ) -> None:
        assert await idempotency.run(REQUEST, JAKE, work.run) == "lamp 1"
        assert await idempotency.run(REQUEST, JAKE, work.run) == "lamp 1"
        assert work.made == 1

    async def test_different_request_with_the_key_is_rejected(
        self, idempotency: IdempotencyStore, work: CountingWork
    ) -> None:
        await idempotency.run(REQUEST, JAKE, work.run)
        with pytest.raises(IdempotencyKeyReused):
            await idempotency.run(OTHER_REQUEST, JAKE, work.run)
        assert work.made == 1

    async def test_keys_are_scoped_to_the_caller(
        self, idempotency: IdempotencyStore, work: CountingWork
    ) -> None:
        responses = [await idempotency.run(REQUEST, caller, work.run) for caller in CALLERS]
        assert responses == ["lamp 1", "lamp 2", "lamp 3"]
        assert [await idempotency.run(REQUEST, caller, work.run) for caller in CALLERS] == responses

    async def test_failure_is_not_stored(self, idempotency: IdempotencyStore, work: CountingWork) -> None:
        with pytest.raises(NotFound):
            await idempotency.run(REQUEST, JAKE, work.fail)
        assert await idempotency.run(OTHER_REQUEST, JAKE, work.run) == "lamp 1"

    async def test_key_expires_after_retention(
        self, idempotency: IdempotencyStore, work: CountingWork, clock: FakeClock
    ) -> None:
        await idempotency.run(REQUEST, JAKE, work.run)
        clock.at += RETENTION - MOMENT
        assert await idempotency.run(REQUEST, JAKE, work.run) == "lamp 1"
        clock.at += MOMENT
        assert await idempotency.run(OTHER_REQUEST, JAKE, work.run) == "lamp 2"
        assert await idempotency.run(OTHER_REQUEST, JAKE, work.run) == "lamp 2"

    async def test_delete_for_user_deletes_keys_of_one_caller(
        self, idempotency: IdempotencyStore, work: CountingWork
    ) -> None:
        for caller in CALLERS:
            await idempotency.run(REQUEST, caller, work.run)
        await idempotency.delete_for_user(JAKE)
        assert await idempotency.run(REQUEST, ANNA, work.run) == "lamp 2"
        assert await idempotency.run(REQUEST, None, work.run) == "lamp 3"
        assert await idempotency.run(REQUEST, JAKE, work.run) == "lamp 4"


class TestFake(StoreContract):
    @pytest.fixture
    def idempotency(self, fake_store: FakeIdempotencyStore) -> FakeIdempotencyStore:
        return fake_store


class TestSql(StoreContract):
    @pytest.fixture
    def idempotency(self, sql_store: SqlIdempotencyStore) -> SqlIdempotencyStore:
        return sql_store

    async def test_work_and_response_are_one_transaction(
        self, idempotency: SqlIdempotencyStore, work: CountingWork, kernel_database: Database
    ) -> None:
        async def make_and_fail() -> str:
            async with kernel_database.transaction() as session:
                session.add(Thing(name="lamp"))
            raise NotFound("socket")

        with pytest.raises(NotFound):
            await idempotency.run(REQUEST, JAKE, make_and_fail)
        async with kernel_database.snapshot() as session:
            assert await session.scalar(select(func.count()).select_from(Thing)) == 0
        assert await rows(kernel_database) == 0
        assert await idempotency.run(REQUEST, JAKE, work.run) == "lamp 1"

    async def test_concurrent_retries_in_different_processes_do_work_once(
        self, kernel_database: Database, clock: FakeClock, work: CountingWork
    ) -> None:
        async def retry() -> str:
            return await SqlIdempotencyStore(kernel_database, clock, [NEW_KEY]).run(REQUEST, JAKE, work.run)

        assert set(await asyncio.gather(*(retry() for _ in range(10)))) == {"lamp 1"}

    async def test_concurrent_reuses_of_expired_key_do_work_once(
        self, idempotency: SqlIdempotencyStore, clock: FakeClock, work: CountingWork
    ) -> None:
        await idempotency.run(REQUEST, JAKE, work.run)
        clock.at += RETENTION
        responses = await asyncio.gather(*(idempotency.run(REQUEST, JAKE, work.run) for _ in range(10)))
        assert set(responses) == {"lamp 2"}

    async def test_retry_is_recognized_after_secret_rotation(
        self, kernel_database: Database, clock: FakeClock, work: CountingWork
    ) -> None:
        await SqlIdempotencyStore(kernel_database, clock, [OLD_KEY]).run(REQUEST, JAKE, work.run)
        changed = SqlIdempotencyStore(kernel_database, clock, [NEW_KEY, OLD_KEY])
        assert await changed.run(REQUEST, JAKE, work.run) == "lamp 1"
        with pytest.raises(IdempotencyKeyReused):
            await changed.run(OTHER_REQUEST, JAKE, work.run)

    async def test_fingerprint_depends_on_secret(
        self, kernel_database: Database, clock: FakeClock, work: CountingWork
    ) -> None:
        fingerprints = set()
        for secret in (OLD_KEY, NEW_KEY):
            idempotency = SqlIdempotencyStore(kernel_database, clock, [secret])
            await idempotency.run(REQUEST, JAKE, work.run)
            async with kernel_database.snapshot() as session:
                fingerprints.add(await session.scalar(select(IdempotencyKeyRow.fingerprint)))
            await idempotency.delete_for_user(JAKE)
        assert len(fingerprints) == 2

    async def test_expired_keys_are_deleted_in_batches_by_later_requests(
        self,
        kernel_database: Database,
        idempotency: SqlIdempotencyStore,
        clock: FakeClock,
        work: CountingWork,
    ) -> None:

        expired = [
            {
                "user_id": JAKE,
                "key": f"old-{number}",
                "fingerprint": "",
                "response": "",
                "expires_at": clock.at,
            }
            for number in range(CLEANUP_BATCH_SIZE + 1)
        ]
        async with kernel_database.transaction() as session:
            await session.execute(insert(IdempotencyKeyRow), expired)
        assert await idempotency.run(REQUEST, JAKE, work.run) == "lamp 1"
        assert await rows(kernel_database) == 2
        await idempotency.run(IdempotentRequest("two", b""), JAKE, work.run)
        assert await rows(kernel_database) == 2


class TestIdempotentRequest:
    @pytest.mark.parametrize("key", ["a", "a" * 255, "550e8400-e29b-41d4-a716-446655440000", "!#[]~,;="])
    def test_visible_ascii_is_valid_key(self, key: str) -> None:
        assert IdempotentRequest(key, b"").key == key

    @pytest.mark.parametrize("key", ["", "a" * 256, "two words", 'a"b', "a\\b", "schlüssel", "a\n", "\x7f"])
    def test_other_key_is_rejected(self, key: str) -> None:
        with pytest.raises(Invalid) as raised:
            IdempotentRequest(key, b"")
        assert list(raised.value.problems) == ["Idempotency-Key"]
