"""Follows in the database."""

from collections.abc import Collection

from sqlalchemy import FromClause, bindparam, delete, or_, select

from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, insert_or_ignore
from modules.profiles.infrastructure.tables import FollowRow

# Built once, of the table and not the mapped class: every list with a reader asks for this.
follow: FromClause = FollowRow.__table__
FOLLOWED_AMONG = select(follow.c.followed_id).where(
    follow.c.follower_id == bindparam("follower"),
    in_ids(follow.c.followed_id, "users"),
)


class SqlFollows:
    """Keeps who follows whom in `profiles_follow`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, follower: UserId, followed: UserId) -> None:
        """Keep that one follows the other; do nothing if that is known."""
        async with self._database.transaction() as session:
            row = {"follower_id": follower, "followed_id": followed}
            await session.execute(insert_or_ignore(session, FollowRow), row)

    async def remove(self, follower: UserId, followed: UserId) -> None:
        """Forget that one follows the other; do nothing if that is not known."""
        async with self._database.transaction() as session:
            await session.execute(
                delete(FollowRow).where(FollowRow.follower_id == follower, FollowRow.followed_id == followed)
            )

    async def delete_by_user(self, user: UserId) -> None:
        """Forget whom this user follows, and who follows this user."""
        async with self._database.transaction() as session:
            await session.execute(
                delete(FollowRow).where(or_(FollowRow.follower_id == user, FollowRow.followed_id == user))
            )

    async def followees_of(self, follower: UserId) -> Collection[UserId]:
        """Return all whom this user follows."""
        statement = select(FollowRow.followed_id).where(FollowRow.follower_id == follower)
        async with self._database.snapshot() as session:
            return [UserId(user) for user in await session.scalars(statement)]

    async def followees_among(self, follower: UserId, users: Collection[UserId]) -> Collection[UserId]:
        """Return those of the users whom this one follows."""
        async with self._database.snapshot() as session:
            among = {"follower": follower, "users": users}
            return set(await session.scalars(FOLLOWED_AMONG, among))
