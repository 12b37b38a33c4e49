"""The follow repository. Its reads are in test_profile_reader.py."""

from modules.kernel.domain.identity import UserId
from modules.profiles.container import ProfilesContainer

JAKE, ANNA, CARL = UserId(1), UserId(2), UserId(3)
EVERYBODY = {JAKE, ANNA, CARL}


async def followees(profiles: ProfilesContainer, follower_id: UserId) -> set[UserId]:
    return set(await profiles.follows().followees_among(follower_id, EVERYBODY))


async def test_follow_goes_from_follower_to_followee(profiles: ProfilesContainer) -> None:
    await profiles.follows().add(JAKE, ANNA)
    assert await followees(profiles, JAKE) == {ANNA}
    assert await followees(profiles, ANNA) == set()


async def test_existing_follow_can_be_added_again(profiles: ProfilesContainer) -> None:
    await profiles.follows().add(JAKE, ANNA)
    await profiles.follows().add(JAKE, ANNA)
    assert await followees(profiles, JAKE) == {ANNA}


async def test_delete_leaves_other_follows(profiles: ProfilesContainer) -> None:
    for follower_id, followee_id in ((JAKE, ANNA), (JAKE, CARL), (CARL, ANNA)):
        await profiles.follows().add(follower_id, followee_id)
    await profiles.follows().delete(JAKE, ANNA)
    assert await followees(profiles, JAKE) == {CARL}
    assert await followees(profiles, CARL) == {ANNA}


async def test_missing_follow_can_be_deleted(profiles: ProfilesContainer) -> None:
    await profiles.follows().delete(JAKE, ANNA)
    assert await followees(profiles, JAKE) == set()


async def test_followees_among_returns_only_requested_ids(profiles: ProfilesContainer) -> None:
    await profiles.follows().add(JAKE, ANNA)
    await profiles.follows().add(JAKE, CARL)
    assert set(await profiles.follows().followees_among(JAKE, {ANNA, JAKE})) == {ANNA}
    assert set(await profiles.follows().followees_among(JAKE, ())) == set()
