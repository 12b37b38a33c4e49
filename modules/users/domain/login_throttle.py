"""How often somebody may try a password."""

from typing import Protocol

from modules.kernel.domain.errors import RateLimited


class TooManyLoginAttempts(RateLimited):
    """This account, or this address, has seen too many attempts. Whether the account exists is not told."""

    subject, problem = "credentials", "were tried too often, try again later"


class LoginThrottle(Protocol):
    """Counts attempts to prove a password. Nobody is locked out for longer than a window lasts."""

    async def record(self, email: str, address: str) -> None:
        """Count an attempt on the account of this e-mail, which need not exist, from a network address.

        Counted before the password is looked at, so that attempts at the same moment count too. Raises
        `TooManyLoginAttempts`.
        """
        ...

    async def reset(self, email: str, address: str) -> None:
        """Count the attempts on this account anew: what is limited is failing one after the other."""
        ...
