"""What the contract ProfileReader promises, of its fake and of the real thing alike."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import pytest

from conduit_devtools.testkit import ModuleTestApp, boot_module
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.fakes import FakeTokenVerifier
from modules.profiles.contracts import Profile, ProfileReader
from modules.profiles.fakes import FakeProfileReader
from modules.profiles.module import MODULE
from modules.users.contracts import UserDirectory
from modules.users.fakes import FakeUserDirectory

NOBODY = UserId(404)


class World(Protocol):
    """A profile reader, and what lets there be users and follows in it."""

    @property
    def reader(self) -> ProfileReader: ...

    def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId: ...

    async def follow(self, follower: UserId, followed: UserId) -> None: ...


class FakeWorld:
    def __init__(self) -> None:
        self.reader = FakeProfileReader()

    def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        return self.reader.add(username, bio=bio, image=image)

    async def follow(self, follower: UserId, followed: UserId) -> None:
        self.reader.follow(follower, followed)


class RealWorld:
    def __init__(self, profiles: ModuleTestApp, users: FakeUserDirectory) -> None:
        self.reader = profiles.container.reader()
        self._follows = profiles.container.follows()
        self._users = users

    def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        return self._users.add(username, bio=bio, image=image)

    async def follow(self, follower: UserId, followed: UserId) -> None:
        await self._follows.add(follower, followed)


@asynccontextmanager
async def fake() -> AsyncIterator[World]:
    yield FakeWorld()


@asynccontextmanager
async def real() -> AsyncIterator[World]:
    users = FakeUserDirectory()
    async with boot_module(MODULE, {UserDirectory: users, TokenVerifier: FakeTokenVerifier()}) as profiles:
        yield RealWorld(profiles, users)


@pytest.fixture(params=[fake, real])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    make: Callable[[], AbstractAsyncContextManager[World]] = request.param
    async with make() as world:
        yield world


async def test_it_is_what_its_contract_says(world: World) -> None:
    assert isinstance(world.reader, ProfileReader)


class TestProfiles:
    async def test_profiles_are_returned_by_id(self, world: World) -> None:
        jake = world.user("Jake", bio="I work at statefarm", image="https://example.com/jake.png")
        anna = world.user("anna")
        world.user("someone_else")
        assert await world.reader.profiles({jake, anna}, viewer=None) == {
            jake: Profile("Jake", "I work at statefarm", "https://example.com/jake.png", following=False),
            anna: Profile("anna", None, None, following=False),
        }

    async def test_those_that_do_not_exist_are_left_out(self, world: World) -> None:
        jake = world.user("jake")
        assert set(await world.reader.profiles({jake, NOBODY}, viewer=jake)) == {jake}

    async def test_none_are_returned_for_none(self, world: World) -> None:
        jake = world.user("jake")
        assert await world.reader.profiles((), viewer=jake) == {}

    async def test_following_says_whether_the_viewer_follows(self, world: World) -> None:
        jake, anna, carl = world.user("jake"), world.user("anna"), world.user("carl")
        await world.follow(jake, anna)
        seen = await world.reader.profiles({jake, anna, carl}, viewer=jake)
        assert {user: profile.following for user, profile in seen.items()} == {
            jake: False,
            anna: True,
            carl: False,
        }

    async def test_being_followed_is_not_following(self, world: World) -> None:
        jake, anna = world.user("jake"), world.user("anna")
        await world.follow(jake, anna)
        assert not (await world.reader.profiles({jake}, viewer=anna))[jake].following

    async def test_whom_others_follow_the_viewer_does_not(self, world: World) -> None:
        jake, anna, carl = world.user("jake"), world.user("anna"), world.user("carl")
        await world.follow(jake, anna)
        assert not (await world.reader.profiles({anna}, viewer=carl))[anna].following

    async def test_nobody_follows_nobody(self, world: World) -> None:
        jake, anna = world.user("jake"), world.user("anna")
        await world.follow(jake, anna)
        assert not (await world.reader.profiles({anna}, viewer=None))[anna].following


class TestNamed:
    async def test_ids_are_returned_by_name(self, world: World) -> None:
        jake, anna = world.user("jake"), world.user("anna")
        world.user("someone_else")
        assert await world.reader.by_username({"jake", "anna"}) == {"jake": jake, "anna": anna}

    @pytest.mark.parametrize(("name", "asked_for"), [("jake", "JAKE"), ("Jake", "jAKE"), ("josé", "JOSÉ")])
    async def test_users_are_found_in_whatever_case_by_the_name_as_it_was_asked_for(
        self, world: World, name: str, asked_for: str
    ) -> None:
        user = world.user(name)
        assert await world.reader.by_username({asked_for}) == {asked_for: user}

    async def test_names_that_nobody_has_are_left_out(self, world: World) -> None:
        jake = world.user("jake")
        assert await world.reader.by_username({"jake", "anna", ""}) == {"jake": jake}

    async def test_none_are_returned_for_none(self, world: World) -> None:
        world.user("jake")
        assert await world.reader.by_username(()) == {}


class TestFollowed:
    async def test_each_follower_has_those_whom_they_follow(self, world: World) -> None:
        jake, anna, carl = world.user("jake"), world.user("anna"), world.user("carl")
        await world.follow(jake, anna)
        await world.follow(jake, carl)
        await world.follow(anna, jake)
        await world.follow(carl, anna)
        followed = await world.reader.followees({jake, anna})
        assert {follower: set(users) for follower, users in followed.items()} == {
            jake: {anna, carl},
            anna: {jake},
        }

    async def test_one_who_follows_nobody_is_there_with_nobody(self, world: World) -> None:
        jake = world.user("jake")
        followed = await world.reader.followees({jake})
        assert {follower: set(users) for follower, users in followed.items()} == {jake: set()}

    async def test_none_are_returned_for_none(self, world: World) -> None:
        jake, anna = world.user("jake"), world.user("anna")
        await world.follow(jake, anna)
        assert await world.reader.followees(()) == {}
