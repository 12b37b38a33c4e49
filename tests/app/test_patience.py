"""Asking a database that may never answer."""

import asyncio
import gc

import pytest
from fastapi import FastAPI

from conduit_app.composition import Composition
from conduit_app.observability import probe
from conduit_app.observability.probe import DatabaseProbe, ProbeTimeout
from modules.kernel.domain.errors import Unavailable
from tests.client import Api


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_TIMEOUT_SECONDS", 0.01)


@pytest.fixture
async def overlooked() -> list[str]:
    """Return what asyncio tells of exceptions that nobody saw."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    return told


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


class Stubborn:
    """Takes its time, and does not end when it is told to, like a driver that waits for its server."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.told_to_end = asyncio.Event()
        self.ended = asyncio.Event()

    async def answer(self) -> None:
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.told_to_end.set()
            await self.let_go.wait()
            raise Unavailable from None
        finally:
            self.ended.set()


async def test_an_answer_that_comes_is_returned() -> None:
    assert await DatabaseProbe().ask(answer()) == 42


async def test_what_the_question_raises_is_raised() -> None:
    async def fail() -> None:
        raise Unavailable

    with pytest.raises(Unavailable) as raised:
        await DatabaseProbe().ask(fail())
    assert not isinstance(raised.value, ProbeTimeout)


async def test_one_that_does_not_come_is_given_up_however_long_the_question_goes_on() -> None:
    stubborn = Stubborn()
    with pytest.raises(ProbeTimeout):
        await DatabaseProbe().ask(stubborn.answer())
    assert not stubborn.ended.is_set()
    stubborn.let_go.set()
    await stubborn.ended.wait()


async def test_how_a_question_ends_that_was_given_up_is_nobodys_business(overlooked: list[str]) -> None:
    stubborn = Stubborn()
    with pytest.raises(ProbeTimeout):
        await DatabaseProbe().ask(stubborn.answer())
    stubborn.let_go.set()
    await stubborn.ended.wait()
    # Once for the task to end, once for what it calls back.
    for _ in range(2):
        await asyncio.sleep(0)
    gc.collect()
    assert overlooked == []


async def test_a_caller_who_is_cancelled_lets_go_of_the_question() -> None:
    stubborn = Stubborn()
    calling = asyncio.create_task(DatabaseProbe().ask(stubborn.answer()))
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    async with asyncio.timeout(1):
        await stubborn.told_to_end.wait()
    stubborn.let_go.set()


async def test_metrics_are_told_all_the_same(
    application: FastAPI, composition: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn = Stubborn()
    monkeypatch.setattr(composition.messaging.outbox_admin, "backlog", stubborn.answer)
    told = (await Api(application).outside("GET", "/metrics")).text
    assert "conduit_database_up 0.0" in told
    assert "conduit_http_request_duration_seconds" in told
    stubborn.let_go.set()
    await stubborn.ended.wait()
