"""Asking the database without waiting for it for ever."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from modules.kernel.domain.errors import Unavailable

PROBE_TIMEOUT_SECONDS = 2.0

ResponseT = TypeVar("ResponseT")


class ProbeTimeout(Unavailable):
    """The database did not answer in time."""

    subject, problem = "database", f"said nothing for {PROBE_TIMEOUT_SECONDS} s"


class DatabaseProbe:
    """Waits for an answer for `PATIENCE_SECONDS`, and lets go of the question then."""

    def __init__(self) -> None:
        self._let_go: set[asyncio.Task[Any]] = set()

    async def ask(self, question: Coroutine[Any, Any, ResponseT]) -> ResponseT:
        """Return the answer; raise `Silence` when it does not come, and whatever the question raises."""
        # Not `asyncio.timeout`, which waits until the driver has given up its statement: on a server
        # that is frozen that takes ten seconds more.
        asking = asyncio.create_task(question)
        try:
            answered, _ = await asyncio.wait({asking}, timeout=PROBE_TIMEOUT_SECONDS)
        finally:
            # However the waiting ended: whoever asks may be cancelled, and `wait` leaves the question be.
            self._let_go.add(asking)
            asking.add_done_callback(self._forget)
            asking.cancel()
        if not answered:
            raise ProbeTimeout
        return asking.result()

    def _forget(self, late: asyncio.Task[Any]) -> None:
        self._let_go.discard(late)
        if not late.cancelled():
            # Seen, so that it is not told of as if it had been overlooked.
            late.exception()
