"""The profile reader: users from their directory, follows from the database."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import select

from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids
from modules.profiles.contracts import Profile
from modules.profiles.infrastructure.follows import SqlFollows, follow
from modules.users.contracts import UserDirectory

FOLLOWED = select(follow.c.follower_id, follow.c.followed_id).where(in_ids(follow.c.follower_id, "followers"))


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
            followed = await self._follows.followees_among(viewer, users) if viewer and users else ()
        return {
            user.id: Profile(user.username, user.bio, user.image, following=user.id in followed)
            for user in users.values()
        }

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, UserId]:
        """Return the ids of those users that exist, by the name as it was asked for, in whatever case."""
        return {name: user.id for name, user in (await self._directory.by_username(usernames)).items()}

    async def followees(self, followers: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """Return whom each of these users follows."""
        followed: defaultdict[UserId, set[UserId]] = defaultdict(set)
        async with self._database.snapshot() as session:
            for follower, user in await session.execute(FOLLOWED, {"followers": followers}):
                followed[follower].add(user)
        return {follower: followed[follower] for follower in followers}
