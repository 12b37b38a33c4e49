"""Follows in the database, and the profiles that are read with them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import FromClause, bindparam, delete, or_, select

from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_insert
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import insert_unless_there, is_one_of
from modules.profiles.contracts import Profile
from modules.profiles.domain.profiles import Follow
from modules.profiles.infrastructure.tables import FollowRow
from modules.users.contracts import UserDirectory

# Built once, of the table and not the mapped class: every list with a reader asks for this.
follow: FromClause = FollowRow.__table__
FOLLOWED = select(follow.c.follower_id, follow.c.followed_id).where(
    is_one_of(follow.c.follower_id, "followers")
)
FOLLOWED_AMONG = select(follow.c.followed_id).where(
    follow.c.follower_id == bindparam("follower"),
    is_one_of(follow.c.followed_id, "users"),
)


class SqlFollows:
    """Keeps who follows whom in `profiles_follow`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, follower: UserId, followed: UserId) -> None:
        """Keep that one follows the other; do nothing if that is known."""
        async with self._database.transaction() as session:
            row = {"follower_id": follower, "followed_id": followed}
            await session.execute(insert_unless_there(session, FollowRow), row)

    async def add_all(self, follows: Sequence[Follow]) -> None:
        """Keep many follows, none of which is known yet, or none of them."""
        rows = [{"follower_id": follow.follower, "followed_id": follow.followed} for follow in follows]
        async with self._database.transaction() as session:
            await bulk_insert(session, FollowRow, rows)

    async def remove(self, follower: UserId, followed: UserId) -> None:
        """Forget that one follows the other; do nothing if that is not known."""
        async with self._database.transaction() as session:
            await session.execute(
                delete(FollowRow).where(FollowRow.follower_id == follower, FollowRow.followed_id == followed)
            )

    async def remove_of_user(self, user: UserId) -> None:
        """Forget whom this user follows, and who follows this user."""
        async with self._database.transaction() as session:
            await session.execute(
                delete(FollowRow).where(or_(FollowRow.follower_id == user, FollowRow.followed_id == user))
            )

    async def followed_by(self, follower: UserId) -> Collection[UserId]:
        """Return all whom this user follows."""
        statement = select(FollowRow.followed_id).where(FollowRow.follower_id == follower)
        async with self._database.snapshot() as session:
            return [UserId(user) for user in await session.scalars(statement)]

    async def followed_among(self, follower: UserId, users: Collection[UserId]) -> Collection[UserId]:
        """Return those of the users whom this one follows."""
        async with self._database.snapshot() as session:
            among = {"follower": follower, "users": users}
            return set(await session.scalars(FOLLOWED_AMONG, among))


class SqlProfileReader:
    """Reads profiles: users from their directory, follows from `profiles_follow`."""

    def __init__(self, database: Database, directory: UserDirectory, follows: SqlFollows) -> None:
        self._database = database
        self._directory = directory
        self._follows = follows

    async def profiles(self, ids: Collection[UserId], viewer: UserId | None) -> Mapping[UserId, Profile]:
        """Return those of the profiles that exist, by id; `following` says whether the viewer follows."""
        async with self._database.snapshot():
            users = await self._directory.users(ids)
            followed = await self._follows.followed_among(viewer, users) if viewer and users else ()
        return {
            user.id: Profile(user.username, user.bio, user.image, following=user.id in followed)
            for user in users.values()
        }

    async def named(self, usernames: Collection[str]) -> Mapping[str, UserId]:
        """Return the ids of those users that exist, by the name as it was asked for, in whatever case."""
        return {name: user.id for name, user in (await self._directory.named(usernames)).items()}

    async def followed(self, followers: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """Return whom each of these users follows."""
        followed: defaultdict[UserId, set[UserId]] = defaultdict(set)
        async with self._database.snapshot() as session:
            for follower, user in await session.execute(FOLLOWED, {"followers": followers}):
                followed[follower].add(user)
        return {follower: followed[follower] for follower in followers}
