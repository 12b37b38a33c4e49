"""A watchdog of the event loop: code that blocks the loop delays every request of the process."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

# A measured stall is up to this much shorter than the real one. Ten measurements take 2 ms of a core.
TICK_SECONDS = 0.1
LOGGED_SECONDS = 0.25
MAX_LOGGED_REQUESTS = 20

log = structlog.get_logger("conduit.event_loop")


class EventLoopWatchdog:
    """Measures stalls of the event loop: how much later than planned it runs a callback, ten times a second.

    `observe` is called with each measurement in seconds. A stall longer than `LOGGED_SECONDS` is logged with
    the requests that may have caused it: those in progress, and those that ended since the last measurement.
    `now` returns the time in seconds of a monotonic clock.
    """

    def __init__(self, observe: Callable[[float], None], now: Callable[[], float] = time.monotonic) -> None:
        self._observe = observe
        self._now = now
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        # A dict, because it is ordered.
        self._in_progress: dict[str, None] = {}
        self._ended: deque[str] = deque(maxlen=MAX_LOGGED_REQUESTS)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch the running event loop in the block."""
        self._schedule()
        try:
            yield
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def request_started(self, request_id: str) -> None:
        """Record that this request is in progress."""
        self._in_progress[request_id] = None

    def request_ended(self, request_id: str) -> None:
        """Record that this request has ended."""
        self._in_progress.pop(request_id, None)
        self._ended.append(request_id)

    def _schedule(self) -> None:
        self._due = self._now() + TICK_SECONDS
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._measure)

    def _measure(self) -> None:
        stall = max(0.0, self._now() - self._due)
        self._observe(stall)
        if stall > LOGGED_SECONDS:
            # The latest first: streams are in progress for hours.
            requests = [*reversed(self._ended), *reversed(self._in_progress)][:MAX_LOGGED_REQUESTS]
            log.warning("event loop blocked", milliseconds=round(stall * 1000), requests=requests)
        self._ended.clear()
        self._schedule()
