"""Attempts to log in, counted in the database."""

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter
from sqlalchemy import bindparam, case, delete, select

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import insert_or_update
from modules.users.domain.attempts import TooManyAttempts
from modules.users.domain.values import email_key
from modules.users.infrastructure.settings import UsersSettings
from modules.users.infrastructure.tables import AttemptRow

# What one household or server is given: an attacker has all of its 2^64 addresses.
IPV6_NETWORK_BITS = 64


class AttemptStorage(Storage):
    """A storage of `limits` in `users_attempt`: every process sees it, and so does the next start.

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
            await session.execute(delete(AttemptRow).where(AttemptRow.expires_at <= self._now()))

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count so many more until the window ends, or begin one of `expiry` seconds; return the count."""
        now = self._now()
        row = {"key": key, "number": amount, "expires_at": now + expiry, "now": now}
        async with self._database.transaction() as session:
            counted = insert_or_update(session, AttemptRow, _counted_on, returning="number")
            number: int = (await session.execute(counted, row)).scalar_one()
        return number

    async def get(self, key: str) -> int:
        """Return how many were counted in the window that is open now."""
        return (await self.numbers([key])).get(key, 0)

    async def numbers(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return how many were counted for each of the keys that has a window open now."""
        statement = select(AttemptRow.key, AttemptRow.number).where(
            AttemptRow.key.in_(keys), AttemptRow.expires_at > self._now()
        )
        async with self._database.snapshot() as session:
            return {row.key: row.number for row in await session.execute(statement)}

    async def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since the epoch; now, if none is open."""
        async with self._database.snapshot() as session:
            ends = await session.scalar(select(AttemptRow.expires_at).where(AttemptRow.key == key))
            return ends or self._now()

    async def check(self) -> bool:
        """Return True: whoever cannot reach the database is told so by the database."""
        return True

    async def reset(self) -> None:
        """Forget everything."""
        async with self._database.transaction() as session:
            await session.execute(delete(AttemptRow))

    async def clear(self, key: str) -> None:
        """Forget what was counted for this key."""
        await self.clear_all([key])

    async def clear_all(self, keys: Collection[str]) -> None:
        """Forget what was counted for these keys."""
        async with self._database.transaction() as session:
            await session.execute(delete(AttemptRow).where(AttemptRow.key.in_(keys)))

    def _now(self) -> float:
        return self._clock.now().timestamp()


@dataclass(frozen=True, slots=True)
class _Counted:
    limit: RateLimitItem
    of: str

    @property
    def key(self) -> str:
        """What it is counted under."""
        return self.limit.key_for(self.of)


class LimitedAttempts:
    """Limits attempts for an account, for an address, and for both together.

    The last one is the strictest: whoever tries from one address is stopped before they have used
    up what the account's owner has elsewhere.
    """

    def __init__(self, database: Database, clock: Clock, settings: UsersSettings) -> None:
        self._database = database
        self._clock = clock
        self._storage = AttemptStorage(database, clock)
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._per_both = parse(settings.login_limit)
        self._per_account = parse(settings.login_limit_per_account)
        self._per_address = parse(settings.login_limit_per_address)

    async def begin(self, email: str, address: str) -> None:
        """Count an attempt; raise `TooManyAttempts`."""
        counted = [*self._of_account(email, address), self._of_address(address)]
        # Looked at before anything is written: whoever goes on trying costs a read.
        numbers = await self._storage.numbers([one.key for one in counted])
        spent = [one for one in counted if numbers.get(one.key, 0) >= one.limit.amount]
        if not spent:
            async with self._database.transaction():
                await self._storage.forget_ended()
                spent = [one for one in counted if not await self._limiter.hit(one.limit, one.of)]
        if spent:
            raise TooManyAttempts(await self._wait(spent))

    async def succeeded(self, email: str, address: str) -> None:
        """Count the attempts on this account anew, and those from this address not."""
        # Otherwise somebody with an account could log in to it after every few guesses elsewhere.
        await self._storage.clear_all([one.key for one in self._of_account(email, address)])

    def _of_account(self, email: str, address: str) -> Sequence[_Counted]:
        account, network = email_key(email), _network(address)
        return [
            _Counted(self._per_both, _key("both", account, network)),
            _Counted(self._per_account, _key("account", account)),
        ]

    def _of_address(self, address: str) -> _Counted:
        return _Counted(self._per_address, _key("address", _network(address)))

    async def _wait(self, spent: Sequence[_Counted]) -> int:
        ends = [(await self._limiter.get_window_stats(one.limit, one.of)).reset_time for one in spent]
        return max(1, math.ceil(max(ends) - self._clock.now().timestamp()))


def _counted_on(kept: Any, new: Any) -> Mapping[str, Any]:
    has_ended = kept.expires_at <= bindparam("now")
    return {
        "number": case((has_ended, new.number), else_=kept.number + new.number),
        "expires_at": case((has_ended, new.expires_at), else_=kept.expires_at),
    }


def _key(*parts: str) -> str:
    # A digest: of one length, whatever was typed, and no list of who tried to log in where.
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        # A Unix socket has no address: all who come through it are one.
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    mapped = parsed.ipv4_mapped
    return str(mapped or ip_network((parsed, IPV6_NETWORK_BITS), strict=False))
