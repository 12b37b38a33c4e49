"""The contract TokenVerifier, for the fake and for the users module."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Protocol

import pytest
from sqlalchemy import delete

from conduit_devtools.testkit import ModuleTestApp, boot_module
from modules.kernel.domain.clock import SystemClock
from modules.kernel.domain.identity import Session, TokenInvalid, TokenVerifier, UserId
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.kernel.fakes import NOON, FakeClock, FakeTokenVerifier, FakeUnitOfWork
from modules.users.domain.account import AccountChanges, NewAccount
from modules.users.domain.values import Email, Username
from modules.users.infrastructure.settings import UsersSettings
from modules.users.infrastructure.tables import AccountRow
from modules.users.module import MODULE

ANOTHER_SESSION = Session("another session", "1", 0)
# A verified token may be cached, but not beyond its revocation.
VERIFIED_BEFORE = pytest.mark.parametrize("verified_before", [False, True], ids=["new", "verified before"])


class TokenSystem(Protocol):
    """A token verifier, and the means to issue and revoke tokens."""

    @property
    def tokens(self) -> TokenVerifier: ...

    @property
    def expiry(self) -> datetime:
        """The expiry of a token that is issued now."""
        ...

    async def user(self, username: str) -> UserId: ...

    @property
    def unit_of_work(self) -> UnitOfWork: ...

    async def issue(self, user_id: UserId) -> str:
        """Return a token of this user."""
        ...

    async def expire(self, user_id: UserId) -> None:
        """Let this user's tokens expire."""
        ...

    async def change_password(self, user_id: UserId) -> None: ...

    async def delete_user(self, user_id: UserId) -> None:
        """Delete this user."""
        ...


class FakeTokenSystem:
    def __init__(self) -> None:
        self.tokens = FakeTokenVerifier()
        self.unit_of_work = FakeUnitOfWork()
        self._issued: dict[UserId, list[str]] = {}

    @property
    def expiry(self) -> datetime:
        return NOON

    async def user(self, _username: str) -> UserId:
        user_id = UserId(len(self._issued) + 1)
        self._issued[user_id] = []
        return user_id

    async def issue(self, user_id: UserId) -> str:
        token = self.tokens.issue(user_id, expires_at=self.expiry)
        self._issued[user_id].append(token)
        return token

    async def expire(self, user_id: UserId) -> None:
        self._revoke_all(user_id)

    async def change_password(self, user_id: UserId) -> None:
        self._revoke_all(user_id)

    async def delete_user(self, user_id: UserId) -> None:
        self._revoke_all(user_id)

    def _revoke_all(self, user_id: UserId) -> None:
        while self._issued[user_id]:
            self.tokens.revoke(self._issued[user_id].pop())


class UsersTokenSystem:
    def __init__(self, users: ModuleTestApp, clock: FakeClock, settings: UsersSettings) -> None:
        self.tokens = users.container.tokens()
        self._accounts = users.container.repository()
        self.unit_of_work = self._database = users.database
        self._clock = clock
        self._settings = settings

    @property
    def expiry(self) -> datetime:
        return self._clock.at + self._settings.token_lifetime

    async def user(self, username: str) -> UserId:
        account = await self._accounts.add(
            NewAccount(Username(username), Email(f"{username}@example.com"), "no hash at all")
        )
        user_id: UserId = account.id
        return user_id

    async def issue(self, user_id: UserId) -> str:
        token: str = self.tokens.issue(await self._accounts.by_id(user_id))
        return token

    async def expire(self, _user: UserId) -> None:
        self._clock.at = self.expiry

    async def change_password(self, user_id: UserId) -> None:
        account = await self._accounts.by_id(user_id)
        await self._accounts.save(account.with_changes(AccountChanges(), "another hash", ANOTHER_SESSION))

    async def delete_user(self, user_id: UserId) -> None:
        async with self._database.transaction() as session:
            await session.execute(delete(AccountRow).where(AccountRow.id == user_id))


@asynccontextmanager
async def fake() -> AsyncIterator[TokenSystem]:
    yield FakeTokenSystem()


@asynccontextmanager
async def real() -> AsyncIterator[TokenSystem]:
    clock, settings = FakeClock(SystemClock().now()), UsersSettings()
    async with boot_module(MODULE, {}, settings, clock=clock) as users:
        yield UsersTokenSystem(users, clock, settings)


