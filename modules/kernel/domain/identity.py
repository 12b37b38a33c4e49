"""The identity of users that all modules share, and the verification of tokens."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NewType, Protocol, runtime_checkable

from modules.kernel.domain.errors import Forbidden, RateLimited, Unauthenticated

UserId = NewType("UserId", int)


class TokenMissing(Unauthenticated):
    """A token is required and none was sent."""

    subject, problem = "token", "is missing"


class TokenInvalid(Unauthenticated):
    """The token is forged, expired or revoked, or its user was deleted. The response does not say which."""

    subject, problem = "token", "is invalid"


class AccountDisabled(Forbidden):
    """The token is valid, or the credentials are right, but an operator has disabled the account."""

    subject, problem = "account", "is disabled"


class StorageLimitExceeded(RateLimited):
    """The account has stored as many bytes as it may for now."""

    subject, problem = "body", "too much stored by this account, try again later"


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in, which every token issued for it names.

    `epoch` is a random value of the account that changes whenever its sessions are revoked. `started_at`
    is the time of the sign-in in seconds since the epoch of Unix time.
    """

    id: str
    epoch: str
    started_at: int


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user, with what was verified.

    `expires_at` is the expiry of the token in seconds since the epoch of Unix time.
    """

    user_id: UserId
    session: Session
    expires_at: int
    token: str = field(repr=False)


@runtime_checkable
class TokenVerifier(Protocol):
    """Verifies tokens. The module that issues them offers it to all modules."""

    async def verify(self, token: str) -> Principal:
        """Return the token's principal; raise `TokenInvalid` unless it is valid now, or `AccountDisabled`."""
        ...

    async def authorize_write(self, principal: Principal, body_bytes: int) -> None:
        """Lock the principal's account against deletion until the open transaction ends.

        `body_bytes` is the size of the request body that is about to be stored. Raises `TokenInvalid` if
        the account was deleted or the session was revoked since it was verified, `AccountDisabled`,
        `StorageLimitExceeded` if the account has stored too much, and `RuntimeError` when no transaction is
        open.
        """
        ...


write_authorization: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar(
    "write_authorization", default=None
)
"""The function that every transaction of the current request awaits first.

It is set when the request is authenticated, and raises `TokenInvalid` when the caller's rights have ended
since: a request may wait for its body, for a password hash or for a lock before it writes.
"""

caller_username: ContextVar[str | None] = ContextVar("caller_username", default=None)
"""The name of the current request's caller, for the log in development; None if it was not looked up."""
