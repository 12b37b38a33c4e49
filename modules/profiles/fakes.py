"""The contract of profiles in memory, for tests of modules that need it."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from modules.kernel.domain.identity import UserId
from modules.profiles.contracts import Profile


class FakeProfileReader:
    """Knows the profiles that were added to it, and the follows that it was told."""

    def __init__(self) -> None:
        self._profiles: dict[UserId, Profile] = {}
        self._follows: set[tuple[UserId, UserId]] = set()

    def add(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        """Let there be a user, and return the new id."""
        user = UserId(len(self._profiles) + 1)
        self._profiles[user] = Profile(username, bio, image, following=False)
        return user

    def rename(self, user: UserId, username: str) -> None:
        """Let a user take another name. No event is told."""
        self._profiles[user] = replace(self._profiles[user], username=username)

    def follow(self, follower: UserId, followed: UserId) -> None:
        """Let one user follow the other."""
        self._follows.add((follower, followed))

    async def profiles(self, ids: Collection[UserId], viewer: UserId | None) -> Mapping[UserId, Profile]:
        """Return those of the profiles that exist, by id; `following` says whether the viewer follows."""
        return {
            user: replace(self._profiles[user], following=(viewer, user) in self._follows)
            for user in ids
            if user in self._profiles
        }

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, UserId]:
        """Return the ids of those users that exist, by the name as it was asked for, in whatever case."""
        ids = {profile.username.casefold(): user for user, profile in self._profiles.items()}
        return {name: ids[name.casefold()] for name in usernames if name.casefold() in ids}

    async def followees(self, followers: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """Return whom each of these users follows."""
        return {
            follower: {followed for one, followed in self._follows if one == follower}
            for follower in followers
        }
