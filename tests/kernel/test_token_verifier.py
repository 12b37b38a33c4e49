"""What the contract TokenVerifier promises, of its fake and of the real thing alike."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Protocol

import pytest
from sqlalchemy import delete

from conduit_app.testkit import ModuleAlone, module_alone
from modules.kernel.domain.clock import SystemClock
from modules.kernel.domain.identity import TokenInvalid, TokenVerifier, UserId
from modules.kernel.fakes import NOON, FakeClock, FakeTokenVerifier
from modules.users.domain.account import AccountChanges, NewAccount
from modules.users.domain.values import Email, Username
from modules.users.infrastructure.settings import UsersSettings
from modules.users.infrastructure.tables import AccountRow
from modules.users.module import MODULE


class World(Protocol):
    """A token verifier, and what issues tokens, good and bad."""

    @property
    def tokens(self) -> TokenVerifier: ...

    async def user(self, username: str) -> UserId: ...

    @property
    def expiry(self) -> datetime:
        """Until when a token is good that is issued now."""
        ...

    async def issue(self, user: UserId) -> str:
        """Return a token of this user."""
        ...

    async def expired(self, user: UserId) -> str:
        """Return a token of this user whose time is over."""
        ...

    async def revoked(self, user: UserId) -> str:
        """Return a token of this user that is from before another password was chosen."""
        ...

    async def left_behind(self, user: UserId) -> str:
        """Return a token of this user, who is gone now."""
        ...


class FakeWorld:
    def __init__(self) -> None:
        self.tokens = FakeTokenVerifier()
        self._users: list[str] = []

    async def user(self, username: str) -> UserId:
        self._users.append(username)
        return UserId(len(self._users))

    @property
    def expiry(self) -> datetime:
        return NOON

    async def issue(self, user: UserId) -> str:
        return self.tokens.issue(user, until=NOON)

    async def expired(self, user: UserId) -> str:
        return self._ended(user)

    async def revoked(self, user: UserId) -> str:
        return self._ended(user)

    async def left_behind(self, user: UserId) -> str:
        return self._ended(user)

    def _ended(self, user: UserId) -> str:
        token = self.tokens.issue(user)
        self.tokens.end(token)
        return token


class RealWorld:
    def __init__(self, users: ModuleAlone, clock: FakeClock, settings: UsersSettings) -> None:
        self.tokens = users.container.tokens()
        self._accounts = users.container.repository()
        self._database = users.database
        self._clock = clock
        self._settings = settings

    async def user(self, username: str) -> UserId:
        account = await self._accounts.add(
            NewAccount(Username(username), Email(f"{username}@example.com"), "no hash at all")
        )
        user: UserId = account.id
        return user

    @property
    def expiry(self) -> datetime:
        return self._clock.at + self._settings.token_lifetime

    async def issue(self, user: UserId) -> str:
        token: str = self.tokens.issue(await self._accounts.by_id(user))
        return token

    async def expired(self, user: UserId) -> str:
        now = self._clock.at
        self._clock.at = now - self._settings.token_lifetime - timedelta(seconds=1)
        token = await self.issue(user)
        self._clock.at = now
        return token

    async def revoked(self, user: UserId) -> str:
        token = await self.issue(user)
        account = await self._accounts.by_id(user)
        await self._accounts.save(account.changed(AccountChanges(), password_hash="that of another"))
        return token

    async def left_behind(self, user: UserId) -> str:
        token = await self.issue(user)
        async with self._database.transaction() as session:
            await session.execute(delete(AccountRow).where(AccountRow.id == user))
        return token


@asynccontextmanager
async def fake() -> AsyncIterator[World]:
    yield FakeWorld()


@asynccontextmanager
async def real() -> AsyncIterator[World]:
    clock, settings = FakeClock(SystemClock().now()), UsersSettings()
    async with module_alone(MODULE, {}, settings, clock=clock) as users:
        yield RealWorld(users, clock, settings)


@pytest.fixture(params=[fake, real])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    make: Callable[[], AbstractAsyncContextManager[World]] = request.param
    async with make() as world:
        yield world


async def refusal(world: World, token: str) -> str:
    """Return what is said of a token that is not good."""
    with pytest.raises(TokenInvalid) as refusal:
        await world.tokens.verify(token)
    return str(refusal.value)


async def test_it_is_what_its_contract_says(world: World) -> None:
    assert isinstance(world.tokens, TokenVerifier)


async def test_it_returns_whose_token_it_is(world: World) -> None:
    jake, anna = await world.user("jake"), await world.user("anna")
    jakes, annas = await world.issue(jake), await world.issue(anna)
    assert (await world.tokens.verify(jakes)).user == jake
    assert (await world.tokens.verify(annas)).user == anna


async def test_it_returns_until_when_the_token_says_so_in_seconds(world: World) -> None:
    principal = await world.tokens.verify(await world.issue(await world.user("jake")))
    assert principal.until == int(world.expiry.timestamp())


async def test_every_token_of_a_user_is_good(world: World) -> None:
    jake = await world.user("jake")
    for token in [await world.issue(jake), await world.issue(jake)]:
        assert (await world.tokens.verify(token)).user == jake


async def test_a_token_is_good_as_often_as_it_is_shown(world: World) -> None:
    jake = await world.user("jake")
    token = await world.issue(jake)
    assert [(await world.tokens.verify(token)).user for _ in range(2)] == [jake, jake]


@pytest.mark.parametrize("forgery", ["", "garbage", "a.b.c", "tökén", "x" * 10_000])
async def test_what_was_never_issued_is_no_token(world: World, forgery: str) -> None:
    await world.issue(await world.user("jake"))
    await refusal(world, forgery)


async def test_a_token_that_was_tampered_with_is_forged(world: World) -> None:
    token = await world.issue(await world.user("jake"))
    await refusal(world, token[:-5])
    await refusal(world, "A" + token)


async def test_an_expired_token_is_not_good(world: World) -> None:
    await refusal(world, await world.expired(await world.user("jake")))


async def test_a_revoked_token_is_not_good(world: World) -> None:
    await refusal(world, await world.revoked(await world.user("jake")))


async def test_a_token_whose_user_is_gone_is_not_good(world: World) -> None:
    await refusal(world, await world.left_behind(await world.user("jake")))


async def test_a_token_is_good_after_others_have_become_bad(world: World) -> None:
    jake, anna = await world.user("jake"), await world.user("anna")
    await world.revoked(jake)
    jakes, annas = await world.issue(jake), await world.issue(anna)
    assert [(await world.tokens.verify(token)).user for token in (jakes, annas)] == [jake, anna]


async def test_why_a_token_is_not_good_is_not_told(world: World) -> None:
    jake = await world.user("jake")
    reasons = {
        await refusal(world, token)
        for token in (
            "garbage",
            await world.expired(jake),
            await world.revoked(jake),
            await world.left_behind(jake),
        )
    }
    assert len(reasons) == 1
