"""Login rate limits, counted in the database."""

from collections.abc import Sequence

from limits import parse

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.domain.login_throttle import TooManyLoginAttempts
from modules.users.domain.values import email_key
from modules.users.infrastructure.known_networks import KnownNetworks
from modules.users.infrastructure.limit_storage import SqlLimitStorage
from modules.users.infrastructure.rate_limits import (
    HOUSEHOLD_BITS,
    SITE_BITS,
    LimitKey,
    RateLimiter,
    address_keys,
    identifier,
    link,
    wider_networks,
    with_amount,
)
from modules.users.infrastructure.settings import UsersSettings

# The part of the attempts on an account that may come from one network: no household or site exhausts them.
ACCOUNT_SHARES = {HOUSEHOLD_BITS: 4, SITE_BITS: 2}


class SqlLoginThrottle:
    """Limits login attempts per account, per address, and per account and address.

    The last limit is the strictest, so that an attacker at one address is blocked before exhausting
    the limit of the account, which would lock out its owner elsewhere. An attacker with many addresses
    exhausts it, and does not lock out the networks from which the owner has logged in before: of these
    only the limits of the address itself apply.
    """

    def __init__(
        self, database: Database, clock: Clock, settings: UsersSettings, signing_keys: Sequence[str]
    ) -> None:
        self._database = database
        self._storage = SqlLimitStorage(database, clock)
        self._limiter = RateLimiter(database, clock)
        self._known_networks = KnownNetworks(database, clock, signing_keys[0])
        self._per_account_and_address = parse(settings.login_limit)
        self._per_account = parse(settings.login_limit_per_account)
        self._per_address = parse(settings.login_limit_per_address)

    async def record(self, email: str, address: str) -> None:
        account = email_key(email)
        known = self._known_networks.key(account, link(address))
        own_address, *wider = address_keys(self._per_address, "address", address)
        own = [self._own_key(account, address), own_address]
        others = [*self._account_keys(account, address), *wider]
        # One read, whether the account exists or not.
        counts = await self._storage.get_many([known, *(key.storage_key for key in [*own, *others])])
        retry_after_seconds = await self._limiter.hit(own if known in counts else [*own, *others], counts)
        if retry_after_seconds is not None:
            raise TooManyLoginAttempts(retry_after_seconds)

    async def record_success(self, email: str, address: str) -> None:
        account = email_key(email)
        known = self._known_networks.key(account, link(address))
        async with self._database.transaction():
            reset = [self._own_key(account, address)]
            # A known network does not use the attempts on the account. So its success must not give an
            # attacker new ones.
            if await self._storage.get(known) == 0:
                reset += self._account_keys(account, address)
            await self._storage.clear_all([key.storage_key for key in reset])
            await self._known_networks.add(account, known)

    async def forget(self, email: str) -> None:
        await self._known_networks.delete_all(email_key(email))

    def _own_key(self, account: str, address: str) -> LimitKey:
        return LimitKey(self._per_account_and_address, identifier("both", account, link(address)))

    def _account_keys(self, account: str, address: str) -> Sequence[LimitKey]:
        wider = [
            LimitKey(
                with_amount(
                    self._per_account,
                    max(
                        self._per_account.amount // ACCOUNT_SHARES[bits], self._per_account_and_address.amount
                    ),
                ),
                identifier("both", account, network),
            )
            for bits, network in wider_networks(address).items()
        ]
        return [*wider, LimitKey(self._per_account, identifier("account", account))]
