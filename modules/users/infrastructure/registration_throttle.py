"""The rate limit of registrations, counted in the database."""

from limits import parse

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.domain.registration_throttle import TooManyRegistrations
from modules.users.infrastructure.limit_storage import SqlLimitStorage
from modules.users.infrastructure.rate_limits import RateLimiter, address_keys
from modules.users.infrastructure.settings import UsersSettings


class SqlRegistrationThrottle:
    """Limits registrations per address."""

    def __init__(self, database: Database, clock: Clock, settings: UsersSettings) -> None:
        self._storage = SqlLimitStorage(database, clock)
        self._limiter = RateLimiter(database, clock)
        self._per_address = parse(settings.registration_limit_per_address)

    async def record(self, address: str) -> None:
        keys = address_keys(self._per_address, "registration", address)
        counts = await self._storage.get_many([key.storage_key for key in keys])
        retry_after_seconds = await self._limiter.hit(keys, counts)
        if retry_after_seconds is not None:
            raise TooManyRegistrations(retry_after_seconds)
