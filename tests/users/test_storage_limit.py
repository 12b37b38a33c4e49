"""The limit of the bytes that one account may store (OWASP API4:2023)."""

from datetime import timedelta

import pytest

from conduit_app.settings import Settings
from modules.kernel.domain.identity import StorageLimitExceeded, UserId
from modules.kernel.fakes import FakeClock
from modules.users.container import UsersContainer
from modules.users.infrastructure.storage_limit import MIN_RECORDED_BYTES, StorageLimit
from tests.client import Api, Json

KILOBYTE = 1_024
LIMIT = 3 * MIN_RECORDED_BYTES
JAKE, ANNA = UserId(1), UserId(2)


@pytest.fixture
def settings(dedicated_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings of an application with a low limit."""
    monkeypatch.setenv("CONDUIT_STORAGE_LIMIT", f"{LIMIT} per hour")
    return dedicated_settings


def article(size: int) -> Json:
    return {"article": {"title": "Dragons", "description": "On dragons", "body": "x" * size}}


async def test_account_that_stores_too_much_gets_429(api: Api) -> None:
    jake = api.as_user("jake")
    responses = [await jake.post("/articles", article(MIN_RECORDED_BYTES)) for _ in range(3)]
    assert [response.status_code for response in responses] == [201, 201, 429]
    assert responses[2].json() == {"errors": {"body": ["too much stored by this account, try again later"]}}
    assert 0 < int(responses[2].headers["Retry-After"]) <= 3_600
    assert (await api.get("/articles")).json()["articlesCount"] == 2
    assert (await api.as_user("anna").post("/articles", article(MIN_RECORDED_BYTES))).status_code == 201


async def test_refused_or_failed_writes_do_not_reset_the_count(api: Api) -> None:
    jake = api.as_user("jake")
    below = MIN_RECORDED_BYTES - KILOBYTE
    statuses = []
    for _ in range(8):
        statuses.append((await jake.post("/articles", article(below))).status_code)
        comment = {"comment": {"body": "x" * 2 * KILOBYTE}}
        await jake.post("/articles/unicorns/comments", comment)
    assert statuses == [201] * statuses.count(201) + [429] * statuses.count(429)
    assert statuses.count(201) <= LIMIT // below + 1


async def test_small_requests_add_up_until_the_window_ends(users: UsersContainer) -> None:
    clock = FakeClock()
    limit = StorageLimit(users.database(), clock, f"{LIMIT} per hour")

    async def record(user_id: UserId, total: int) -> None:
        for _ in range(total // KILOBYTE):
            async with users.database().transaction():
                await limit.record(user_id, KILOBYTE)

    await record(JAKE, LIMIT)
    with pytest.raises(StorageLimitExceeded):
        await record(JAKE, MIN_RECORDED_BYTES)
    await record(ANNA, MIN_RECORDED_BYTES)
    clock.at += timedelta(hours=1)
    await record(JAKE, LIMIT)
