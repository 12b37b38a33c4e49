"""Password hashing: argon2id with OWASP's parameters, in a thread pool."""

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
from tests.users.accounts import insert_account, principal, stored_account
from tests.users.fakes import FakeLoginThrottle, FakeRegistrationThrottle

CURRENT_PARAMETERS = "$argon2id$v=19$m=19456,t=2,p=1$"


@pytest.fixture
def passwords() -> Argon2Passwords:
    return Argon2Passwords(concurrency=2)


@pytest.fixture
async def composition(settings: Settings) -> AsyncIterator[Composition]:
    """Return the modules with the real hashing parameters; other tests use cheaper ones."""
    async with composed(settings) as composition:
        composition.containers["users"].passwords.reset_override()
        yield composition


class Spy:
    """Records argon2's calls, their threads and their concurrency."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.max_concurrency = 0
        self.during_call: Callable[[], object] = lambda: None
        self._running = 0
        self._lock = threading.Lock()
        for name in ("hash", "verify"):
            monkeypatch.setattr(PasswordHasher, name, self._recorded(name, getattr(PasswordHasher, name)))

    def _recorded(self, name: str, function: Callable[..., object]) -> Callable[..., object]:
        def recorded(*arguments: object) -> object:
            with self._lock:
                self.calls.append(name)
                self.threads.add(threading.get_ident())
                self._running += 1
                self.max_concurrency = max(self.max_concurrency, self._running)
            try:
                self.during_call()
                return function(*arguments)
            finally:
                with self._lock:
                    self._running -= 1

        return recorded


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    return Spy(monkeypatch)


def outdated_hash(password: str = PASSWORD) -> str:
    """Return a hash with weaker parameters."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


class TestHash:
    async def test_hash_is_argon2id_with_the_owasp_parameters(self, passwords: Argon2Passwords) -> None:
        assert (await passwords.hash(Password(PASSWORD))).startswith(CURRENT_PARAMETERS)

    async def test_registration_stores_such_a_hash(self, users: UsersContainer) -> None:
        registered = await users.accounts().register(
            Username("jake"), Email("jake@example.com"), Password(PASSWORD), "192.0.2.1"
        )
        assert (await stored_account(users, registered.account.id)).password_hash.startswith(
            CURRENT_PARAMETERS
        )

    async def test_hashes_of_the_same_password_differ(self, passwords: Argon2Passwords) -> None:
        assert await passwords.hash(Password(PASSWORD)) != await passwords.hash(Password(PASSWORD))


class TestVerify:
    async def test_only_the_same_password_matches(self, passwords: Argon2Passwords) -> None:
        password_hash = await passwords.hash(Password(PASSWORD))
        assert await passwords.verify(password_hash, SubmittedSecret(PASSWORD))
        assert not await passwords.verify(password_hash, SubmittedSecret(PASSWORD.upper()))
        assert not await passwords.verify(password_hash, SubmittedSecret(f"{PASSWORD} "))

    async def test_decomposed_password_matches(self, passwords: Argon2Passwords) -> None:
        password_hash = await passwords.hash(Password("caf\u00e9 caf\u00e9"))
        assert await passwords.verify(password_hash, SubmittedSecret("cafe\u0301 cafe\u0301"))

    async def test_last_character_of_the_longest_password_counts(self, passwords: Argon2Passwords) -> None:
        prefix = "x" * 255
        password_hash = await passwords.hash(Password(f"{prefix}y"))
        assert await passwords.verify(password_hash, SubmittedSecret(f"{prefix}y"))
        assert not await passwords.verify(password_hash, SubmittedSecret(f"{prefix}z"))

    @pytest.mark.parametrize("password_hash", ["", "$argon2id$", "not a hash"])
    async def test_malformed_hash_matches_nothing(
        self, passwords: Argon2Passwords, password_hash: str
    ) -> None:
        assert not await passwords.verify(password_hash, SubmittedSecret(PASSWORD))

    @pytest.mark.parametrize("password", [PASSWORD, "another password"])
    async def test_no_password_matches_without_a_hash(
        self, passwords: Argon2Passwords, password: str
    ) -> None:
        assert not await passwords.verify(None, SubmittedSecret(password))


