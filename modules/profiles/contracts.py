"""What other modules may know of profiles."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from modules.kernel.domain.identity import UserId


@dataclass(frozen=True, slots=True)
class Profile:
    """A user as others see them. Its fields are those of RealWorld's `Profile`, on the wire too."""

    username: str
    bio: str | None
    image: str | None
    following: bool


@runtime_checkable
class ProfileReader(Protocol):
    """Reads profiles and follows."""

    async def profiles(self, ids: Collection[UserId], viewer: UserId | None) -> Mapping[UserId, Profile]:
        """Return those of the profiles that exist, by id; `following` says whether the viewer follows."""
        ...

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, UserId]:
        """Return the ids of those users that exist, by the name as it was asked for, in whatever case."""
        ...

    async def followees(self, followers: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """Return whom each of these users follows."""
        ...
