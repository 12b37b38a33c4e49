"""The profile reader."""

from collections.abc import Collection, Mapping

from sqlalchemy import select

from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import collected_ids, in_ids
from modules.kernel.infrastructure.persistence.statements import prepare
from modules.profiles.contracts import Profile
from modules.profiles.infrastructure.follows import FOLLOWEES_AMONG
from modules.profiles.infrastructure.tables import follows
from modules.users.contracts import UserDirectory

FOLLOWEES = prepare(
    select(follows.c.follower_id, collected_ids(follows.c.followed_id))
    .where(in_ids(follows.c.follower_id, "follower_ids"))
    .group_by(follows.c.follower_id)
)


class SqlProfileReader:
    """Reads users from the user directory and follows from `profiles_follow`."""

    def __init__(self, database: Database, directory: UserDirectory) -> None:
        self._database = database
        self._directory = directory

    async def profiles(
        self,
        ids: Collection[UserId],
        viewer: UserId | None,
        *,
        followees: Collection[UserId] | None = None,
    ) -> Mapping[UserId, Profile]:
        async with self._database.snapshot():
            fetch_followees = None
            if followees is None and viewer and ids:
                # With the statement of the users.
                parameters = {"follower_id": viewer, "user_ids": ids}
                fetch_followees = self._database.fetch_later(FOLLOWEES_AMONG, parameters)
            users = await self._directory.users(ids)
            followee_ids = set(users).intersection(followees or ())
            if fetch_followees is not None:
                followee_ids = {UserId(row.followed_id) for row in await fetch_followees()}
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
