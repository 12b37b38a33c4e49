"""Argon2id hashing in a thread pool."""

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

from modules.kernel.domain.errors import Unavailable
from modules.users.domain.values import Password, SubmittedSecret

ResultT = TypeVar("ResultT")
ArgumentsT = TypeVarTuple("ArgumentsT")

# The OWASP Password Storage Cheat Sheet's first choice. Memory in KiB.
MEMORY_COST = 19_456
TIME_COST = 2
PARALLELISM = 1

# Two seconds of work for two threads.
MAX_PENDING = 100

# Lower CPU priority: prefer slow logins to slow requests.
NICENESS = 10


class Argon2Passwords:
    """Hashes in at most `concurrency` threads: each takes 19 MiB and a core for tens of milliseconds.

    `pending` is the number of hashes running or queued; above `max_pending`, `hash` and `verify` raise
    `Unavailable`.
    """

    def __init__(
        self,
        concurrency: int,
        max_pending: int = MAX_PENDING,
        *,
        memory_cost: int = MEMORY_COST,
        time_cost: int = TIME_COST,
    ) -> None:
        self._hasher = PasswordHasher(time_cost, memory_cost, PARALLELISM)
        self._threads = ThreadPoolExecutor(concurrency, "argon2", initializer=_lower_priority)
        self._dummy_hash = _dummy_hash(memory_cost, time_cost)
        self._max_pending = max_pending
        self.pending = 0

    async def hash(self, password: Password | SubmittedSecret) -> str:
        return await self._run(self._hasher.hash, _normalized(password))

    async def verify(self, password_hash: str | None, password: SubmittedSecret) -> bool:
        return await self._run(self._verify, password_hash, _normalized(password))

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    async def _run(self, function: Callable[[*ArgumentsT], ResultT], *arguments: *ArgumentsT) -> ResultT:
        if self.pending >= self._max_pending:
            raise Unavailable
        self.pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        finally:
            self.pending -= 1

    def _verify(self, password_hash: str | None, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._dummy_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None


def _lower_priority() -> None:
    # Only Linux has priorities per thread.
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


def _dummy_hash(memory_cost: int, time_cost: int) -> str:
    # Random instead of hashed: verifying it takes the same time, and creating it takes none.
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={memory_cost},t={time_cost},p={PARALLELISM}${salt}${digest}"


def _normalized(password: Password | SubmittedSecret) -> str:
    # NIST SP 800-63B, 5.1.1.2: keyboards may encode the same password differently.
    return unicodedata.normalize("NFKC", password.text)
