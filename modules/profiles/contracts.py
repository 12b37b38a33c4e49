"""The contracts of profiles: all that other modules may import."""

from collections.abc import Collection, Mapping
from typing import Protocol, runtime_checkable

from modules.kernel.domain.identity import UserId
from modules.kernel.domain.views import view_class

CONTRACT_VERSION = "1.1"


@view_class
class Profile:
    """A user's public profile. Serialized as RealWorld's `Profile`."""

    username: str
    bio: str | None
    image: str | None
    following: bool


@runtime_checkable
class ProfileReader(Protocol):
    """Reads profiles and follows."""

    async def profiles(
        self,
        ids: Collection[UserId],
        viewer: UserId | None,
        *,
        followees: Collection[UserId] | None = None,
    ) -> Mapping[UserId, Profile]:
        """Return profiles by user id; unknown ids are left out.

        `following` is true if the viewer follows the user, and false without a viewer. The viewer's followees
        are not read again if they are given, as `followees` returned them.
        """
        ...

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, UserId]:
        """Return user ids by requested username, matched case-insensitively; unknown names are left out."""
        ...

    async def followees(self, follower_ids: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """Return the ids of the users that each follower follows: an entry, maybe empty, per follower."""
        ...
