"""The profile reader."""

from collections.abc import Collection, Mapping

from sqlalchemy import select

from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import collected_ids, in_ids
from modules.kernel.infrastructure.persistence.statements import prepare
from modules.profiles.contracts import Profile
from modules.profiles.infrastructure.follows import SqlFollows
from modules.profiles.infrastructure.tables import follows
from modules.users.contracts import UserDirectory

FOLLOWEES = prepare(
    select(follows.c.follower_id, collected_ids(follows.c.followed_id))
    .where(in_ids(follows.c.follower_id, "follower_ids"))
    .group_by(follows.c.follower_id)
)


class SqlProfileReader:
    """Reads users from the user directory and follows from `profiles_follow`."""

    def __init__(self, database: Database, directory: UserDirectory, repository: SqlFollows) -> None:
        self._database = database
        self._directory = directory
        self._repository = repository

    async def profiles(
        self,
        ids: Collection[UserId],
        viewer: UserId | None,
        *,
        followees: Collection[UserId] | None = None,
    ) -> Mapping[UserId, Profile]:
        async with self._database.snapshot():
            users = await self._directory.users(ids)
            followee_ids: Collection[UserId] = ()
            if followees is not None:
                followee_ids = set(users).intersection(followees)
            elif viewer and users:
                followee_ids = await self._repository.followees_among(viewer, users)
        return {
            user.id: Profile(user.username, user.bio, user.image, following=user.id in followee_ids)
            for user in users.values()
        }

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, UserId]:
        return {name: user.id for name, user in (await self._directory.by_username(usernames)).items()}

    async def followees(self, follower_ids: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        followees: dict[UserId, Collection[UserId]] = dict.fromkeys(follower_ids, ())
        followees.update(await self._database.fetch_all(FOLLOWEES, {"follower_ids": follower_ids}))
        return followees
