"""The port of profiles in memory."""

from collections.abc import Collection, Sequence

from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import FakeTransactions
from modules.profiles.domain.profiles import Follow


class FakeFollows:
    """Keeps follows in a set."""

    def __init__(self, transactions: FakeTransactions) -> None:
        self._transactions = transactions
        self.kept: set[Follow] = set()

    async def add(self, follower: UserId, followed: UserId) -> None:
        await self.add_all([Follow(follower, followed)])

    async def add_all(self, follows: Sequence[Follow]) -> None:
        self._transactions.require_transaction()
        self.kept.update(follows)

    async def remove(self, follower: UserId, followed: UserId) -> None:
        self._transactions.require_transaction()
        self.kept.discard(Follow(follower, followed))

    async def remove_of_user(self, user: UserId) -> None:
        self._transactions.require_transaction()
        self.kept = {one for one in self.kept if user not in (one.follower, one.followed)}

    async def followed_by(self, follower: UserId) -> Collection[UserId]:
        self._transactions.require_unit()
        return {one.followed for one in self.kept if one.follower == follower}

    async def followed_among(self, follower: UserId, users: Collection[UserId]) -> Collection[UserId]:
        self._transactions.require_unit()
        return {user for user in users if Follow(follower, user) in self.kept}