class TestEventLoop:
    async def test_hashing_does_not_block_it(self, passwords: Argon2Passwords, spy: Spy) -> None:
        password_hash = await passwords.hash(Password(PASSWORD))
        await passwords.verify(password_hash, SubmittedSecret(PASSWORD))
        await passwords.verify(None, SubmittedSecret(PASSWORD))
        assert len(spy.calls) == 3
        assert threading.get_ident() not in spy.threads

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities per thread")
    async def test_hashing_has_a_lower_priority(self, passwords: Argon2Passwords, spy: Spy) -> None:
        priorities: list[int] = []
        spy.during_call = lambda: priorities.append(
            os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        )
        await passwords.hash(Password(PASSWORD))
        # 19 is the lowest priority.
        assert priorities == [min(19, os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) + 10)]

    async def test_hashing_and_verifying_share_the_concurrency_limit(
        self, passwords: Argon2Passwords, spy: Spy
    ) -> None:
        # Each call waits for another one: with a concurrency of one, none would finish.
        spy.during_call = threading.Barrier(2, timeout=10).wait
        await asyncio.gather(
            *(passwords.hash(Password(PASSWORD)) for _ in range(3)),
            *(passwords.verify(None, SubmittedSecret(PASSWORD)) for _ in range(3)),
        )
        assert spy.max_concurrency == 2


class TestOverload:
    @pytest.fixture
    async def composition(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[Composition]:
        """Return the modules with a limit of one pending hash."""
        monkeypatch.setenv("CONDUIT_MAX_PASSWORD_HASHES", "1")
        async with composed(settings) as composition:
            composition.containers["users"].passwords.reset_override()
            yield composition

    async def test_login_above_the_limit_gets_503(self, api: Api, spy: Spy) -> None:
        """Other requests are served: logins do not queue up to the limit of requests."""
        loop, hashing, released = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

        def wait() -> None:
            loop.call_soon_threadsafe(hashing.set)
            assert released.wait(timeout=10)

        spy.during_call = wait
        user = {"user": {"email": "jake@example.com", "password": "wrong horse battery"}}
        first = asyncio.create_task(api.post("/users/login", user))
        await hashing.wait()
        rejected = await api.post("/users/login", user)
        assert (rejected.status_code, rejected.headers["Retry-After"]) == (503, "1")
        assert rejected.json() == {"errors": {"service": ["is busy, try again"]}}
        assert (await api.get("/tags")).status_code == 200
        released.set()
        assert (await first).status_code == 401
        assert (await api.post("/users/login", user)).status_code == 401


class TestLogIn:
    async def test_unknown_address_costs_as_much_as_a_wrong_password(self, api: Api, spy: Spy) -> None:
        await api.as_user("jake").token()

        async def calls(email: str) -> list[str]:
            spy.calls.clear()
            user = {"email": email, "password": "wrong horse battery"}
            response = await api.post("/users/login", {"user": user})
            assert response.status_code == 401
            return list(spy.calls)

        assert await calls("nobody@example.com") == ["verify"]
        assert await calls("jake@example.com") == ["verify"]
        assert await calls("nobody@example.com") == ["verify"]

    async def test_dummy_hash_has_the_current_parameters(
        self, passwords: Argon2Passwords, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verified: list[str] = []

        def verify(_hasher: PasswordHasher, password_hash: str, _password: str) -> bool:
            verified.append(password_hash)
            return True

        monkeypatch.setattr(PasswordHasher, "verify", verify)
        assert not await passwords.verify(None, SubmittedSecret(PASSWORD))
        [password_hash] = verified
        assert not passwords.is_outdated(password_hash)

    async def test_hash_with_outdated_parameters_is_replaced(self, users: UsersContainer) -> None:
        jake = await insert_account(users, password_hash=outdated_hash())
        await log_in(users.accounts())
        assert (await stored_account(users, jake.id)).password_hash.startswith(CURRENT_PARAMETERS)
        assert (await log_in(users.accounts())).account.id == jake.id

    async def test_hash_with_current_parameters_is_unchanged(self, users: UsersContainer) -> None:
        jake = await insert_account(users, password_hash=await users.passwords().hash(Password(PASSWORD)))
        await log_in(users.accounts())
        assert await stored_account(users, jake.id) == jake

    async def test_password_changed_during_rehashing_is_not_overwritten(self, users: UsersContainer) -> None:
        jake = await insert_account(users, password_hash=outdated_hash())

        class SlowPasswords(Argon2Passwords):
            async def hash(self, password: Password | SubmittedSecret) -> str:
                changes = AccountChanges(password=Password("a newer password"))
                await users.accounts().update(principal(jake), changes)
                return await super().hash(password)

        accounts = AccountService(
            users.database(),
            users.repository(),
            Credentials(SlowPasswords(concurrency=1), FakeLoginThrottle()),
            FakeRegistrationThrottle(),
            users.tokens(),
            users.events(),
            users.idempotency(),
        )
        await log_in(accounts)
        assert (await log_in(users.accounts(), "a newer password")).account.id == jake.id


async def log_in(accounts: AccountService, password: str = PASSWORD) -> AuthenticatedAccount:
    return await accounts.log_in(SubmittedSecret("jake@example.com"), SubmittedSecret(password), "192.0.2.7")
