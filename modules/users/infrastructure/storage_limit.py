"""The limit of the bytes that one account may store."""

import math
from functools import partial

from limits import parse
from limits.aio.strategies import FixedWindowRateLimiter

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.identity import StorageLimitExceeded, UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.infrastructure.limit_storage import SqlLimitStorage

# Most requests store less: they are counted in memory until the account has stored this much, so that
# they send no statement. A process forgets less than this for each account.
MIN_RECORDED_BYTES = 65_536
MAX_ACCOUNTS_IN_MEMORY = 10_000


class StorageLimit:
    """Limits the bytes of request bodies that an account stores, counted in the storing transaction."""

    def __init__(self, database: Database, clock: Clock, limit: str) -> None:
        self._database = database
        self._clock = clock
        self._limiter = FixedWindowRateLimiter(SqlLimitStorage(database, clock))
        self._limit = parse(limit)
        self._unrecorded: dict[UserId, int] = {}

    async def record(self, user_id: UserId, body_bytes: int) -> None:
        """Count stored bytes of an account; raise `StorageLimitExceeded` if they exceed the limit.

        Bytes that a transaction counts and then rolls back are counted again with the next ones.
        """
        if not body_bytes:
            return
        unrecorded = self._unrecorded.get(user_id, 0) + body_bytes
        if unrecorded >= MIN_RECORDED_BYTES:
            await self._hit(user_id, unrecorded)
            self._database.after_commit(partial(self._subtract, user_id, unrecorded))
        if user_id not in self._unrecorded and len(self._unrecorded) >= MAX_ACCOUNTS_IN_MEMORY:
            self._unrecorded.pop(next(iter(self._unrecorded)))
        self._unrecorded[user_id] = unrecorded

    async def _hit(self, user_id: UserId, stored_bytes: int) -> None:
        identifier = f"stored by {user_id}"
        if not await self._limiter.hit(self._limit, identifier, cost=stored_bytes):
            window = await self._limiter.get_window_stats(self._limit, identifier)
            seconds = window.reset_time - self._clock.now().timestamp()
            raise StorageLimitExceeded(max(1, math.ceil(seconds)))

    def _subtract(self, user_id: UserId, recorded: int) -> None:
        self._unrecorded[user_id] = max(0, self._unrecorded.get(user_id, 0) - recorded)
