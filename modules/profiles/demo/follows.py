"""Demo follows."""

from collections.abc import Iterator, Sequence

from modules.kernel.demo.demo import Demo
from modules.kernel.demo.demo_random import DemoRandom
from modules.kernel.domain.batches import batches
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_insert
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.infrastructure.tables import FollowRow

# Enough followees for a full feed.
MAX_PER_VISITOR = 1_000


async def insert_follows(database: Database, demo: Demo) -> None:
    """Insert follows between the demo users; the first users have the most followers."""
    follows = list(_follows(demo.users, demo.chance("follows")))
    demo.progress.begin("follows", len(follows))
    for batch in batches(follows):
        rows = [
            {"follower_id": follower_id, "followed_id": followee_id} for follower_id, followee_id in batch
        ]
        await bulk_insert(database, FollowRow, rows)
        demo.progress.advance(len(batch))


def _follows(user_ids: Sequence[UserId], random: DemoRandom) -> Iterator[tuple[UserId, UserId]]:
    """Yield pairs of follower and followee."""
    visitor_id, *other_ids = user_ids
    for user_id in other_ids[: min(MAX_PER_VISITOR, len(user_ids) * 2 // 5)]:
        yield visitor_id, user_id
    for follower_id in other_ids:
        for followee_id in sorted(random.some_early(user_ids, 2 + random.amount(6))):
            if followee_id != follower_id:
                yield follower_id, followee_id
