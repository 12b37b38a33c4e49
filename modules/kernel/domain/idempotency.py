"""Requests that say who they are, so that one that is sent again is not done again."""

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
# Visible ASCII, but for what begins, ends and escapes a string in a structured field (RFC 9651, 3.3.3).
KEY = re.compile(rf"[!#-\[\]-~]{{1,{MAX_KEY_LENGTH}}}")


class IdempotencyKeyReused(Invalid):
    """The key is that of another request: repeating one is right, and doing two with one key is not."""

    subject, problem = HEADER, "was sent before, with another request"


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request under the key that its sender gave it; raises `Invalid` for what can be no key.

    `content` is what all repeats of it have in common: another content is another request.
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
    """Sees to it that what is asked for with a key is done once, and keeps what was answered."""

    async def run(
        self, request: IdempotentRequest, caller: UserId | None, work: Callable[[], Awaitable[str]]
    ) -> str:
        """Do the work and return its answer, or return the answer that it had for the same request.

        All of it is one transaction: what the work writes, and that it is done. What it raises undoes
        both, so that a failure is not kept. A repeat at the same moment waits. Keys are the caller's own;
        anonymous callers share theirs. Raises `IdempotencyKeyReused` when another request had the key.
        """
        ...

    async def forget(self, caller: UserId) -> None:
        """Forget all that was answered to a caller."""
        ...
