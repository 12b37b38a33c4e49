"""Login rate limits, counted in the database."""

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

# The usual assignment to one household or server: a single client can use all 2^64 addresses of it.
IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class _LimitKey:
    limit: RateLimitItem
    identifier: str

    @property
    def storage_key(self) -> str:
        """The key of the counter in the storage."""
        return self.limit.key_for(self.identifier)


class SqlLoginThrottle:
    """Limits login attempts per account, per address, and per account and address.

    The last limit is the strictest, so that an attacker at one address is blocked before exhausting
    the limit of the account, which would lock out its owner elsewhere.
    """

    def __init__(self, database: Database, clock: Clock, settings: UsersSettings) -> None:
        self._database = database
        self._clock = clock
        self._storage = SqlLimitStorage(database, clock)
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._per_account_and_address = parse(settings.login_limit)
        self._per_account = parse(settings.login_limit_per_account)
        self._per_address = parse(settings.login_limit_per_address)

    async def record(self, email: str, address: str) -> None:
        keys = [*self._account_keys(email, address), self._address_key(address)]
        # Check before writing, so that a blocked client costs only a read.
        counts = await self._storage.get_many([key.storage_key for key in keys])
        exceeded = [key for key in keys if counts.get(key.storage_key, 0) >= key.limit.amount]
        if not exceeded:
            async with self._database.transaction():
                await self._storage.delete_expired()
                exceeded = [key for key in keys if not await self._limiter.hit(key.limit, key.identifier)]
        if exceeded:
            raise TooManyLoginAttempts(await self._retry_after_seconds(exceeded))

    async def reset(self, email: str, address: str) -> None:
        await self._storage.clear_all([key.storage_key for key in self._account_keys(email, address)])

    def _account_keys(self, email: str, address: str) -> Sequence[_LimitKey]:
        account, network = email_key(email), _network(address)
        return [
            _LimitKey(self._per_account_and_address, _identifier("both", account, network)),
            _LimitKey(self._per_account, _identifier("account", account)),
        ]

    def _address_key(self, address: str) -> _LimitKey:
        return _LimitKey(self._per_address, _identifier("address", _network(address)))

    async def _retry_after_seconds(self, exceeded: Sequence[_LimitKey]) -> int:
        windows = [await self._limiter.get_window_stats(key.limit, key.identifier) for key in exceeded]
        reset_time = max(window.reset_time for window in windows)
        return max(1, math.ceil(reset_time - self._clock.now().timestamp()))


def _identifier(*parts: str) -> str:
    # A digest has a fixed length, and stores neither e-mail nor IP addresses.
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        # A Unix socket has no client addresses: all its clients share one rate limit.
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    mapped = parsed.ipv4_mapped
    return str(mapped or ip_network((parsed, IPV6_NETWORK_BITS), strict=False))
