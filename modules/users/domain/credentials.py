"""Choosing a password, and proving that one knows it."""

from collections.abc import Collection

from modules.users.domain.account import PasswordCommon, PasswordHasher
from modules.users.domain.login_throttle import Attempts
from modules.users.domain.values import Password, Presented, password_key


class Credentials:
    """Passwords as the rules have them: not among the most common, and not guessed by trying."""

    def __init__(
        self, passwords: PasswordHasher, attempts: Attempts, blocklist: Collection[str] = ()
    ) -> None:
        self._passwords = passwords
        self._attempts = attempts
        self._blocklist = blocklist

    async def choose(self, password: Password) -> str:
        """Return a hash of a new password, to be kept; raise `PasswordCommon`."""
        if password_key(password.text) in self._blocklist:
            raise PasswordCommon
        return await self._passwords.hash(password)

    async def prove(self, email: str, password_hash: str | None, password: Presented, address: str) -> bool:
        """Return whether it is the password of this e-mail's account, tried from a network address.

        Without a hash, return False after the same time. Raises `TooManyAttempts`.
        """
        await self._attempts.begin(email, address)
        if not await self._passwords.verify(password_hash, password):
            return False
        await self._attempts.succeeded(email, address)
        return True

    async def renew(self, password_hash: str, password: Presented) -> str | None:
        """Return a hash with today's parameters, or None if this one has them."""
        return await self._passwords.hash(password) if self._passwords.is_outdated(password_hash) else None
