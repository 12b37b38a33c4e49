"""Who is asking: the one identity that all modules share, and how a token becomes it."""

from dataclasses import dataclass
from typing import NewType, Protocol, runtime_checkable

from modules.kernel.domain.errors import Unauthenticated

UserId = NewType("UserId", int)


class TokenMissing(Unauthenticated):
    """A token is required and none was sent."""

    subject, problem = "token", "is missing"


class TokenInvalid(Unauthenticated):
    """The token is forged, expired, revoked, or its user is gone. Which of these is not told."""

    subject, problem = "token", "is invalid"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, and until when their token says so (seconds since the epoch)."""

    user_id: UserId
    expires_at: int


@runtime_checkable
class TokenVerifier(Protocol):
    """Whoever issues tokens offers this; every module that has users authenticates through it."""

    async def verify(self, token: str) -> Principal:
        """Return whose token this is; raise `TokenInvalid` if it is not good at this moment."""
        ...
