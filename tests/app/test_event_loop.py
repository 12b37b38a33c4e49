"""The watchdog of the event loop, with a clock of the tests."""

import asyncio
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from conduit_app.application import create_application
from conduit_app.middleware.request_log import RequestLogMiddleware
from conduit_app.observability import event_loop
from conduit_app.observability.event_loop import (
    LOGGED_SECONDS,
    MAX_LOGGED_REQUESTS,
    TICK_SECONDS,
    EventLoopWatchdog,
)
from conduit_app.settings import Settings
from tests.client import Api
from tests.conftest import composed


class WatchedLoop:
    """A watchdog whose clock stands still except for the stalls of the test."""

    def __init__(self) -> None:
        self._time = 0.0
        self._measured: asyncio.Queue[float] = asyncio.Queue()
        self.watchdog = EventLoopWatchdog(self._measured.put_nowait, lambda: self._time)

    async def stall(self, seconds: float) -> float:
        """Let the next callback run so much too late, and return what was measured."""
        while not self._measured.empty():
            self._measured.get_nowait()
        self._time += TICK_SECONDS + seconds
        return await self._measured.get()


@pytest.fixture
def loop() -> WatchedLoop:
    return WatchedLoop()


def blocked(logs: list[Any]) -> list[Any]:
    """Return the lines about stalls."""
    return [line for line in logs if line["event"] == "event loop blocked"]


async def test_each_measurement_is_the_delay_since_the_previous_one(loop: WatchedLoop) -> None:
    with loop.watchdog.running():
        assert await loop.stall(0.2) == pytest.approx(0.2)
        assert await loop.stall(0) == pytest.approx(0)
        assert await loop.stall(7.7) == pytest.approx(7.7)


async def test_long_stall_is_logged_with_its_length(loop: WatchedLoop) -> None:
    with capture_logs() as logs, loop.watchdog.running():
        await loop.stall(LOGGED_SECONDS)
        await loop.stall(LOGGED_SECONDS + 0.001)
        await loop.stall(7.7)
    assert blocked(logs) == [
        {"event": "event loop blocked", "log_level": "warning", "milliseconds": milliseconds, "requests": []}
        for milliseconds in (251, 7_700)
    ]


async def test_requests_since_the_previous_measurement_are_logged(loop: WatchedLoop) -> None:
    watchdog = loop.watchdog
    with capture_logs() as logs, watchdog.running():
        watchdog.request_started("earlier")
        watchdog.request_ended("earlier")
        await loop.stall(0)
        for request_id in ("stream", "ended", "in progress"):
            watchdog.request_started(request_id)
        watchdog.request_ended("ended")
        await loop.stall(1)
    [line] = blocked(logs)
    assert line["requests"] == ["ended", "in progress", "stream"]


async def test_number_of_logged_requests_is_bounded(loop: WatchedLoop) -> None:
    for number in range(10_000):
        loop.watchdog.request_started(str(number))
        loop.watchdog.request_ended(str(number))
    with capture_logs() as logs, loop.watchdog.running():
        await loop.stall(1)
    [line] = blocked(logs)
    assert line["requests"] == [str(9_999 - number) for number in range(MAX_LOGGED_REQUESTS)]


async def test_request_that_blocks_the_loop_is_logged_by_its_id(loop: WatchedLoop) -> None:
    async def block(_scope: Scope, _receive: Receive, send: Send) -> None:
        await loop.stall(1)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    application = RequestLogMiddleware(block, {}, lambda *_: None, loop.watchdog, address_of=str)
    with capture_logs() as logs, loop.watchdog.running():
        async with AsyncClient(transport=ASGITransport(application), base_url="http://test") as client:
            response = await client.get("/")
    [line] = blocked(logs)
    assert line["requests"] == [response.headers["X-Request-ID"]]


async def test_measurements_are_in_metrics(
    dedicated_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_loop, "TICK_SECONDS", 0)
    async with composed(dedicated_settings) as composition:
        application = create_application(dedicated_settings, composition)
        api = Api(application)
        async with application.router.lifespan_context(application):
            for _ in range(2):
                metrics = (await api.outside("GET", "/metrics")).text
        assert "conduit_event_loop_stall_seconds_bucket" in metrics
        assert "conduit_event_loop_stall_seconds_count 0.0" not in metrics
