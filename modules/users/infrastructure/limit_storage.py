"""A storage of the `limits` library in the database."""

from collections.abc import Collection, Mapping
from typing import Any

from limits.aio.storage import Storage
from sqlalchemy import bindparam, case, delete, select

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_texts, upsert
from modules.kernel.infrastructure.persistence.statements import prepare
from modules.users.infrastructure.tables import LoginAttemptRow, login_attempts

CLEANUP_BATCH_SIZE = 1_000
EXPIRED = (
    select(login_attempts.c.key)
    .where(login_attempts.c.expires_at <= bindparam("now"))
    .order_by(login_attempts.c.expires_at)
    .limit(CLEANUP_BATCH_SIZE)
)
# Both conditions: a concurrent increment may have opened a new window of a selected key.
DELETE_EXPIRED = prepare(
    delete(login_attempts)
    .where(login_attempts.c.key.in_(EXPIRED), login_attempts.c.expires_at <= bindparam("now"))
    .returning(login_attempts.c.key)
)
OPEN_WINDOWS = prepare(
    select(login_attempts.c.key, login_attempts.c.count).where(
        in_texts(login_attempts.c.key, "keys"), login_attempts.c.expires_at > bindparam("now")
    )
)
EXPIRY = prepare(select(login_attempts.c.expires_at).where(login_attempts.c.key == bindparam("key")))
DELETE_ALL = prepare(delete(login_attempts))
DELETE = prepare(delete(login_attempts).where(in_texts(login_attempts.c.key, "keys")))


class SqlLimitStorage(Storage):
    """A `limits` storage in `users_login_attempt`, shared by all processes and durable across restarts.

    Increments are atomic: the upsert locks the row until the transaction ends.
    """

    STORAGE_SCHEME = None

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__()
        self._database = database
        self._clock = clock

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """No exceptions to wrap: database errors propagate unchanged."""
        return ()

    async def delete_expired(self) -> bool:
        """Delete a batch of expired windows; return whether there may be more."""
        deleted = await self._database.fetch_values(DELETE_EXPIRED, {"now": self._now()})
        return len(deleted) == CLEANUP_BATCH_SIZE

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add `amount` to the open window, or open one of `expiry` seconds; return the count."""
        now = self._now()
        row = {"key": key, "count": amount, "expires_at": now + expiry, "now": now}
        statement = upsert(self._database.dialect, LoginAttemptRow, _increment, returning="count")
        count: int = await self._database.fetch_value(statement, row)
        return count

    async def get(self, key: str) -> int:
        """Return the count of the open window, or 0."""
        return (await self.get_many([key])).get(key, 0)

    async def get_many(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return the counts of the open windows, by key."""
        return dict(await self._database.fetch_all(OPEN_WINDOWS, {"keys": keys, "now": self._now()}))

    async def get_expiry(self, key: str) -> float:
        """Return the end of the window in seconds since the epoch; the present time if none is open."""
        return await self._database.fetch_value(EXPIRY, {"key": key}) or self._now()

    async def check(self) -> bool:
        """Return True: readiness checks the database already."""
        return True

    async def reset(self) -> None:
        """Delete all windows."""
        await self._database.execute(DELETE_ALL)

    async def clear(self, key: str) -> None:
        """Delete the window of a key."""
        await self.clear_all([key])

    async def clear_all(self, keys: Collection[str]) -> None:
        """Delete the windows of these keys."""
        await self._database.execute(DELETE, {"keys": keys})

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _increment(stored: Any, new: Any) -> Mapping[str, Any]:
    is_expired = stored.expires_at <= bindparam("now")
    return {
        "count": case((is_expired, new.count), else_=stored.count + new.count),
        "expires_at": case((is_expired, new.expires_at), else_=stored.expires_at),
    }
