"""The contracts of users: all that other modules may import."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from modules.kernel.domain.events import Event
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.views import view_class

CONTRACT_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class UserDeleted(Event):
    """An account was deleted. Subscribers must delete the user's data."""

    user_id: int


@dataclass(frozen=True, slots=True)
class UserRenamed(Event):
    """A username was changed."""

    user_id: int


@view_class
class PublicUser:
    """The public fields of a user."""

    id: UserId
    username: str
    bio: str | None
    image: str | None


@runtime_checkable
class UserDirectory(Protocol):
    """Looks up users by id or username."""

    async def users(self, ids: Collection[UserId]) -> Mapping[UserId, PublicUser]:
        """Return users by id; unknown ids are left out."""
        ...

    async def lock(self, ids: Collection[UserId]) -> Collection[UserId]:
        """Return the ids of existing users among these, and lock these users against deletion.

        The lock is released when the open transaction ends. Rows about the users that it inserts are
        visible to the subscribers of `UserDeleted`. Lock users before articles, or transactions deadlock.
        Raises `RuntimeError` when no transaction is open.
        """
        ...

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, PublicUser]:
        """Return users by requested username, matched case-insensitively; unknown names are left out."""
        ...
