"""Seeing profiles and following users, without a database."""

import pytest

from modules.kernel.fakes import FakeUnitOfWork
from modules.profiles.contracts import Profile
from modules.profiles.domain.service import ProfileNotFound, ProfileService
from modules.users.contracts import UserDeleted
from modules.users.fakes import FakeUserDirectory
from tests.profiles.fakes import FakeFollows


class Scene:
    """The use cases on fakes, with jake and anna."""

    def __init__(self) -> None:
        self.unit_of_work = unit_of_work = FakeUnitOfWork()
        users = FakeUserDirectory()
        self.jake = users.add("jake", bio="I write.", image="https://example.com/jake.png")
        self.anna = users.add("anna")
        self.follows = FakeFollows(unit_of_work)
        self.profiles = ProfileService(unit_of_work, users, self.follows)


@pytest.fixture
def scene() -> Scene:
    return Scene()


class TestProfile:
    async def test_it_is_what_anyone_may_know_of_a_user(self, scene: Scene) -> None:
        profile = await scene.profiles.profile("jake", viewer=None)
        assert profile == Profile("jake", "I write.", "https://example.com/jake.png", following=False)

    async def test_the_name_is_shown_as_its_owner_typed_it(self, scene: Scene) -> None:
        assert (await scene.profiles.profile("JAKE", viewer=None)).username == "jake"

    async def test_it_says_whether_the_viewer_follows(self, scene: Scene) -> None:
        assert not (await scene.profiles.profile("jake", viewer=scene.anna)).following
        await scene.profiles.follow("jake", scene.anna)
        assert (await scene.profiles.profile("jake", viewer=scene.anna)).following

    async def test_being_followed_is_not_following(self, scene: Scene) -> None:
        await scene.profiles.follow("jake", scene.anna)
        assert not (await scene.profiles.profile("anna", viewer=scene.jake)).following

    async def test_a_name_that_nobody_has_has_no_profile(self, scene: Scene) -> None:
        with pytest.raises(ProfileNotFound):
            await scene.profiles.profile("nobody", viewer=None)


class TestFollow:
    async def test_it_is_kept_and_seen_at_once(self, scene: Scene) -> None:
        profile = await scene.profiles.follow("jake", scene.anna)
        assert profile == Profile("jake", "I write.", "https://example.com/jake.png", following=True)
        assert scene.follows.kept == {(scene.anna, scene.jake)}

    async def test_following_twice_is_following(self, scene: Scene) -> None:
        await scene.profiles.follow("jake", scene.anna)
        assert (await scene.profiles.follow("jake", scene.anna)).following

    async def test_nobody_cannot_be_followed(self, scene: Scene) -> None:
        with pytest.raises(ProfileNotFound):
            await scene.profiles.follow("nobody", scene.anna)
        assert scene.follows.kept == set()


class TestUnfollow:
    async def test_it_ends_following(self, scene: Scene) -> None:
        await scene.profiles.follow("jake", scene.anna)
        assert not (await scene.profiles.unfollow("jake", scene.anna)).following
        assert scene.follows.kept == set()

    async def test_one_who_does_not_follow_may_stop_all_the_same(self, scene: Scene) -> None:
        assert not (await scene.profiles.unfollow("jake", scene.anna)).following

    async def test_nobody_cannot_be_unfollowed(self, scene: Scene) -> None:
        with pytest.raises(ProfileNotFound):
            await scene.profiles.unfollow("nobody", scene.anna)


class TestUserDeleted:
    async def test_nobody_follows_or_is_followed_by_somebody_who_is_gone(self, scene: Scene) -> None:
        await scene.profiles.follow("jake", scene.anna)
        await scene.profiles.follow("anna", scene.jake)
        await scene.profiles.follow("anna", scene.anna)
        async with scene.unit_of_work.transaction():
            await scene.profiles.on_user_deleted(UserDeleted(scene.jake))
        assert scene.follows.kept == {(scene.anna, scene.anna)}


class TestOwnData:
    async def test_it_is_whom_the_user_follows(self, scene: Scene) -> None:
        await scene.profiles.follow("jake", scene.anna)
        assert await scene.profiles.export_personal_data(scene.anna) == {"following": ["jake"]}
        assert await scene.profiles.export_personal_data(scene.jake) == {"following": []}
