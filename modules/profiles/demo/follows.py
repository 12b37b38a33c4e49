"""Who follows whom in a demonstration."""

from collections.abc import Iterator, Sequence

from modules.kernel.demo.demo import Demo
from modules.kernel.demo.demo_random import DemoRandom
from modules.kernel.domain.batches import batches
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_insert
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.infrastructure.tables import FollowRow

# The visitor follows enough to have a full feed, and a thousand where there are as many.
MAX_PER_VISITOR = 1_000


async def insert_follows(database: Database, demo: Demo) -> None:
    """Insert who follows whom among the users of the demonstration: the well-known ones are followed most."""
    follows = list(_follows(demo.users, demo.chance("follows")))
    demo.progress.begin("follows", len(follows))
    for batch in batches(follows):
        rows = [{"follower_id": follower, "followed_id": followed} for follower, followed in batch]
        async with database.transaction() as session:
            await bulk_insert(session, FollowRow, rows)
        demo.progress.advance(len(batch))


def _follows(users: Sequence[UserId], chance: DemoRandom) -> Iterator[tuple[UserId, UserId]]:
    """Yield followers, each with one of those whom they follow."""
    visitor, *others = users
    for user in others[: min(MAX_PER_VISITOR, len(users) * 2 // 5)]:
        yield visitor, user
    for follower in others:
        for followed in sorted(chance.some_early(users, 2 + chance.amount(6))):
            if followed != follower:
                yield follower, followed
