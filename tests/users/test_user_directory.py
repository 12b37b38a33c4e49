"""What the contract UserDirectory promises, of its fake and of the real thing alike."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import pytest

from conduit_devtools.testkit import ModuleTestApp, boot_module
from modules.kernel.domain.identity import UserId
from modules.users.contracts import PublicUser, UserDirectory
from modules.users.domain.account import AccountChanges, NewAccount
from modules.users.domain.values import Bio, Email, Image, Username
from modules.users.fakes import FakeUserDirectory
from modules.users.module import MODULE

NOBODY = UserId(404)


class World(Protocol):
    """A user directory, and what lets there be users in it."""

    @property
    def directory(self) -> UserDirectory: ...

    async def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId: ...


class FakeWorld:
    def __init__(self) -> None:
        self.directory = FakeUserDirectory()

    async def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        return self.directory.add(username, bio=bio, image=image)


class RealWorld:
    def __init__(self, users: ModuleTestApp) -> None:
        self.directory = users.container.directory()
        self._accounts = users.container.repository()

    async def user(self, username: str, *, bio: str | None = None, image: str | None = None) -> UserId:
        # The repository, not the use case: that one would hash a password for every user.
        account = await self._accounts.add(
            NewAccount(Username(username), Email(f"{username}@example.com"), "no hash at all")
        )
        changes = AccountChanges(bio=Bio(bio), image=Image(image))
        await self._accounts.save(account.with_changes(changes, password_hash=None))
        user: UserId = account.id
        return user


@asynccontextmanager
async def fake() -> AsyncIterator[World]:
    yield FakeWorld()


@asynccontextmanager
async def real() -> AsyncIterator[World]:
    async with boot_module(MODULE, offers={}) as users:
        yield RealWorld(users)


@pytest.fixture(params=[fake, real])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    make: Callable[[], AbstractAsyncContextManager[World]] = request.param
    async with make() as world:
        yield world


async def test_it_is_what_its_contract_says(world: World) -> None:
    assert isinstance(world.directory, UserDirectory)


class TestUsers:
    async def test_users_are_returned_by_id(self, world: World) -> None:
        jake, anna = await world.user("jake"), await world.user("anna")
        await world.user("someone_else")
        assert await world.directory.users({jake, anna}) == {
            jake: PublicUser(jake, "jake", bio=None, image=None),
            anna: PublicUser(anna, "anna", bio=None, image=None),
        }

    async def test_they_are_what_anyone_may_know_of_them(self, world: World) -> None:
        jake = await world.user("Jake", bio="I work at statefarm", image="https://example.com/jake.png")
        assert await world.directory.users({jake}) == {
            jake: PublicUser(jake, "Jake", "I work at statefarm", "https://example.com/jake.png")
        }

    async def test_those_that_do_not_exist_are_left_out(self, world: World) -> None:
        jake = await world.user("jake")
        assert set(await world.directory.users({jake, NOBODY})) == {jake}

    async def test_an_id_may_be_asked_for_twice(self, world: World) -> None:
        jake = await world.user("jake")
        assert set(await world.directory.users([jake, jake])) == {jake}

    async def test_none_are_returned_for_none(self, world: World) -> None:
        await world.user("jake")
        assert await world.directory.users(()) == {}


class TestNamed:
    async def test_users_are_returned_by_name(self, world: World) -> None:
        jake, anna = await world.user("jake", bio="I work at statefarm"), await world.user("anna")
        await world.user("someone_else")
        assert await world.directory.by_username({"jake", "anna"}) == {
            "jake": PublicUser(jake, "jake", bio="I work at statefarm", image=None),
            "anna": PublicUser(anna, "anna", bio=None, image=None),
        }

    @pytest.mark.parametrize(
        ("name", "asked_for"), [("jake", "JAKE"), ("Jake", "jAKE"), ("josé", "JOSÉ"), ("strauß", "STRAUSS")]
    )
    async def test_they_are_found_in_whatever_case_by_the_name_as_it_was_asked_for(
        self, world: World, name: str, asked_for: str
    ) -> None:
        user = await world.user(name)
        assert await world.directory.by_username({asked_for}) == {
            asked_for: PublicUser(user, name, None, None)
        }

    async def test_one_user_is_returned_by_each_name_that_was_asked_for(self, world: World) -> None:
        jake = await world.user("jake")
        found = await world.directory.by_username({"jake", "JAKE"})
        assert {name: user.id for name, user in found.items()} == {"jake": jake, "JAKE": jake}

    async def test_names_that_nobody_has_are_left_out(self, world: World) -> None:
        await world.user("jake")
        assert set(await world.directory.by_username({"jake", "jak", "jake2", ""})) == {"jake"}

    async def test_none_are_returned_for_none(self, world: World) -> None:
        await world.user("jake")
        assert await world.directory.by_username(()) == {}
