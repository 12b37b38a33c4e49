"""Asking a database that may never answer."""

import asyncio

import pytest
from fastapi import FastAPI

from conduit_app import patience
from conduit_app.composition import Composition
from conduit_app.patience import Patience, Silence
from modules.kernel.domain.errors import Unavailable
from tests.client import Api


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.01)


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


class Stubborn:
    """Takes its time, and does not end when it is told to, like a driver that waits for its server."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.ended = asyncio.Event()

    async def answer(self) -> None:
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            await self.let_go.wait()
            raise Unavailable from None
        finally:
            self.ended.set()


async def test_an_answer_that_comes_is_returned() -> None:
    assert await Patience().ask(answer()) == 42


async def test_what_the_question_raises_is_raised() -> None:
    async def fail() -> None:
        raise Unavailable

    with pytest.raises(Unavailable) as raised:
        await Patience().ask(fail())
    assert not isinstance(raised.value, Silence)


async def test_one_that_does_not_come_is_given_up_however_long_the_question_goes_on() -> None:
    stubborn = Stubborn()
    with pytest.raises(Silence):
        await Patience().ask(stubborn.answer())
    assert not stubborn.ended.is_set()
    stubborn.let_go.set()
    # How it ends then is nobody's business any more: an exception that nobody saw would fail this test.
    await stubborn.ended.wait()


async def test_metrics_are_told_all_the_same(
    application: FastAPI, composition: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn = Stubborn()
    monkeypatch.setattr(composition.messaging.deliveries, "backlog", stubborn.answer)
    told = (await Api(application).outside("GET", "/metrics")).text
    assert "conduit_database_up 0.0" in told
    assert "conduit_http_request_duration_seconds" in told
    stubborn.let_go.set()
    await stubborn.ended.wait()
