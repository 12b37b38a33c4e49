"""A storage of the `limits` library in the database."""

from collections.abc import Collection, Mapping
from typing import Any

from limits.aio.storage import Storage
from sqlalchemy import bindparam, case, delete, select

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import upsert
from modules.users.infrastructure.tables import LoginAttemptRow


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

    async def delete_expired(self) -> None:
        """Delete all expired windows."""
        async with self._database.transaction() as session:
            await session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.expires_at <= self._now()))

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add `amount` to the open window, or open one of `expiry` seconds; return the count."""
        now = self._now()
        row = {"key": key, "count": amount, "expires_at": now + expiry, "now": now}
        async with self._database.transaction() as session:
            statement = upsert(session, LoginAttemptRow, _increment, returning="count")
            count: int = (await session.execute(statement, row)).scalar_one()
        return count

    async def get(self, key: str) -> int:
        """Return the count of the open window, or 0."""
        return (await self.get_many([key])).get(key, 0)

    async def get_many(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return the counts of the open windows, by key."""
        statement = select(LoginAttemptRow.key, LoginAttemptRow.count).where(
            LoginAttemptRow.key.in_(keys), LoginAttemptRow.expires_at > self._now()
        )
        async with self._database.snapshot() as session:
            return dict((await session.execute(statement)).all())

    async def get_expiry(self, key: str) -> float:
        """Return the end of the window in seconds since the epoch; the present time if none is open."""
        async with self._database.snapshot() as session:
            statement = select(LoginAttemptRow.expires_at).where(LoginAttemptRow.key == key)
            return await session.scalar(statement) or self._now()

    async def check(self) -> bool:
        """Return True: readiness checks the database already."""
        return True

    async def reset(self) -> None:
        """Delete all windows."""
        async with self._database.transaction() as session:
            await session.execute(delete(LoginAttemptRow))

    async def clear(self, key: str) -> None:
        """Delete the window of a key."""
        await self.clear_all([key])

    async def clear_all(self, keys: Collection[str]) -> None:
        """Delete the windows of these keys."""
        async with self._database.transaction() as session:
            await session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.key.in_(keys)))

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _increment(stored: Any, new: Any) -> Mapping[str, Any]:
    is_expired = stored.expires_at <= bindparam("now")
    return {
        "count": case((is_expired, new.count), else_=stored.count + new.count),
        "expires_at": case((is_expired, new.expires_at), else_=stored.expires_at),
    }
