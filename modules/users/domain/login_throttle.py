"""Rate limits on login attempts."""

from typing import Protocol

from modules.kernel.domain.errors import RateLimited


class TooManyLoginAttempts(RateLimited):
    """Too many attempts on this account or from this address; does not reveal whether the account exists."""

    subject, problem = "credentials", "too many login attempts, try again later"


class LoginThrottle(Protocol):
    """Counts login attempts. A lockout ends with its window: none is permanent."""

    async def record(self, email: str, address: str) -> None:
        """Count an attempt from a network address on the account with this e-mail, which need not exist.

        An address from which a login to this account succeeded before is not affected by attempts from
        others. Call it before verifying the password, so that concurrent attempts count too. Raises
        `TooManyLoginAttempts`.
        """
        ...

    async def record_success(self, email: str, address: str) -> None:
        """Reset the counters of this account after a success, so that only consecutive failures count.

        The counter of the address stays, or logging in to an account of their own would reset an attacker's.
        """
        ...

    async def forget(self, email: str) -> None:
        """Delete the addresses from which logins to this account succeeded."""
        ...
