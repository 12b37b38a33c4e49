"""The contract of users in memory, for tests of modules that need it."""

from collections.abc import Collection, Mapping

from modules.kernel.domain.identity import UserId
from modules.users.contracts import PublicUser


class FakeUserDirectory:
    """Knows the users that were added to it."""

    def __init__(self) -> None:
        self._users: dict[UserId, PublicUser] = {}

    def add(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        """Let there be a user, and return the new id."""
        user = PublicUser(UserId(len(self._users) + 1), username, bio, image)
        self._users[user.id] = user
        return user.id

    async def users(self, ids: Collection[UserId]) -> Mapping[UserId, PublicUser]:
        """Return those of the users that exist, by id."""
        return {user: self._users[user] for user in ids if user in self._users}

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, PublicUser]:
        """Return those of the users that exist, by the name as it was asked for, in whatever case."""
        users = {user.username.casefold(): user for user in self._users.values()}
        return {name: users[name.casefold()] for name in usernames if name.casefold() in users}
