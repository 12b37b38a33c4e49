"""What other modules may know of users."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from modules.kernel.domain.events import Event
from modules.kernel.domain.identity import UserId


@dataclass(frozen=True, slots=True)
class UserDeleted(Event):
    """An account is gone; whoever keeps something of its owner's, or about them, lets go of it."""

    user_id: int


@dataclass(frozen=True, slots=True)
class UserRenamed(Event):
    """A user has another username."""

    user_id: int


@dataclass(frozen=True, slots=True)
class PublicUser:
    """What anyone may know of a user."""

    id: UserId
    username: str
    bio: str | None
    image: str | None


@runtime_checkable
class UserDirectory(Protocol):
    """Looks users up."""

    async def users(self, ids: Collection[UserId]) -> Mapping[UserId, PublicUser]:
        """Return those of the users that exist, by id."""
        ...

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, PublicUser]:
        """Return those of the users that exist, by the name as it was asked for, in whatever case."""
        ...
