"""Passwords: argon2id at the strength that OWASP asks for, and never on the event loop."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable

import pytest
from argon2 import PasswordHasher

from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.users.container import UsersContainer
from modules.users.domain.account import AccountChanges
from modules.users.domain.credentials import Credentials
from modules.users.domain.service import AccountService, AuthenticatedAccount
from modules.users.domain.values import Email, Password, SubmittedSecret, Username
from modules.users.infrastructure.passwords import Argon2Passwords
from tests.client import PASSWORD, Api
from tests.conftest import composed
from tests.users.accounts import keep, kept
from tests.users.fakes import FakeAttempts

OF_TODAY = "$argon2id$v=19$m=19456,t=2,p=1$"


@pytest.fixture
def passwords() -> Argon2Passwords:
    return Argon2Passwords(concurrency=2)


@pytest.fixture
async def composition(settings: Settings) -> AsyncIterator[Composition]:
    """Return Conduit's modules, which hash as Conduit does: other tests hash cheaply."""
    async with composed(settings) as composition:
        composition.containers["users"].passwords.reset_override()
        yield composition


class Spy:
    """Watches argon2 at work: what ran, in which threads, how many at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[str] = []
        self.threads: set[int] = set()
        self.most_at_once = 0
        self.meet: Callable[[], object] = lambda: None
        self._at_once = 0
        self._lock = threading.Lock()
        for name in ("hash", "verify"):
            monkeypatch.setattr(PasswordHasher, name, self._watched(name, getattr(PasswordHasher, name)))

    def _watched(self, name: str, work: Callable[..., object]) -> Callable[..., object]:
        def watched(*arguments: object) -> object:
            with self._lock:
                self.ran.append(name)
                self.threads.add(threading.get_ident())
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                self.meet()
                return work(*arguments)
            finally:
                with self._lock:
                    self._at_once -= 1

        return watched


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    return Spy(monkeypatch)


def outdated_hash(password: str = PASSWORD) -> str:
    """Return a hash as it would have been made when computers were slower."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


class TestHash:
    async def test_it_is_argon2id_with_19_mib_two_passes_and_one_lane(
        self, passwords: Argon2Passwords
    ) -> None:
        assert (await passwords.hash(Password(PASSWORD))).startswith(OF_TODAY)

    async def test_it_is_what_a_registration_keeps(self, users: UsersContainer) -> None:
        signed_in = await users.accounts().register(
            Username("jake"), Email("jake@example.com"), Password(PASSWORD)
        )
        assert (await kept(users, signed_in.account.id)).password_hash.startswith(OF_TODAY)

    async def test_two_hashes_of_one_password_differ(self, passwords: Argon2Passwords) -> None:
        assert await passwords.hash(Password(PASSWORD)) != await passwords.hash(Password(PASSWORD))


class TestVerify:
    async def test_the_password_fits_its_hash_and_no_other_does(self, passwords: Argon2Passwords) -> None:
        password_hash = await passwords.hash(Password(PASSWORD))
        assert await passwords.verify(password_hash, SubmittedSecret(PASSWORD))
        assert not await passwords.verify(password_hash, SubmittedSecret(PASSWORD.upper()))
        assert not await passwords.verify(password_hash, SubmittedSecret(f"{PASSWORD} "))

    async def test_the_same_password_typed_on_another_keyboard_fits(self, passwords: Argon2Passwords) -> None:
        password_hash = await passwords.hash(Password("caf\u00e9 caf\u00e9"))
        assert await passwords.verify(password_hash, SubmittedSecret("cafe\u0301 cafe\u0301"))

    async def test_every_character_of_the_longest_password_counts(self, passwords: Argon2Passwords) -> None:
        longest = "x" * 255
        password_hash = await passwords.hash(Password(f"{longest}y"))
        assert await passwords.verify(password_hash, SubmittedSecret(f"{longest}y"))
        assert not await passwords.verify(password_hash, SubmittedSecret(f"{longest}z"))

    @pytest.mark.parametrize("password_hash", ["", "$argon2id$", "not a hash"])
    async def test_nothing_fits_a_hash_that_is_none(
        self, passwords: Argon2Passwords, password_hash: str
    ) -> None:
        assert not await passwords.verify(password_hash, SubmittedSecret(PASSWORD))

    @pytest.mark.parametrize("password", [PASSWORD, "the password of nobody"])
    async def test_nobody_has_a_password(self, passwords: Argon2Passwords, password: str) -> None:
        assert not await passwords.verify(None, SubmittedSecret(password))


