"""The consistency checks of profiles."""

from collections.abc import Sequence

from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.infrastructure.consistency import ReferenceCheck
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.infrastructure.tables import FollowRow
from modules.users.contracts import UserDirectory


def consistency_checks(database: Database, users: UserDirectory) -> Sequence[ConsistencyCheck]:
    """Return the checks of both ends of a follow."""
    return [
        ReferenceCheck(database, FollowRow, column, "user", users.users)
        for column in ("follower_id", "followed_id")
    ]
