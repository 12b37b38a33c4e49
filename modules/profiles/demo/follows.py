"""Who follows whom in a demonstration."""

from collections.abc import Iterator, Sequence

from modules.kernel.demo.chance import Chance
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.batches import batches
from modules.kernel.domain.identity import UserId
from modules.profiles.domain.profiles import Follow, Profiles

# The visitor follows enough to have a full feed, and a thousand where there are as many.
MOST_BY_VISITOR = 1_000


async def follow_each_other(profiles: Profiles, demo: Demo) -> None:
    """Let the users of the demonstration follow each other, the well-known ones most."""
    follows = list(_follows(demo.users, demo.chance("follows")))
    demo.progress.begin("follows", len(follows))
    for batch in batches(follows):
        await profiles.follow_all(batch)
        demo.progress.advance(len(batch))


def _follows(users: Sequence[UserId], chance: Chance) -> Iterator[Follow]:
    visitor, *others = users
    for user in others[: min(MOST_BY_VISITOR, len(users) * 2 // 5)]:
        yield Follow(visitor, user)
    for follower in others:
        for followed in sorted(chance.some_early(users, 2 + chance.amount(6))):
            if followed != follower:
                yield Follow(follower, followed)