class TestEventLoop:
    async def test_argon2_never_runs_in_its_thread(self, passwords: Argon2Passwords, spy: Spy) -> None:
        password_hash = await passwords.hash(Password(PASSWORD))
        await passwords.verify(password_hash, SubmittedSecret(PASSWORD))
        await passwords.verify(None, SubmittedSecret(PASSWORD))
        assert len(spy.ran) == 3
        assert threading.get_ident() not in spy.threads

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows priorities of threads")
    async def test_it_stands_back_behind_everything_else(self, passwords: Argon2Passwords, spy: Spy) -> None:
        seen: list[int] = []
        spy.meet = lambda: seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        await passwords.hash(Password(PASSWORD))
        # 19 is the end of it.
        assert seen == [min(19, os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) + 10)]

    async def test_no_more_run_at_once_than_the_setting_says(
        self, passwords: Argon2Passwords, spy: Spy
    ) -> None:
        # Each waits for one other: with fewer than two at once, none would ever end.
        spy.meet = threading.Barrier(2, timeout=10).wait
        await asyncio.gather(*(passwords.hash(Password(PASSWORD)) for _ in range(6)))
        assert spy.most_at_once == 2

    async def test_logins_and_registrations_share_the_turns(
        self, passwords: Argon2Passwords, spy: Spy
    ) -> None:
        spy.meet = threading.Barrier(2, timeout=10).wait
        await asyncio.gather(
            *(passwords.hash(Password(PASSWORD)) for _ in range(3)),
            *(passwords.verify(None, SubmittedSecret(PASSWORD)) for _ in range(3)),
        )
        assert spy.most_at_once == 2


class TestLogIn:
    async def test_an_unknown_address_costs_what_a_wrong_password_costs(self, api: Api, spy: Spy) -> None:
        await api.as_user("jake").token()

        async def cost(email: str) -> list[str]:
            spy.ran.clear()
            user = {"email": email, "password": "wrong horse battery"}
            answer = await api.post("/users/login", {"user": user})
            assert answer.status_code == 401
            return list(spy.ran)

        assert await cost("nobody@example.com") == ["verify"]
        assert await cost("jake@example.com") == ["verify"]
        assert await cost("nobody@example.com") == ["verify"]

    async def test_what_is_verified_for_nobody_is_of_todays_strength(
        self, passwords: Argon2Passwords, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried: list[str] = []

        def verify(_hasher: PasswordHasher, password_hash: str, _password: str) -> bool:
            tried.append(password_hash)
            return True

        monkeypatch.setattr(PasswordHasher, "verify", verify)
        assert not await passwords.verify(None, SubmittedSecret(PASSWORD))
        [password_hash] = tried
        assert not passwords.is_outdated(password_hash)

    async def test_a_hash_of_other_parameters_is_made_anew(self, users: UsersContainer) -> None:
        jake = await keep(users, password_hash=outdated_hash())
        await log_in(users.accounts())
        assert (await kept(users, jake.id)).password_hash.startswith(OF_TODAY)
        assert (await log_in(users.accounts())).account.id == jake.id

    async def test_a_hash_of_todays_parameters_stays(self, users: UsersContainer) -> None:
        jake = await keep(users, password_hash=await users.passwords().hash(Password(PASSWORD)))
        await log_in(users.accounts())
        assert await kept(users, jake.id) == jake

    async def test_a_password_that_is_changed_while_the_old_one_is_hashed_anew_stays(
        self, users: UsersContainer
    ) -> None:
        jake = await keep(users, password_hash=outdated_hash())

        class Slow(Argon2Passwords):
            async def hash(self, password: Password | SubmittedSecret) -> str:
                changes = AccountChanges(password=Password("a newer password"))
                await users.accounts().update(jake.id, changes)
                return await super().hash(password)

        slow = AccountService(
            users.database(),
            users.repository(),
            Credentials(Slow(concurrency=1), FakeAttempts()),
            users.tokens(),
            users.events(),
            users.idempotency(),
        )
        await log_in(slow)
        assert (await log_in(users.accounts(), "a newer password")).account.id == jake.id


async def log_in(accounts: AccountService, password: str = PASSWORD) -> AuthenticatedAccount:
    return await accounts.log_in(SubmittedSecret("jake@example.com"), SubmittedSecret(password), "192.0.2.7")
