"""The use cases of profiles, and the port that stores follows."""

from collections.abc import Collection, Mapping
from typing import Protocol

from modules.kernel.domain.batches import batches
from modules.kernel.domain.errors import NotFound
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.profiles.contracts import Profile
from modules.users.contracts import PublicUser, UserDeleted, UserDirectory

EXPORT_BATCH_SIZE = 100


class ProfileNotFound(NotFound):
    """No user has this username."""

    subject = "profile"


class FollowRepository(Protocol):
    """Stores follows."""

    async def add(self, follower_id: UserId, followee_id: UserId) -> None:
        """Insert a follow; do nothing if it exists."""
        ...

    async def delete(self, follower_id: UserId, followee_id: UserId) -> None:
        """Delete a follow; do nothing if there is none."""
        ...

    async def delete_by_user(self, user_id: UserId) -> None:
        """Delete every follow of and by this user."""
        ...

    async def followees_of(self, follower_id: UserId) -> Collection[UserId]:
        """Return the ids of all users that this user follows."""
        ...

    async def followees_among(self, follower_id: UserId, user_ids: Collection[UserId]) -> Collection[UserId]:
        """Return the ids among `user_ids` of users that this user follows."""
        ...


class ProfileService:
    """The use cases of profiles."""

    def __init__(self, unit_of_work: UnitOfWork, directory: UserDirectory, follows: FollowRepository) -> None:
        self._unit_of_work = unit_of_work
        self._directory = directory
        self._follows = follows

    async def profile(self, username: str, viewer: UserId | None) -> Profile:
        """Return a profile as the viewer sees it; raise `ProfileNotFound` for an unknown username."""
        async with self._unit_of_work.snapshot():
            user = await self._user(username)
            followee_ids = await self._follows.followees_among(viewer, {user.id}) if viewer else ()
            return _profile(user, following=user.id in followee_ids)

    async def follow(self, username: str, follower_id: UserId) -> Profile:
        """Follow a user, idempotently; raise `ProfileNotFound` for an unknown username."""
        async with self._unit_of_work.transaction():
            user = await self._user(username)
            # A concurrent deletion of the user waits, and then deletes this follow too.
            if user.id not in await self._directory.lock({user.id}):
                raise ProfileNotFound
            await self._follows.add(follower_id, user.id)
            return _profile(user, following=True)

    async def unfollow(self, username: str, follower_id: UserId) -> Profile:
        """Unfollow a user, idempotently; raise `ProfileNotFound` for an unknown username."""
        async with self._unit_of_work.transaction():
            user = await self._user(username)
            await self._follows.delete(follower_id, user.id)
            return _profile(user, following=False)

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Delete the follows of and by a deleted user."""
        await self._follows.delete_by_user(UserId(event.user_id))

    async def export_personal_data(self, user_id: UserId) -> Mapping[str, object]:
        """Return the usernames that a user follows."""
        usernames: list[str] = []
        async with self._unit_of_work.snapshot():
            # In batches: a user has a bio of up to 10,000 characters.
            for batch in batches(await self._follows.followees_of(user_id), EXPORT_BATCH_SIZE):
                users = await self._directory.users(batch)
                usernames += [user.username for user in users.values()]
        return {"following": sorted(usernames)}

    async def _user(self, username: str) -> PublicUser:
        user = (await self._directory.by_username({username})).get(username)
        if user is None:
            raise ProfileNotFound
        return user


def _profile(user: PublicUser, *, following: bool) -> Profile:
    return Profile(user.username, user.bio, user.image, following)
