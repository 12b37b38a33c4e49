"""The time limit of requests, with one timer for all of them."""

import asyncio
from weakref import WeakKeyDictionary

CHECK_INTERVAL_SECONDS = 1.0
"""How much later than its limit a task may be cancelled."""


class TimeLimits:
    """The deadlines of the tasks of an event loop that have the same time limit.

    A timer for each of them would cost a twentieth of a cheap request.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        # In their order, as all have the same limit.
        self._deadlines: dict[asyncio.Task[object], float] = {}
        self._is_checking = False

    def add(self, task: asyncio.Task[object], seconds: float) -> None:
        """Cancel the task after `seconds`, or up to a second later, unless it is removed before."""
        self._deadlines[task] = self.loop.time() + seconds
        if not self._is_checking:
            self._is_checking = True
            self.loop.call_later(CHECK_INTERVAL_SECONDS, self._check)

    def is_expired(self, task: asyncio.Task[object]) -> bool:
        """Return whether an added task was cancelled."""
        return task not in self._deadlines

    def remove(self, task: asyncio.Task[object]) -> None:
        """Forget the task."""
        self._deadlines.pop(task, None)

    def _check(self) -> None:
        now = self.loop.time()
        while self._deadlines:
            task, deadline = next(iter(self._deadlines.items()))
            if deadline > now:
                break
            del self._deadlines[task]
            task.cancel()
        self._is_checking = bool(self._deadlines)
        if self._is_checking:
            self.loop.call_later(CHECK_INTERVAL_SECONDS, self._check)


_limits: WeakKeyDictionary[asyncio.AbstractEventLoop, TimeLimits] = WeakKeyDictionary()


def time_limits() -> TimeLimits:
    """Return those of the running event loop."""
    loop = asyncio.get_running_loop()
    limits = _limits.get(loop)
    if limits is None:
        limits = _limits[loop] = TimeLimits(loop)
    return limits
