"""Contract tests of ProfileReader, for its fake and its implementation."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import pytest

from conduit_devtools.testkit import ModuleTestApp, boot_module
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.fakes import FakeTokenVerifier, FakeUnitOfWork
from modules.profiles.contracts import Profile, ProfileReader
from modules.profiles.fakes import FakeProfileReader
from modules.profiles.module import MODULE
from modules.users.contracts import UserDirectory
from modules.users.fakes import FakeUserDirectory

UNKNOWN_ID = UserId(404)


class ReaderUnderTest(Protocol):
    """A profile reader, and methods that add users and follows to it."""

    @property
    def reader(self) -> ProfileReader: ...

    def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId: ...

    async def follow(self, follower_id: UserId, followee_id: UserId) -> None: ...


class FakeReader:
    def __init__(self) -> None:
        self.reader = FakeProfileReader()

    def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        return self.reader.add(username, bio=bio, image=image)

    async def follow(self, follower_id: UserId, followee_id: UserId) -> None:
        self.reader.follow(follower_id, followee_id)


class SqlReader:
    def __init__(self, profiles: ModuleTestApp, users: FakeUserDirectory) -> None:
        self.reader = profiles.container.reader()
        self._follows = profiles.container.follows()
        self._users = users

    def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        return self._users.add(username, bio=bio, image=image)

    async def follow(self, follower_id: UserId, followee_id: UserId) -> None:
        await self._follows.add(follower_id, followee_id)


@asynccontextmanager
async def fake() -> AsyncIterator[ReaderUnderTest]:
    yield FakeReader()


@asynccontextmanager
async def sql() -> AsyncIterator[ReaderUnderTest]:
    users = FakeUserDirectory(FakeUnitOfWork())
    async with boot_module(MODULE, {UserDirectory: users, TokenVerifier: FakeTokenVerifier()}) as profiles:
        yield SqlReader(profiles, users)


@pytest.fixture(params=[fake, sql])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[ReaderUnderTest]:
    create: Callable[[], AbstractAsyncContextManager[ReaderUnderTest]] = request.param
    async with create() as subject:
        yield subject


async def test_reader_implements_the_contract(subject: ReaderUnderTest) -> None:
    assert isinstance(subject.reader, ProfileReader)


async def test_empty_collections_return_nothing(subject: ReaderUnderTest) -> None:
    jake, anna = subject.user("jake"), subject.user("anna")
    await subject.follow(jake, anna)
    assert await subject.reader.profiles((), viewer=jake) == {}
    assert await subject.reader.by_username(()) == {}
    assert await subject.reader.followees(()) == {}


class TestProfiles:
    async def test_profiles_are_returned_by_id(self, subject: ReaderUnderTest) -> None:
        jake = subject.user("Jake", bio="I work at statefarm", image="https://example.com/jake.png")
        anna = subject.user("anna")
        subject.user("someone_else")
        assert await subject.reader.profiles({jake, anna}, viewer=None) == {
            jake: Profile("Jake", "I work at statefarm", "https://example.com/jake.png", following=False),
            anna: Profile("anna", None, None, following=False),
        }

    async def test_unknown_ids_are_left_out(self, subject: ReaderUnderTest) -> None:
        jake = subject.user("jake")
        assert set(await subject.reader.profiles({jake, UNKNOWN_ID}, viewer=jake)) == {jake}

    async def test_following_depends_on_the_viewer(self, subject: ReaderUnderTest) -> None:
        jake, anna, carl = (subject.user(name) for name in ("jake", "anna", "carl"))
        await subject.follow(jake, anna)
        following = {}
        for viewer in (jake, anna, carl, None):
            profiles = await subject.reader.profiles({jake, anna, carl}, viewer)
            following[viewer] = {user_id for user_id, profile in profiles.items() if profile.following}
        assert following == {jake: {anna}, anna: set(), carl: set(), None: set()}

    async def test_followees_of_the_viewer_may_be_given(self, subject: ReaderUnderTest) -> None:
        jake, anna, carl = (subject.user(name) for name in ("jake", "anna", "carl"))
        profiles = await subject.reader.profiles({anna, carl}, jake, followees=[carl, UNKNOWN_ID])
        assert {user_id: profile.following for user_id, profile in profiles.items()} == {
            anna: False,
            carl: True,
        }


class TestByUsername:
    async def test_ids_are_returned_by_username(self, subject: ReaderUnderTest) -> None:
        jake, anna = subject.user("jake"), subject.user("anna")
        subject.user("someone_else")
        assert await subject.reader.by_username({"jake", "anna"}) == {"jake": jake, "anna": anna}

    @pytest.mark.parametrize(("name", "requested"), [("jake", "JAKE"), ("Jake", "jAKE"), ("josé", "JOSÉ")])
    async def test_match_is_case_insensitive_and_keyed_by_the_requested_name(
        self, subject: ReaderUnderTest, name: str, requested: str
    ) -> None:
        user_id = subject.user(name)
        assert await subject.reader.by_username({requested}) == {requested: user_id}

    async def test_unknown_names_are_left_out(self, subject: ReaderUnderTest) -> None:
        jake = subject.user("jake")
        assert await subject.reader.by_username({"jake", "anna", ""}) == {"jake": jake}


class TestFollowees:
    async def test_followees_are_returned_by_follower(self, subject: ReaderUnderTest) -> None:
        jake, anna, carl = (subject.user(name) for name in ("jake", "anna", "carl"))
        for follower_id, followee_id in ((jake, anna), (jake, carl), (anna, jake), (carl, anna)):
            await subject.follow(follower_id, followee_id)
        followees = await subject.reader.followees({jake, anna})
        assert {follower_id: set(user_ids) for follower_id, user_ids in followees.items()} == {
            jake: {anna, carl},
            anna: {jake},
        }

    async def test_follower_without_followees_has_an_empty_entry(self, subject: ReaderUnderTest) -> None:
        jake = subject.user("jake")
        followees = await subject.reader.followees({jake})
        assert {follower_id: set(user_ids) for follower_id, user_ids in followees.items()} == {jake: set()}
