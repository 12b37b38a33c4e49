"""Seeing profiles and following users."""

from collections.abc import Collection, Mapping
from typing import Protocol

from modules.kernel.domain.errors import NotFound
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.profiles.contracts import Profile
from modules.users.contracts import PublicUser, UserDeleted, UserDirectory


class ProfileNotFound(NotFound):
    """Nobody has this username."""

    subject = "profile"


class FollowRepository(Protocol):
    """Keeps who follows whom."""

    async def add(self, follower: UserId, followed: UserId) -> None:
        """Keep that one follows the other; do nothing if that is known."""
        ...

    async def remove(self, follower: UserId, followed: UserId) -> None:
        """Forget that one follows the other; do nothing if that is not known."""
        ...

    async def delete_by_user(self, user: UserId) -> None:
        """Forget whom this user follows, and who follows this user."""
        ...

    async def followees_of(self, follower: UserId) -> Collection[UserId]:
        """Return all whom this user follows."""
        ...

    async def followees_among(self, follower: UserId, users: Collection[UserId]) -> Collection[UserId]:
        """Return those of the users whom this one follows."""
        ...


class ProfileService:
    """The use cases of profiles."""

    def __init__(self, unit_of_work: UnitOfWork, directory: UserDirectory, follows: FollowRepository) -> None:
        self._unit_of_work = unit_of_work
        self._directory = directory
        self._follows = follows

    async def profile(self, username: str, viewer: UserId | None) -> Profile:
        """Return a profile as the viewer sees it; raise `ProfileNotFound` if nobody has this name."""
        async with self._unit_of_work.snapshot():
            user = await self._user(username)
            followed = await self._follows.followees_among(viewer, {user.id}) if viewer else ()
            return _profile(user, following=user.id in followed)

    async def follow(self, username: str, follower: UserId) -> Profile:
        """Follow a user, or go on following; raise `ProfileNotFound` if nobody has this name."""
        async with self._unit_of_work.transaction():
            user = await self._user(username)
            await self._follows.add(follower, user.id)
            return _profile(user, following=True)

    async def unfollow(self, username: str, follower: UserId) -> Profile:
        """Stop following a user, if one did; raise `ProfileNotFound` if nobody has this name."""
        async with self._unit_of_work.transaction():
            user = await self._user(username)
            await self._follows.remove(follower, user.id)
            return _profile(user, following=False)

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Let go of the follows of somebody who is gone."""
        await self._follows.delete_by_user(UserId(event.user_id))

    async def export_personal_data(self, user: UserId) -> Mapping[str, object]:
        """Return whom a user follows."""
        async with self._unit_of_work.snapshot():
            followed = await self._directory.users(await self._follows.followees_of(user))
        return {"following": sorted(one.username for one in followed.values())}

    async def _user(self, username: str) -> PublicUser:
        user = (await self._directory.by_username({username})).get(username)
        if user is None:
            raise ProfileNotFound
        return user


def _profile(user: PublicUser, *, following: bool) -> Profile:
    return Profile(user.username, user.bio, user.image, following)
