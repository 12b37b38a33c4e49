"""What the contract TokenVerifier promises, of its fake and of the real thing alike."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Protocol

import pytest
from sqlalchemy import delete

from conduit_devtools.testkit import ModuleTestApp, boot_module
from modules.kernel.domain.clock import SystemClock
from modules.kernel.domain.identity import TokenInvalid, TokenVerifier, UserId
from modules.kernel.fakes import NOON, FakeClock, FakeTokenVerifier
from modules.users.domain.account import AccountChanges, NewAccount
from modules.users.domain.values import Email, Username
from modules.users.infrastructure.settings import UsersSettings
from modules.users.infrastructure.tables import AccountRow
from modules.users.module import MODULE

# What was once found good may be remembered, and must not be for too long.
SHOWN_BEFORE = pytest.mark.parametrize("shown_before", [False, True], ids=["new", "shown before"])


class World(Protocol):
    """A token verifier, and what issues tokens and ends them."""

    @property
    def tokens(self) -> TokenVerifier: ...

    @property
    def expiry(self) -> datetime:
        """Until when a token is good that is issued now."""
        ...

    async def user(self, username: str) -> UserId: ...

    async def issue(self, user: UserId) -> str:
        """Return a token of this user."""
        ...

    async def let_expire(self, user: UserId) -> None:
        """Let the time of this user's tokens be over."""
        ...

    async def choose_another_password(self, user: UserId) -> None: ...

    async def leave(self, user: UserId) -> None:
        """Let this user be gone."""
        ...


class FakeWorld:
    def __init__(self) -> None:
        self.tokens = FakeTokenVerifier()
        self._issued: dict[UserId, list[str]] = {}

    @property
    def expiry(self) -> datetime:
        return NOON

    async def user(self, _username: str) -> UserId:
        user = UserId(len(self._issued) + 1)
        self._issued[user] = []
        return user

    async def issue(self, user: UserId) -> str:
        token = self.tokens.issue(user, until=self.expiry)
        self._issued[user].append(token)
        return token

    async def let_expire(self, user: UserId) -> None:
        self._end(user)

    async def choose_another_password(self, user: UserId) -> None:
        self._end(user)

    async def leave(self, user: UserId) -> None:
        self._end(user)

    def _end(self, user: UserId) -> None:
        while self._issued[user]:
            self.tokens.end(self._issued[user].pop())


class RealWorld:
    def __init__(self, users: ModuleTestApp, clock: FakeClock, settings: UsersSettings) -> None:
        self.tokens = users.container.tokens()
        self._accounts = users.container.repository()
        self._database = users.database
        self._clock = clock
        self._settings = settings

    @property
    def expiry(self) -> datetime:
        return self._clock.at + self._settings.token_lifetime

    async def user(self, username: str) -> UserId:
        account = await self._accounts.add(
            NewAccount(Username(username), Email(f"{username}@example.com"), "no hash at all")
        )
        user: UserId = account.id
        return user

    async def issue(self, user: UserId) -> str:
        token: str = self.tokens.issue(await self._accounts.by_id(user))
        return token

    async def let_expire(self, _user: UserId) -> None:
        self._clock.at = self.expiry

    async def choose_another_password(self, user: UserId) -> None:
        account = await self._accounts.by_id(user)
        await self._accounts.save(account.with_changes(AccountChanges(), password_hash="another hash"))

    async def leave(self, user: UserId) -> None:
        async with self._database.transaction() as session:
            await session.execute(delete(AccountRow).where(AccountRow.id == user))


@asynccontextmanager
async def fake() -> AsyncIterator[World]:
    yield FakeWorld()


@asynccontextmanager
async def real() -> AsyncIterator[World]:
    clock, settings = FakeClock(SystemClock().now()), UsersSettings()
    async with boot_module(MODULE, {}, settings, clock=clock) as users:
        yield RealWorld(users, clock, settings)


@pytest.fixture(params=[fake, real])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    make: Callable[[], AbstractAsyncContextManager[World]] = request.param
    async with make() as world:
        yield world


async def issued(world: World, user: UserId, *, shown: bool) -> str:
    """Return a token of this user that was, or was not, found good before."""
    token = await world.issue(user)
    if shown:
        await world.tokens.verify(token)
    return token


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
    assert (await world.tokens.verify(jakes)).user_id == jake
    assert (await world.tokens.verify(annas)).user_id == anna


async def test_it_returns_until_when_the_token_says_so_in_seconds(world: World) -> None:
    principal = await world.tokens.verify(await world.issue(await world.user("jake")))
    assert principal.expires_at == int(world.expiry.timestamp())


async def test_every_token_of_a_user_is_good(world: World) -> None:
    jake = await world.user("jake")
    for token in [await world.issue(jake), await world.issue(jake)]:
        assert (await world.tokens.verify(token)).user_id == jake


async def test_a_token_is_good_as_often_as_it_is_shown(world: World) -> None:
    jake = await world.user("jake")
    token = await world.issue(jake)
    assert [(await world.tokens.verify(token)).user_id for _ in range(2)] == [jake, jake]


@pytest.mark.parametrize("forgery", ["", "garbage", "a.b.c", "tökén", "x" * 10_000])
async def test_what_was_never_issued_is_no_token(world: World, forgery: str) -> None:
    await world.issue(await world.user("jake"))
    await refusal(world, forgery)


async def test_a_token_that_was_tampered_with_is_forged(world: World) -> None:
    token = await world.issue(await world.user("jake"))
    await refusal(world, token[:-5])
    await refusal(world, "A" + token)


@SHOWN_BEFORE
async def test_an_expired_token_is_not_good(world: World, shown_before: bool) -> None:
    jake = await world.user("jake")
    token = await issued(world, jake, shown=shown_before)
    await world.let_expire(jake)
    await refusal(world, token)


@SHOWN_BEFORE
async def test_another_password_revokes_a_token(world: World, shown_before: bool) -> None:
    jake = await world.user("jake")
    token = await issued(world, jake, shown=shown_before)
    await world.choose_another_password(jake)
    await refusal(world, token)


@SHOWN_BEFORE
async def test_a_token_whose_user_is_gone_is_not_good(world: World, shown_before: bool) -> None:
    jake = await world.user("jake")
    token = await issued(world, jake, shown=shown_before)
    await world.leave(jake)
    await refusal(world, token)


async def test_what_ends_one_users_tokens_ends_nobody_elses_and_none_to_come(world: World) -> None:
    jake, anna = await world.user("jake"), await world.user("anna")
    annas = await world.issue(anna)
    await world.choose_another_password(jake)
    jakes = await world.issue(jake)
    assert [(await world.tokens.verify(token)).user_id for token in (jakes, annas)] == [jake, anna]


async def test_why_a_token_is_not_good_is_not_told(world: World) -> None:
    jake, anna, carl = [await world.user(name) for name in ("jake", "anna", "carl")]
    revoked, left_behind, expired = [await world.issue(user) for user in (jake, anna, carl)]
    await world.choose_another_password(jake)
    await world.leave(anna)
    reasons = [await refusal(world, token) for token in ("forged", revoked, left_behind)]
    await world.let_expire(carl)
    reasons.append(await refusal(world, expired))
    assert len(set(reasons)) == 1