@pytest.fixture(params=[fake, real])
async def system(request: pytest.FixtureRequest) -> AsyncIterator[TokenSystem]:
    make: Callable[[], AbstractAsyncContextManager[TokenSystem]] = request.param
    async with make() as system:
        yield system


async def issue_token(system: TokenSystem, user_id: UserId, *, verified: bool) -> str:
    """Return a token of this user that was, or was not, verified before."""
    token = await system.issue(user_id)
    if verified:
        await system.tokens.verify(token)
    return token


async def rejection(system: TokenSystem, token: str) -> str:
    """Return the error message of a token that is not valid."""
    with pytest.raises(TokenInvalid) as rejection:
        await system.tokens.verify(token)
    return str(rejection.value)


async def test_verifier_satisfies_protocol(system: TokenSystem) -> None:
    assert isinstance(system.tokens, TokenVerifier)


async def test_principal_of_every_token_is_its_owner(system: TokenSystem) -> None:
    jake, anna = await system.user("jake"), await system.user("anna")
    tokens = [await system.issue(user_id) for user_id in (jake, anna, jake)]
    for _ in range(2):
        owners = [(await system.tokens.verify(token)).user_id for token in tokens]
        assert owners == [jake, anna, jake]


async def test_principal_has_expiry_in_seconds(system: TokenSystem) -> None:
    principal = await system.tokens.verify(await system.issue(await system.user("jake")))
    assert principal.expires_at == int(system.expiry.timestamp())


@pytest.mark.parametrize("forgery", ["", "garbage", "a.b.c", "tökén", "x" * 10_000])
async def test_arbitrary_text_is_rejected(system: TokenSystem, forgery: str) -> None:
    await system.issue(await system.user("jake"))
    await rejection(system, forgery)


async def test_changed_token_is_rejected(system: TokenSystem) -> None:
    token = await system.issue(await system.user("jake"))
    await rejection(system, token[:-5])
    await rejection(system, "A" + token)


@VERIFIED_BEFORE
async def test_expired_token_is_rejected(system: TokenSystem, verified_before: bool) -> None:
    jake = await system.user("jake")
    token = await issue_token(system, jake, verified=verified_before)
    await system.expire(jake)
    await rejection(system, token)


@VERIFIED_BEFORE
async def test_new_password_revokes_token(system: TokenSystem, verified_before: bool) -> None:
    jake = await system.user("jake")
    token = await issue_token(system, jake, verified=verified_before)
    await system.change_password(jake)
    await rejection(system, token)


@VERIFIED_BEFORE
async def test_token_of_deleted_user_is_rejected(system: TokenSystem, verified_before: bool) -> None:
    jake = await system.user("jake")
    token = await issue_token(system, jake, verified=verified_before)
    await system.delete_user(jake)
    await rejection(system, token)


async def test_new_password_keeps_other_users_tokens_and_later_ones(system: TokenSystem) -> None:
    jake, anna = await system.user("jake"), await system.user("anna")
    annas = await system.issue(anna)
    await system.change_password(jake)
    jakes = await system.issue(jake)
    assert [(await system.tokens.verify(token)).user_id for token in (jakes, annas)] == [jake, anna]


async def test_error_is_the_same_for_every_reason(system: TokenSystem) -> None:
    jake, anna, carl = [await system.user(name) for name in ("jake", "anna", "carl")]
    revoked, orphaned, expired = [await system.issue(user_id) for user_id in (jake, anna, carl)]
    await system.change_password(jake)
    await system.delete_user(anna)
    reasons = [await rejection(system, token) for token in ("forged", revoked, orphaned)]
    await system.expire(carl)
    reasons.append(await rejection(system, expired))
    assert len(set(reasons)) == 1


async def test_valid_session_may_write(system: TokenSystem) -> None:
    principal = await system.tokens.verify(await system.issue(await system.user("jake")))
    async with system.unit_of_work.transaction():
        await system.tokens.authorize_write(principal, 0)


@pytest.mark.parametrize("end", ["change_password", "delete_user"])
async def test_session_that_ended_after_verification_may_not_write(system: TokenSystem, end: str) -> None:
    jake = await system.user("jake")
    principal = await system.tokens.verify(await system.issue(jake))
    await getattr(system, end)(jake)
    async with system.unit_of_work.transaction():
        with pytest.raises(TokenInvalid):
            await system.tokens.authorize_write(principal, 0)
