"""Limits on attempts to log in."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, parse
from limits.aio.strategies import FixedWindowRateLimiter

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.domain.login_throttle import TooManyLoginAttempts
from modules.users.domain.values import email_key
from modules.users.infrastructure.limit_storage import SqlLimitStorage
from modules.users.infrastructure.settings import UsersSettings

# What one household or server is given: an attacker has all of its 2^64 addresses.
IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class _Counted:
    limit: RateLimitItem
    of: str

    @property
    def key(self) -> str:
        """What it is counted under."""
        return self.limit.key_for(self.of)


class SqlLoginThrottle:
    """Limits attempts for an account, for an address, and for both together.

    The last one is the strictest: whoever tries from one address is stopped before they have used
    up what the account's owner has elsewhere.
    """

    def __init__(self, database: Database, clock: Clock, settings: UsersSettings) -> None:
        self._database = database
        self._clock = clock
        self._storage = SqlLimitStorage(database, clock)
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._per_both = parse(settings.login_limit)
        self._per_account = parse(settings.login_limit_per_account)
        self._per_address = parse(settings.login_limit_per_address)

    async def record(self, email: str, address: str) -> None:
        """Count an attempt; raise `TooManyLoginAttempts`."""
        counted = [*self._of_account(email, address), self._of_address(address)]
        # Looked at before anything is written: whoever goes on trying costs a read.
        numbers = await self._storage.get_many([one.key for one in counted])
        spent = [one for one in counted if numbers.get(one.key, 0) >= one.limit.amount]
        if not spent:
            async with self._database.transaction():
                await self._storage.forget_ended()
                spent = [one for one in counted if not await self._limiter.hit(one.limit, one.of)]
        if spent:
            raise TooManyLoginAttempts(await self._wait(spent))

    async def reset(self, email: str, address: str) -> None:
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
