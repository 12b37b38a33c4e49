"""Hashing new passwords and verifying submitted ones."""

from collections.abc import Collection

from modules.users.domain.account import CommonPassword, PasswordHasher
from modules.users.domain.login_throttle import LoginThrottle
from modules.users.domain.values import Password, SubmittedSecret, password_key


class Credentials:
    """Hashes and verifies passwords: rejects common ones and limits attempts."""

    def __init__(
        self, passwords: PasswordHasher, login_throttle: LoginThrottle, blocklist: Collection[str] = ()
    ) -> None:
        self._passwords = passwords
        self._login_throttle = login_throttle
        self._blocklist = blocklist

    async def hash_new(self, password: Password) -> str:
        """Return the hash of a new password; raise `CommonPassword` if the blocklist has it."""
        if password_key(password.text) in self._blocklist:
            raise CommonPassword
        return await self._passwords.hash(password)

    async def verify(
        self, email: str, password_hash: str | None, password: SubmittedSecret, address: str
    ) -> bool:
        """Return whether the password matches the hash; count the attempt on the e-mail from the address.

        Without a hash, return False after the same time. Raises `TooManyLoginAttempts`.
        """
        await self._login_throttle.record(email, address)
        if not await self._passwords.verify(password_hash, password):
            return False
        await self._login_throttle.record_success(email, address)
        return True

    async def forget(self, email: str) -> None:
        """Delete what is stored about logins to the account with this e-mail."""
        await self._login_throttle.forget(email)

    async def rehash_if_outdated(self, password_hash: str, password: SubmittedSecret) -> str | None:
        """Return a hash with the current parameters, or None if this one has them."""
        return await self._passwords.hash(password) if self._passwords.is_outdated(password_hash) else None
