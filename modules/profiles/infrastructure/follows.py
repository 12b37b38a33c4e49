"""The follow repository."""

from collections.abc import Collection

from sqlalchemy import bindparam, delete, or_, select

from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, insert_or_ignore
from modules.kernel.infrastructure.persistence.statements import prepare
from modules.profiles.infrastructure.tables import FollowRow, follows

DELETE = prepare(
    delete(follows).where(
        follows.c.follower_id == bindparam("follower_id"), follows.c.followed_id == bindparam("followed_id")
    )
)
DELETE_BY_USER = prepare(
    delete(follows).where(
        or_(follows.c.follower_id == bindparam("user_id"), follows.c.followed_id == bindparam("user_id"))
    )
)
FOLLOWEES = select(follows.c.followed_id).where(follows.c.follower_id == bindparam("follower_id"))
FOLLOWEES_OF = prepare(FOLLOWEES)
FOLLOWEES_AMONG = prepare(FOLLOWEES.where(in_ids(follows.c.followed_id, "user_ids")))


class SqlFollows:
    """Stores follows in `profiles_follow`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, follower_id: UserId, followee_id: UserId) -> None:
        row = {"follower_id": follower_id, "followed_id": followee_id}
        await self._database.execute(insert_or_ignore(self._database.dialect, FollowRow), row)

    async def delete(self, follower_id: UserId, followee_id: UserId) -> None:
        await self._database.execute(DELETE, {"follower_id": follower_id, "followed_id": followee_id})

    async def delete_by_user(self, user_id: UserId) -> None:
        await self._database.execute(DELETE_BY_USER, {"user_id": user_id})

    async def followees_of(self, follower_id: UserId) -> Collection[UserId]:
        return await self._database.fetch_values(FOLLOWEES_OF, {"follower_id": follower_id})

    async def followees_among(self, follower_id: UserId, user_ids: Collection[UserId]) -> Collection[UserId]:
        parameters = {"follower_id": follower_id, "user_ids": user_ids}
        return set(await self._database.fetch_values(FOLLOWEES_AMONG, parameters))
