"""How long an idempotency key of a comment is stored."""

from datetime import timedelta

import pytest

from modules.kernel.fakes import FakeClock
from tests.client import Api

PATH = "/articles/dragons/comments"
NEW = {"comment": {"body": "Nice"}}
KEY = {"Idempotency-Key": "550e8400-e29b-41d4-a716-446655440000"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_key_expires_after_a_day(api: Api, clock: FakeClock) -> None:
    anna = api.as_user("anna")
    ids = [(await anna.post(PATH, NEW, headers=KEY)).json()["comment"]["id"]]
    for elapsed in (timedelta(hours=24, seconds=-1), timedelta(seconds=1)):
        clock.at += elapsed
        ids.append((await anna.post(PATH, NEW, headers=KEY)).json()["comment"]["id"])
    assert ids == [1, 1, 2]
