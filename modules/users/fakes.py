"""The contracts of users in memory, for tests of other modules."""

from collections.abc import Collection, Mapping

from modules.kernel.domain.identity import UserId
from modules.kernel.domain.invisible import nfkc_casefold
from modules.kernel.fakes import AmbientUnitOfWork
from modules.users.contracts import PublicUser


class FakeUserDirectory:
    """A user directory of the users added to it. It locks users with the given unit of work."""

    def __init__(self, unit_of_work: AmbientUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self._users: dict[UserId, PublicUser] = {}

    def add(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        """Add a user and return the new id."""
        user = PublicUser(UserId(len(self._users) + 1), username, bio, image)
        self._users[user.id] = user
        return user.id

    async def users(self, ids: Collection[UserId]) -> Mapping[UserId, PublicUser]:
        return {user_id: self._users[user_id] for user_id in ids if user_id in self._users}

    async def lock(self, ids: Collection[UserId]) -> Collection[UserId]:
        self._unit_of_work.require_transaction()
        return {user_id for user_id in ids if user_id in self._users}

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, PublicUser]:
        users = {nfkc_casefold(user.username): user for user in self._users.values()}
        keys = {name: nfkc_casefold(name) for name in usernames}
        return {name: users[key] for name, key in keys.items() if key in users}
