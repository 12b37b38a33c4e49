"""The port of profiles in memory."""

from collections.abc import Collection

from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import FakeUnitOfWork


class FakeFollows:
    """Keeps follows in a set: who follows, and who is followed."""

    def __init__(self, unit_of_work: FakeUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self.kept: set[tuple[UserId, UserId]] = set()

    async def add(self, follower: UserId, followed: UserId) -> None:
        self._unit_of_work.require_transaction()
        self.kept.add((follower, followed))

    async def delete(self, follower: UserId, followed: UserId) -> None:
        self._unit_of_work.require_transaction()
        self.kept.discard((follower, followed))

    async def delete_by_user(self, user: UserId) -> None:
        self._unit_of_work.require_transaction()
        self.kept = {one for one in self.kept if user not in one}

    async def followees_of(self, follower: UserId) -> Collection[UserId]:
        self._unit_of_work.require_open()
        return {followed for one, followed in self.kept if one == follower}

    async def followees_among(self, follower: UserId, users: Collection[UserId]) -> Collection[UserId]:
        self._unit_of_work.require_open()
        return {user for user in users if (follower, user) in self.kept}
