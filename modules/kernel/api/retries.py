"""Retries of requests after concurrency conflicts, and the time limit of a request."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from modules.kernel.api.time_limits import time_limits
from modules.kernel.domain.errors import ConcurrencyConflict, Unavailable

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

MAX_ATTEMPTS = 5
"""How often a request is handled before its last `ConcurrencyConflict` is returned to the caller."""

REQUEST_TIMEOUT_SECONDS = 45.0
"""The time limit of all attempts: longer than every narrower limit, such as that of a statement."""


def with_retries_and_timeout(handle: Handler) -> Handler:
    """Return a handler that retries after a `ConcurrencyConflict` and has a time limit."""

    # The whole request, because all of it was rolled back and its reads may be out of date. The body
    # has been read and is reused; no response has been sent, since use cases commit first.
    async def handle_with_retries(request: Request) -> Response:
        limits = time_limits()
        task = asyncio.current_task(limits.loop)
        assert task is not None  # noqa: S101 - coroutines run in tasks
        limits.add(task, REQUEST_TIMEOUT_SECONDS)
        try:
            for attempt in range(1, MAX_ATTEMPTS):
                try:
                    return await handle(request)
                except ConcurrencyConflict:
                    # Jitter, so that conflicting requests do not retry at the same moment.
                    await asyncio.sleep(secrets.randbelow(10 * 2**attempt) / 1000)
            return await handle(request)
        except asyncio.CancelledError as error:
            # Unless somebody else has cancelled it, too.
            if limits.is_expired(task) and task.uncancel() == 0:
                # Nothing else ends a statement on a database server that hangs.
                raise Unavailable from error
            raise
        finally:
            limits.remove(task)

    return handle_with_retries
