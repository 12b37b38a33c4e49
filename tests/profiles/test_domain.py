"""The use cases of profiles on fakes. What a profile shows to whom is in tests/conformance."""

import pytest

from modules.kernel.fakes import FakeUnitOfWork
from modules.profiles.contracts import Profile
from modules.profiles.domain.service import ProfileNotFound, ProfileService
from modules.users.contracts import UserDeleted
from modules.users.fakes import FakeUserDirectory
from tests.profiles.fakes import FakeFollows


class Context:
    """The profile service on fakes, with the users jake and anna."""

    def __init__(self) -> None:
        self.unit_of_work = unit_of_work = FakeUnitOfWork()
        users = FakeUserDirectory(unit_of_work)
        self.jake = users.add("jake", bio="I write.", image="https://example.com/jake.png")
        self.anna = users.add("anna")
        self.follows = FakeFollows(unit_of_work)
        self.service = ProfileService(unit_of_work, users, self.follows)


@pytest.fixture
def context() -> Context:
    return Context()


async def test_profile_follows_only_from_follower_to_followee(context: Context) -> None:
    await context.service.follow("jake", context.anna)
    jake = Profile("jake", "I write.", "https://example.com/jake.png", following=True)
    assert await context.service.profile("jake", viewer=context.anna) == jake
    assert not (await context.service.profile("anna", viewer=context.jake)).following
    assert not (await context.service.profile("jake", viewer=None)).following


async def test_follow_is_stored(context: Context) -> None:
    assert (await context.service.follow("jake", context.anna)).following
    assert context.follows.pairs == {(context.anna, context.jake)}


async def test_unfollow_deletes_the_follow(context: Context) -> None:
    await context.service.follow("jake", context.anna)
    assert not (await context.service.unfollow("jake", context.anna)).following
    assert context.follows.pairs == set()


@pytest.mark.parametrize("use_case", ["profile", "follow", "unfollow"])
async def test_unknown_username_raises_profile_not_found(context: Context, use_case: str) -> None:
    with pytest.raises(ProfileNotFound):
        await getattr(context.service, use_case)("nobody", context.anna)
    assert context.follows.pairs == set()


async def test_deleting_a_user_deletes_follows_of_and_by_the_user(context: Context) -> None:
    await context.service.follow("jake", context.anna)
    await context.service.follow("anna", context.jake)
    await context.service.follow("anna", context.anna)
    async with context.unit_of_work.transaction():
        await context.service.on_user_deleted(UserDeleted(context.jake))
    assert context.follows.pairs == {(context.anna, context.anna)}


async def test_personal_data_lists_followed_usernames(context: Context) -> None:
    await context.service.follow("jake", context.anna)
    assert await context.service.export_personal_data(context.anna) == {"following": ["jake"]}
    assert await context.service.export_personal_data(context.jake) == {"following": []}
