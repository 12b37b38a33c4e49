"""The identity of users that all modules share, and the verification of tokens."""

from dataclasses import dataclass
from typing import NewType, Protocol, runtime_checkable

from modules.kernel.domain.errors import Unauthenticated

UserId = NewType("UserId", int)


class TokenMissing(Unauthenticated):
    """A token is required and none was sent."""

    subject, problem = "token", "is missing"


class TokenInvalid(Unauthenticated):
    """The token is forged, expired or revoked, or its user was deleted. The response does not say which."""

    subject, problem = "token", "is invalid"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user, and the expiry of their token in seconds since the epoch."""

    user_id: UserId
    expires_at: int


@runtime_checkable
class TokenVerifier(Protocol):
    """Verifies tokens. The module that issues them offers it to all modules."""

    async def verify(self, token: str) -> Principal:
        """Return the token's principal; raise `TokenInvalid` unless it is valid now."""
        ...
