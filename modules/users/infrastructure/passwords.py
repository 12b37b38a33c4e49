"""Argon2id, away from the event loop."""

import asyncio
import secrets
import unicodedata
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from modules.users.domain.values import Password, Presented

# OWASP's Password Storage Cheat Sheet, its first choice: 19 MiB, two passes, one lane.
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1


class Argon2Passwords:
    """Hashes in threads, so many at a time: each takes 19 MiB and a core for tens of milliseconds."""

    def __init__(self, at_once: int, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
        self._turn = asyncio.Semaphore(at_once)
        self._nobodys_hash = _hash_of_nothing(memory_kib, passes)

    async def hash(self, password: Password | Presented) -> str:
        """Return a hash that can be kept."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, _normalized(password))

    async def verify(self, password_hash: str | None, password: Presented) -> bool:
        """Return whether it is that password. Without a hash, return False after the same time."""
        async with self._turn:
            return await asyncio.to_thread(self._verify, password_hash, _normalized(password))

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether the hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobodys_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None


def _hash_of_nothing(memory_kib: int, passes: int) -> str:
    # Drawn, not made from a password: verifying costs the same, and the first one costs no more.
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={memory_kib},t={passes},p={LANES}${salt}${digest}"


def _normalized(password: Password | Presented) -> str:
    # NIST SP 800-63B, 5.1.1.2: the same password typed on another keyboard is the same password.
    return unicodedata.normalize("NFKC", password.text)
