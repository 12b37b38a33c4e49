"""A storage of the library `limits` in the database."""

from collections.abc import Collection, Mapping
from typing import Any

from limits.aio.storage import Storage
from sqlalchemy import bindparam, case, delete, select

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import upsert
from modules.users.infrastructure.tables import LoginAttemptRow


class SqlLimitStorage(Storage):
    """A storage of `limits` in `users_login_attempt`: every process sees it, and so does the next start.

    What is counted in one transaction is counted by nobody else meanwhile.
    """

    STORAGE_SCHEME = None

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__()
        self._database = database
        self._clock = clock

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None to wrap: what the database raises is known everywhere."""
        return ()

    async def forget_ended(self) -> None:
        """Remove the windows that have ended, everybody's: nobody else would ever do so."""
        async with self._database.transaction() as session:
            await session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.expires_at <= self._now()))

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count so many more until the window ends, or begin one of `expiry` seconds; return the count."""
        now = self._now()
        row = {"key": key, "count": amount, "expires_at": now + expiry, "now": now}
        async with self._database.transaction() as session:
            counted = upsert(session, LoginAttemptRow, _counted_on, returning="count")
            count: int = (await session.execute(counted, row)).scalar_one()
        return count

    async def get(self, key: str) -> int:
        """Return how many were counted in the window that is open now."""
        return (await self.get_many([key])).get(key, 0)

    async def get_many(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return how many were counted for each of the keys that has a window open now."""
        statement = select(LoginAttemptRow.key, LoginAttemptRow.count).where(
            LoginAttemptRow.key.in_(keys), LoginAttemptRow.expires_at > self._now()
        )
        async with self._database.snapshot() as session:
            return dict((await session.execute(statement)).all())

    async def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since the epoch; now, if none is open."""
        async with self._database.snapshot() as session:
            ends = await session.scalar(select(LoginAttemptRow.expires_at).where(LoginAttemptRow.key == key))
            return ends or self._now()

    async def check(self) -> bool:
        """Return True: whoever cannot reach the database is told so by the database."""
        return True

    async def reset(self) -> None:
        """Forget everything."""
        async with self._database.transaction() as session:
            await session.execute(delete(LoginAttemptRow))

    async def clear(self, key: str) -> None:
        """Forget what was counted for this key."""
        await self.clear_all([key])

    async def clear_all(self, keys: Collection[str]) -> None:
        """Forget what was counted for these keys."""
        async with self._database.transaction() as session:
            await session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.key.in_(keys)))

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _counted_on(kept: Any, new: Any) -> Mapping[str, Any]:
    has_ended = kept.expires_at <= bindparam("now")
    return {
        "count": case((has_ended, new.count), else_=kept.count + new.count),
        "expires_at": case((has_ended, new.expires_at), else_=kept.expires_at),
    }
