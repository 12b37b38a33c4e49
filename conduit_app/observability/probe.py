"""Database calls with a timeout, for health checks and metrics."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from modules.kernel.domain.errors import Unavailable

PROBE_TIMEOUT_SECONDS = 2.0

ResultT = TypeVar("ResultT")


class ProbeTimeout(Unavailable):
    """The database did not respond in time."""

    subject, problem = "database", "did not respond in time"


class DatabaseProbe:
    """Runs calls that are abandoned after `PROBE_TIMEOUT_SECONDS`."""

    def __init__(self) -> None:
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def run(self, call: Coroutine[Any, Any, ResultT], timeout: float | None = None) -> ResultT:  # noqa: ASYNC109 - see below
        """Return the result of the call; raise `ProbeTimeout`, or what the call raises.

        `timeout` in seconds replaces `PROBE_TIMEOUT_SECONDS`.
        """
        # Not `asyncio.timeout`, which waits until the driver has cancelled its statement: ten seconds more
        # if the server hangs.
        task = asyncio.create_task(call)
        try:
            done, _ = await asyncio.wait({task}, timeout=timeout or PROBE_TIMEOUT_SECONDS)
        finally:
            # Also when the caller is cancelled: `wait` does not cancel its tasks.
            self._abandoned.add(task)
            task.add_done_callback(self._discard)
            task.cancel()
        if not done:
            raise ProbeTimeout
        return task.result()

    def _discard(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            # Retrieve the exception, or asyncio logs "exception was never retrieved".
            task.exception()
