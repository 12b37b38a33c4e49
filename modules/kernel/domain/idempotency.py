"""Idempotency keys: a request that is retried with its key takes effect once."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, runtime_checkable

from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.identity import UserId

HEADER = "Idempotency-Key"
RETENTION = timedelta(hours=24)
MAX_KEY_LENGTH = 255
# Visible ASCII without the quote and the backslash of a structured-field string (RFC 9651, 3.3.3).
KEY = re.compile(rf"[!#-\[\]-~]{{1,{MAX_KEY_LENGTH}}}")


class IdempotencyKeyReused(Invalid):
    """A different request was sent with the same key."""

    subject, problem = HEADER, "was already used with a different request"


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request with its idempotency key; raises `Invalid` for a malformed key.

    `content` identifies the request: a retry has the same content.
    """

    key: str
    content: bytes

    def __post_init__(self) -> None:
        if not KEY.fullmatch(self.key):
            raise Invalid(
                HEADER,
                f"must be 1 to {MAX_KEY_LENGTH} visible ASCII characters, "
                "without quotes and backslashes inside",
            )


@runtime_checkable
class IdempotencyStore(Protocol):
    """Runs each request with an idempotency key once, and stores its response for `RETENTION`."""

    async def run(
        self, request: IdempotentRequest, caller: UserId | None, work: Callable[[], Awaitable[str]]
    ) -> str:
        """Run the work and return its response, or return the stored response of the same request.

        The work and its stored response are one transaction, so that a failure is not stored. A
        concurrent retry waits for it. Keys are scoped to the caller; anonymous callers share a scope.
        Raises what the work raises, and `IdempotencyKeyReused` when a different request had the key.
        """
        ...

    async def delete_for_user(self, user_id: UserId) -> None:
        """Delete the keys and stored responses of a user."""
        ...
