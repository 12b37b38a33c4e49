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

    async def followed_among(self, follower: UserId, users: Collection[UserId]) -> Collection[UserId]:
        self._transactions.require_unit()
        return {user for user in users if Follow(follower, user) in self.kept}
