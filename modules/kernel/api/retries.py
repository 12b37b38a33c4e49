"""A request is handled again when others were in its way, and given up when it takes for ever."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from modules.kernel.domain.errors import ConcurrencyConflict, Unavailable

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

ATTEMPTS = 5
"""How often a request is handled before its caller is told that others are always in the way."""

REQUEST_TIMEOUT_SECONDS = 45.0
"""How long handling one may take in all: longer than whatever has a limit of its own, such as statements."""


def undeterred(handle: Handler) -> Handler:
    """Return a handler that does the same, again when others were in the way, and not for ever."""

    # All of it again, because all of it was undone: what was read before may be another now. The
    # body of the request was read and is kept; no answer has left, since use cases commit first.
    async def handle_with_retries(request: Request) -> Response:
        for attempt in range(1, ATTEMPTS):
            try:
                return await handle(request)
            except ConcurrencyConflict:
                # Not all at the same moment again.
                await asyncio.sleep(secrets.randbelow(10 * 2**attempt) / 1000)
        return await handle(request)

    async def handle_with_timeout(request: Request) -> Response:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS) as limit:
                return await handle_with_retries(request)
        except TimeoutError as error:
            if not limit.expired():
                raise
            # A server that takes a statement and never answers, frozen, has nothing else to end it.
            raise Unavailable from error

    return handle_with_timeout
