"""The contracts of profiles in memory, for tests of other modules."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from modules.kernel.domain.identity import UserId
from modules.kernel.domain.invisible import nfkc_casefold
from modules.profiles.contracts import Profile


class FakeProfileReader:
    """A profile reader of the profiles and follows added to it."""

    def __init__(self) -> None:
        self._profiles: dict[UserId, Profile] = {}
        self._follows: set[tuple[UserId, UserId]] = set()

    def add(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        """Add a user and return the new id."""
        user_id = UserId(len(self._profiles) + 1)
        self._profiles[user_id] = Profile(username, bio, image, following=False)
        return user_id

    def rename(self, user_id: UserId, username: str) -> None:
        """Change a username without publishing an event."""
        self._profiles[user_id] = replace(self._profiles[user_id], username=username)

    def follow(self, follower_id: UserId, followee_id: UserId) -> None:
        """Add a follow."""
        self._follows.add((follower_id, followee_id))

    async def profiles(
        self,
        ids: Collection[UserId],
        viewer: UserId | None,
        *,
        followees: Collection[UserId] | None = None,
    ) -> Mapping[UserId, Profile]:
        if followees is None:
            followees = {followee for follower, followee in self._follows if follower == viewer}
        return {
            user_id: replace(self._profiles[user_id], following=user_id in followees)
            for user_id in ids
            if user_id in self._profiles
        }

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, UserId]:
        ids = {nfkc_casefold(profile.username): user_id for user_id, profile in self._profiles.items()}
        keys = {name: nfkc_casefold(name) for name in usernames}
        return {name: ids[key] for name, key in keys.items() if key in ids}

    async def followees(self, follower_ids: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        followees: dict[UserId, set[UserId]] = {follower_id: set() for follower_id in follower_ids}
        for follower_id, followee_id in self._follows:
            if follower_id in followees:
                followees[follower_id].add(followee_id)
        return followees
