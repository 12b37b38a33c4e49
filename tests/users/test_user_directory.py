"""Contract tests of UserDirectory, for its fake and its implementation."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import pytest

from conduit_devtools.testkit import ModuleTestApp, boot_module
from modules.kernel.domain.identity import Session, UserId
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.kernel.fakes import FakeUnitOfWork
from modules.users.contracts import PublicUser, UserDirectory
from modules.users.domain.account import AccountChanges, NewAccount
from modules.users.domain.values import Bio, Email, Image, Username
from modules.users.fakes import FakeUserDirectory
from modules.users.module import MODULE

UNKNOWN_ID = UserId(404)
SESSION = Session("laptop", "1", 0)


class DirectoryUnderTest(Protocol):
    """A user directory, and a method that adds users to it."""

    @property
    def directory(self) -> UserDirectory: ...

    @property
    def unit_of_work(self) -> UnitOfWork: ...

    async def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId: ...


class FakeDirectory:
    def __init__(self) -> None:
        self.unit_of_work = FakeUnitOfWork()
        self.directory = FakeUserDirectory(self.unit_of_work)

    async def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        return self.directory.add(username, bio=bio, image=image)


class SqlDirectory:
    def __init__(self, users: ModuleTestApp) -> None:
        self.unit_of_work = users.database
        self.directory = users.container.directory()
        self._accounts = users.container.repository()

    async def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        # The repository instead of the use case, which would hash a password for every user.
        account = await self._accounts.add(
            NewAccount(Username(username), Email(f"{username}@example.com"), "hash")
        )
        changes = AccountChanges(bio=Bio(bio), image=Image(image))
        await self._accounts.save(account.with_changes(changes, None, SESSION))
        user_id: UserId = account.id
        return user_id


@asynccontextmanager
async def fake() -> AsyncIterator[DirectoryUnderTest]:
    yield FakeDirectory()


@asynccontextmanager
async def sql() -> AsyncIterator[DirectoryUnderTest]:
    async with boot_module(MODULE, offers={}) as users:
        yield SqlDirectory(users)


@pytest.fixture(params=[fake, sql])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[DirectoryUnderTest]:
    create: Callable[[], AbstractAsyncContextManager[DirectoryUnderTest]] = request.param
    async with create() as subject:
        yield subject


async def test_directory_implements_the_contract(subject: DirectoryUnderTest) -> None:
    assert isinstance(subject.directory, UserDirectory)


async def test_empty_collections_return_nothing(subject: DirectoryUnderTest) -> None:
    await subject.user("jake")
    assert await subject.directory.users(()) == {}
    assert await subject.directory.by_username(()) == {}


class TestUsers:
    async def test_users_are_returned_by_id(self, subject: DirectoryUnderTest) -> None:
        jake = await subject.user("Jake", bio="I work at statefarm", image="https://example.com/jake.png")
        anna = await subject.user("anna")
        await subject.user("someone_else")
        assert await subject.directory.users({jake, anna}) == {
            jake: PublicUser(jake, "Jake", "I work at statefarm", "https://example.com/jake.png"),
            anna: PublicUser(anna, "anna", bio=None, image=None),
        }

    async def test_unknown_ids_are_left_out(self, subject: DirectoryUnderTest) -> None:
        jake = await subject.user("jake")
        assert set(await subject.directory.users({jake, UNKNOWN_ID})) == {jake}

    async def test_duplicate_ids_are_allowed(self, subject: DirectoryUnderTest) -> None:
        jake = await subject.user("jake")
        assert set(await subject.directory.users([jake, jake])) == {jake}


class TestByUsername:
    async def test_users_are_returned_by_username(self, subject: DirectoryUnderTest) -> None:
        jake, anna = await subject.user("jake", bio="I work at statefarm"), await subject.user("anna")
        await subject.user("someone_else")
        assert await subject.directory.by_username({"jake", "anna"}) == {
            "jake": PublicUser(jake, "jake", bio="I work at statefarm", image=None),
            "anna": PublicUser(anna, "anna", bio=None, image=None),
        }

    @pytest.mark.parametrize(
        ("name", "requested"), [("jake", "JAKE"), ("Jake", "jAKE"), ("josé", "JOSÉ"), ("strauß", "STRAUSS")]
    )
    async def test_match_is_case_insensitive_and_keyed_by_the_requested_name(
        self, subject: DirectoryUnderTest, name: str, requested: str
    ) -> None:
        user_id = await subject.user(name)
        assert await subject.directory.by_username({requested}) == {
            requested: PublicUser(user_id, name, None, None)
        }

    async def test_user_is_returned_under_every_requested_spelling(self, subject: DirectoryUnderTest) -> None:
        jake = await subject.user("jake")
        users = await subject.directory.by_username({"jake", "JAKE"})
        assert {name: user.id for name, user in users.items()} == {"jake": jake, "JAKE": jake}

    async def test_unknown_names_are_left_out(self, subject: DirectoryUnderTest) -> None:
        await subject.user("jake")
        assert set(await subject.directory.by_username({"jake", "jak", "jake2", ""})) == {"jake"}


class TestLock:
    async def test_existing_users_are_returned(self, subject: DirectoryUnderTest) -> None:
        jake, anna = await subject.user("jake"), await subject.user("anna")
        async with subject.unit_of_work.transaction():
            assert set(await subject.directory.lock([anna, UNKNOWN_ID, jake])) == {jake, anna}

    async def test_open_transaction_is_required(self, subject: DirectoryUnderTest) -> None:
        with pytest.raises(RuntimeError):
            await subject.directory.lock([await subject.user("jake")])
