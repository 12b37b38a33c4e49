"""Database calls of health checks and metrics, on a database that may hang."""

import asyncio
import gc

import pytest
from fastapi import FastAPI

from conduit_app.composition import Composition
from conduit_app.observability import health, probe
from conduit_app.observability.probe import DatabaseProbe, ProbeTimeout
from modules.kernel.domain.errors import Unavailable
from tests.client import Api


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_TIMEOUT_SECONDS", 0.01)


@pytest.fixture
async def loop_errors() -> list[str]:
    """Return the errors that asyncio reports, such as an exception that was never retrieved."""
    messages: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: messages.append(context["message"]))
    return messages


async def fetch_value() -> int:
    await asyncio.sleep(0)
    return 42


class HangingDatabase:
    """A call that ends some time after its cancellation, like a driver that waits for its server."""

    def __init__(self) -> None:
        self.resume = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.ended = asyncio.Event()

    async def call(self) -> None:
        try:
            await self.resume.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            await self.resume.wait()
            raise Unavailable from None
        finally:
            self.ended.set()


async def test_result_of_call_is_returned() -> None:
    assert await DatabaseProbe().run(fetch_value()) == 42


async def test_exception_of_call_is_raised() -> None:
    async def fail() -> None:
        raise Unavailable

    with pytest.raises(Unavailable) as raised:
        await DatabaseProbe().run(fail())
    assert not isinstance(raised.value, ProbeTimeout)


async def test_hanging_call_is_abandoned_after_timeout() -> None:
    database = HangingDatabase()
    with pytest.raises(ProbeTimeout):
        await DatabaseProbe().run(database.call())
    assert not database.ended.is_set()
    database.resume.set()
    await database.ended.wait()


async def test_exception_of_abandoned_call_is_not_reported(loop_errors: list[str]) -> None:
    database = HangingDatabase()
    with pytest.raises(ProbeTimeout):
        await DatabaseProbe().run(database.call())
    database.resume.set()
    await database.ended.wait()
    # Once for the task to end, once for its callback.
    for _ in range(2):
        await asyncio.sleep(0)
    gc.collect()
    assert loop_errors == []


async def test_cancelled_caller_cancels_call() -> None:
    database = HangingDatabase()
    caller = asyncio.create_task(DatabaseProbe().run(database.call()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    async with asyncio.timeout(1):
        await database.cancelled.wait()
    database.resume.set()


async def test_metrics_are_returned_while_database_hangs(
    application: FastAPI, composition: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = HangingDatabase()
    monkeypatch.setattr(composition.messaging.outbox_admin, "backlog", database.call)
    metrics = (await Api(application).outside("GET", "/metrics")).text
    assert "conduit_database_up 0.0" in metrics
    assert "conduit_http_request_duration_seconds" in metrics
    database.resume.set()
    await database.ended.wait()


async def test_process_is_ready_while_the_outbox_hangs(
    application: FastAPI, composition: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "BACKLOG_TIMEOUT_SECONDS", 0.01)
    # Time for the schema's state, which is read before.
    monkeypatch.setattr(probe, "PROBE_TIMEOUT_SECONDS", 60)
    database = HangingDatabase()
    monkeypatch.setattr(composition.messaging.outbox_admin, "backlog", database.call)
    response = await Api(application).outside("GET", "/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "events": None})
    database.resume.set()
    await database.ended.wait()
