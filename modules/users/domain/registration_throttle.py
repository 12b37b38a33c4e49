"""The rate limit of registrations."""

from typing import Protocol

from modules.kernel.domain.errors import RateLimited


class TooManyRegistrations(RateLimited):
    """Too many registrations from this address."""

    subject, problem = "registration", "too many registrations from your address, try again later"


class RegistrationThrottle(Protocol):
    """Counts registrations."""

    async def record(self, address: str) -> None:
        """Count a registration from a network address; raise `TooManyRegistrations`.

        Call it before hashing the password, so that it limits that work too.
        """
        ...
