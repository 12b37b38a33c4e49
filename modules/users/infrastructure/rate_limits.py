"""Rate limits of client networks, counted in the database."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem
from limits.aio.strategies import FixedWindowRateLimiter

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.infrastructure.limit_storage import SqlLimitStorage

# The usual assignments to a link, a household and a site (RFC 6177): a single client can use all 2^64
# addresses of a link, and often all links of a household or a site.
LINK_BITS = 64
HOUSEHOLD_BITS = 56
SITE_BITS = 48
# How many times the requests of one address they may send.
WIDER_FACTORS = {HOUSEHOLD_BITS: 2, SITE_BITS: 4}


@dataclass(frozen=True, slots=True)
class LimitKey:
    """A limit, and what is counted."""

    limit: RateLimitItem
    identifier: str

    @property
    def storage_key(self) -> str:
        """The key of the counter in the storage."""
        return self.limit.key_for(self.identifier)


class RateLimiter:
    """Counts in fixed windows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._storage = SqlLimitStorage(database, clock)
        self._limiter = FixedWindowRateLimiter(self._storage)

    async def hit(self, keys: Sequence[LimitKey], counts: Mapping[str, int]) -> int | None:
        """Count for all keys; return None, or the seconds until a retry if a limit is exceeded.

        `counts` are the present counts by storage key: a blocked client costs only their read.
        """
        exceeded = [key for key in keys if counts.get(key.storage_key, 0) >= key.limit.amount]
        if not exceeded:
            async with self._database.transaction():
                exceeded = [key for key in keys if not await self._limiter.hit(key.limit, key.identifier)]
        return await self._retry_after_seconds(exceeded) if exceeded else None

    async def _retry_after_seconds(self, exceeded: Sequence[LimitKey]) -> int:
        windows = [await self._limiter.get_window_stats(key.limit, key.identifier) for key in exceeded]
        reset_time = max(window.reset_time for window in windows)
        return max(1, math.ceil(reset_time - self._clock.now().timestamp()))


def with_amount(limit: RateLimitItem, amount: int) -> RateLimitItem:
    """Return a limit of another amount in the same window."""
    return type(limit)(amount, limit.multiples)


def identifier(*parts: str) -> str:
    """Return a digest of the parts: of a fixed length, and without e-mail or IP addresses in clear text."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def address_keys(limit: RateLimitItem, name: str, address: str) -> Sequence[LimitKey]:
    """Return the keys of a limit per address: of the address itself, and then of its wider networks."""
    own = LimitKey(limit, identifier(name, link(address)))
    return [
        own,
        *(
            LimitKey(with_amount(limit, limit.amount * WIDER_FACTORS[bits]), identifier(name, wider))
            for bits, wider in wider_networks(address).items()
        ),
    ]


def link(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 network of an IPv6 address."""
    parsed = _ipv6(address)
    return address if parsed is None else str(parsed.ipv4_mapped or _network(parsed, LINK_BITS))


def wider_networks(address: str) -> Mapping[int, str]:
    """Return the wider networks of an IPv6 address by the length of their prefixes; of others none."""
    parsed = _ipv6(address)
    if parsed is None or parsed.ipv4_mapped is not None:
        return {}
    return {bits: _network(parsed, bits) for bits in (HOUSEHOLD_BITS, SITE_BITS)}


def _ipv6(address: str) -> IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        # A Unix socket has no client addresses: all its clients share one rate limit.
        return None
    return parsed if isinstance(parsed, IPv6Address) else None


def _network(address: IPv6Address, bits: int) -> str:
    return str(ip_network((address, bits), strict=False))
