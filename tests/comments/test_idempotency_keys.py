"""For how long a comment that is sent again is said once."""

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


async def test_after_a_day_it_is_another_comment(api: Api, clock: FakeClock) -> None:
    anna = api.as_user("anna")
    said = [(await anna.post(PATH, NEW, headers=KEY)).json()["comment"]["id"]]
    for more in (timedelta(hours=24, seconds=-1), timedelta(seconds=1)):
        clock.at += more
        said.append((await anna.post(PATH, NEW, headers=KEY)).json()["comment"]["id"])
    assert said == [1, 1, 2]
