"""The follow repository."""

from collections.abc import Collection

from sqlalchemy import FromClause, bindparam, delete, or_, select

from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, insert_or_ignore
from modules.profiles.infrastructure.tables import FollowRow

# Built once, from the table instead of the mapped class: every list with a viewer runs this statement.
follows: FromClause = FollowRow.__table__
FOLLOWEES_AMONG = select(follows.c.followed_id).where(
    follows.c.follower_id == bindparam("follower_id"),
    in_ids(follows.c.followed_id, "user_ids"),
)


class SqlFollows:
    """Stores follows in `profiles_follow`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, follower_id: UserId, followee_id: UserId) -> None:
        async with self._database.transaction() as session:
            row = {"follower_id": follower_id, "followed_id": followee_id}
            await session.execute(insert_or_ignore(session, FollowRow), row)

    async def delete(self, follower_id: UserId, followee_id: UserId) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                delete(FollowRow).where(
                    FollowRow.follower_id == follower_id, FollowRow.followed_id == followee_id
                )
            )

    async def delete_by_user(self, user_id: UserId) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                delete(FollowRow).where(
                    or_(FollowRow.follower_id == user_id, FollowRow.followed_id == user_id)
                )
            )

    async def followees_of(self, follower_id: UserId) -> Collection[UserId]:
        statement = select(FollowRow.followed_id).where(FollowRow.follower_id == follower_id)
        async with self._database.snapshot() as session:
            return [UserId(user_id) for user_id in await session.scalars(statement)]

    async def followees_among(self, follower_id: UserId, user_ids: Collection[UserId]) -> Collection[UserId]:
        async with self._database.snapshot() as session:
            parameters = {"follower_id": follower_id, "user_ids": user_ids}
            return set(await session.scalars(FOLLOWEES_AMONG, parameters))
