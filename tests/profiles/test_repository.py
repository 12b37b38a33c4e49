"""Follows on a real database. What reads them is in test_profile_reader.py."""

from modules.kernel.domain.identity import UserId
from modules.profiles.container import ProfilesContainer

JAKE, ANNA, CARL = UserId(1), UserId(2), UserId(3)
EVERYBODY = {JAKE, ANNA, CARL}


async def followed(profiles: ProfilesContainer, follower: UserId) -> set[UserId]:
    """Return whom this user follows."""
    return set(await profiles.follows().followees_among(follower, EVERYBODY))


class TestAdd:
    async def test_one_follows_the_other_and_not_the_other_way_round(
        self, profiles: ProfilesContainer
    ) -> None:
        await profiles.follows().add(JAKE, ANNA)
        assert await followed(profiles, JAKE) == {ANNA}
        assert await followed(profiles, ANNA) == set()

    async def test_what_is_known_already_is_no_error(self, profiles: ProfilesContainer) -> None:
        await profiles.follows().add(JAKE, ANNA)
        await profiles.follows().add(JAKE, ANNA)
        assert await followed(profiles, JAKE) == {ANNA}


class TestRemove:
    async def test_one_follows_the_other_no_more(self, profiles: ProfilesContainer) -> None:
        await profiles.follows().add(JAKE, ANNA)
        await profiles.follows().add(JAKE, CARL)
        await profiles.follows().add(CARL, ANNA)
        await profiles.follows().delete(JAKE, ANNA)
        assert await followed(profiles, JAKE) == {CARL}
        assert await followed(profiles, CARL) == {ANNA}

    async def test_what_is_not_known_is_no_error(self, profiles: ProfilesContainer) -> None:
        await profiles.follows().delete(JAKE, ANNA)
        assert await followed(profiles, JAKE) == set()


class TestFollowedAmong:
    async def test_only_those_asked_for_are_told(self, profiles: ProfilesContainer) -> None:
        await profiles.follows().add(JAKE, ANNA)
        await profiles.follows().add(JAKE, CARL)
        assert set(await profiles.follows().followees_among(JAKE, {ANNA, JAKE})) == {ANNA}
        assert set(await profiles.follows().followees_among(JAKE, ())) == set()
