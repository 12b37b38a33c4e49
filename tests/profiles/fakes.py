"""The port of profiles in memory."""

from collections.abc import Collection

from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import FakeUnitOfWork


class FakeFollows:
    """Stores pairs of follower and followee in a set."""

    def __init__(self, unit_of_work: FakeUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self.pairs: set[tuple[UserId, UserId]] = set()

    async def add(self, follower_id: UserId, followee_id: UserId) -> None:
        self._unit_of_work.require_transaction()
        self.pairs.add((follower_id, followee_id))

    async def delete(self, follower_id: UserId, followee_id: UserId) -> None:
        self._unit_of_work.require_transaction()
        self.pairs.discard((follower_id, followee_id))

    async def delete_by_user(self, user_id: UserId) -> None:
        self._unit_of_work.require_transaction()
        self.pairs = {pair for pair in self.pairs if user_id not in pair}

    async def followees_of(self, follower_id: UserId) -> Collection[UserId]:
        self._unit_of_work.require_open()
        return {followee for follower, followee in self.pairs if follower == follower_id}

    async def followees_among(self, follower_id: UserId, user_ids: Collection[UserId]) -> Collection[UserId]:
        self._unit_of_work.require_open()
        return {user_id for user_id in user_ids if (follower_id, user_id) in self.pairs}
