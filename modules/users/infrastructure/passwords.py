"""Argon2id, away from the event loop."""

import asyncio
import os
import secrets
import sys
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from modules.users.domain.values import Password, SubmittedSecret

ResultT = TypeVar("ResultT")
ArgumentsT = TypeVarTuple("ArgumentsT")

# OWASP's Password Storage Cheat Sheet, its first choice: 19 MiB, two passes, one lane.
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1


# Behind whatever else wants the cores: a login that takes longer is better than all requests that do.
NICENESS = 10


class Argon2Passwords:
    """Hashes in threads, so many at a time: each takes 19 MiB and a core for tens of milliseconds.

    `waiting` is how many are worked on or wait for a thread.
    """

    def __init__(self, at_once: int, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
        self._threads = ThreadPoolExecutor(at_once, "argon2", initializer=_stand_back)
        self._nobodys_hash = _hash_of_nothing(memory_kib, passes)
        self.waiting = 0

    async def hash(self, password: Password | SubmittedSecret) -> str:
        """Return a hash that can be kept."""
        return await self._run(self._hasher.hash, _normalized(password))

    async def verify(self, password_hash: str | None, password: SubmittedSecret) -> bool:
        """Return whether it is that password. Without a hash, return False after the same time."""
        return await self._run(self._verify, password_hash, _normalized(password))

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether the hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(password_hash)

    async def _run(self, work: Callable[[*ArgumentsT], ResultT], *arguments: *ArgumentsT) -> ResultT:
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self.waiting -= 1

    def _verify(self, password_hash: str | None, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobodys_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None


def _stand_back() -> None:
    # Only Linux knows priorities of threads.
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


def _hash_of_nothing(memory_kib: int, passes: int) -> str:
    # Drawn, not made from a password: verifying costs the same, and the first one costs no more.
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={memory_kib},t={passes},p={LANES}${salt}${digest}"


def _normalized(password: Password | SubmittedSecret) -> str:
    # NIST SP 800-63B, 5.1.1.2: the same password typed on another keyboard is the same password.
    return unicodedata.normalize("NFKC", password.text)
