"""How often a password may be tried (OWASP API2:2023, ASVS 5.0 V6.3, NIST SP 800-63B 5.2.2)."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response
from sqlalchemy import func, select

from conduit_app.settings import SettingsError, load_settings
from modules.kernel.fakes import FakeClock
from modules.users.container import UsersContainer
from modules.users.domain.login_throttle import TooManyLoginAttempts
from modules.users.infrastructure.login_throttle import SqlLoginThrottle
from modules.users.infrastructure.settings import UsersSettings
from modules.users.infrastructure.tables import LoginAttemptRow
from tests.client import PASSWORD, Api

HERE, THERE = "192.0.2.1", "198.51.100.1"
MINUTES = 60


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def attempts(users: UsersContainer, clock: FakeClock) -> SqlLoginThrottle:
    return SqlLoginThrottle(users.database(), clock, UsersSettings())


async def try_often(
    attempts: SqlLoginThrottle, number: int, email: str = "jake@a.org", at: str = HERE
) -> None:
    for _ in range(number):
        await attempts.record(email, at)


async def refusal(attempts: SqlLoginThrottle, email: str = "jake@a.org", at: str = HERE) -> int:
    """Try once more, and return for how many seconds that is refused."""
    with pytest.raises(TooManyLoginAttempts) as caught:
        await attempts.record(email, at)
    return caught.value.retry_after_seconds


class TestOneAccountFromOneAddress:
    async def test_ten_attempts_are_let_through_and_no_eleventh(self, attempts: SqlLoginThrottle) -> None:
        await try_often(attempts, 10)
        assert await refusal(attempts) == 15 * MINUTES

    async def test_who_comes_back_when_told_is_let_through(
        self, attempts: SqlLoginThrottle, clock: FakeClock
    ) -> None:
        await try_often(attempts, 10)
        clock.at += timedelta(minutes=5)
        # Trying on does not make it longer: there is no permanent lock-out.
        assert [await refusal(attempts) for _ in range(3)] == [10 * MINUTES] * 3
        clock.at += timedelta(minutes=10)
        await try_often(attempts, 10)

    async def test_the_owner_is_let_through_elsewhere(self, attempts: SqlLoginThrottle) -> None:
        await try_often(attempts, 10)
        await attempts.record("jake@a.org", THERE)

    async def test_another_account_is_let_through(self, attempts: SqlLoginThrottle) -> None:
        await try_often(attempts, 10)
        await attempts.record("anna@a.org", HERE)

    async def test_success_counts_anew(self, attempts: SqlLoginThrottle) -> None:
        await try_often(attempts, 10)
        await attempts.reset("jake@a.org", HERE)
        await try_often(attempts, 10)

    async def test_another_spelling_is_the_same_account(self, attempts: SqlLoginThrottle) -> None:
        await try_often(attempts, 10)
        await refusal(attempts, " JAKE@A.org ")


class TestMany:
    @pytest.mark.slow
    async def test_an_account_is_tried_a_hundred_times_an_hour_from_everywhere(
        self, attempts: SqlLoginThrottle
    ) -> None:
        for network in range(10):
            await try_often(attempts, 10, at=f"192.0.2.{network}")
        assert await refusal(attempts, at=THERE) == 60 * MINUTES

    @pytest.mark.slow
    async def test_an_address_tries_a_hundred_times_whatever_accounts(
        self, attempts: SqlLoginThrottle
    ) -> None:
        for account in range(100):
            await attempts.record(f"{account}@a.org", HERE)
        await refusal(attempts, "another@a.org")

    async def test_success_does_not_count_an_address_anew(self, attempts: SqlLoginThrottle) -> None:
        """Or else somebody with an account could log in to it after every few guesses."""
        for account in range(100):
            await attempts.record(f"{account}@a.org", HERE)
        await attempts.reset("99@a.org", HERE)
        await refusal(attempts, "another@a.org")

    @pytest.mark.parametrize(
        ("one", "other"), [("2001:db8::1", "2001:db8::ffff:1"), ("::ffff:192.0.2.1", "192.0.2.1")]
    )
    async def test_addresses_of_one_network_are_one(
        self, attempts: SqlLoginThrottle, one: str, other: str
    ) -> None:
        await try_often(attempts, 10, at=one)
        await refusal(attempts, at=other)

    async def test_networks_are_told_apart(self, attempts: SqlLoginThrottle) -> None:
        await try_often(attempts, 10, at="2001:db8::1")
        await attempts.record("jake@a.org", "2001:db8:0:1::1")

    async def test_attempts_at_the_same_moment_count_too(self, attempts: SqlLoginThrottle) -> None:
        tried = [attempts.record("jake@a.org", HERE) for _ in range(30)]
        results = await asyncio.gather(*tried, return_exceptions=True)
        assert Counter(type(result) for result in results) == {type(None): 10, TooManyLoginAttempts: 20}


class TestStorage:
    async def test_what_is_counted_is_known_to_the_next_process(
        self, users: UsersContainer, attempts: SqlLoginThrottle, clock: FakeClock
    ) -> None:
        await try_often(attempts, 10)
        await refusal(SqlLoginThrottle(users.database(), clock, UsersSettings()))

    async def test_what_is_over_is_removed_and_no_address_is_kept(
        self, users: UsersContainer, attempts: SqlLoginThrottle, clock: FakeClock
    ) -> None:
        for account in range(5):
            await attempts.record(f"{account}@a.org", HERE)
        clock.at += timedelta(hours=2)
        await attempts.record("jake@a.org", HERE)
        async with users.database().snapshot() as session:
            assert await session.scalar(select(func.count()).select_from(LoginAttemptRow)) == 3
            keys = "".join(await session.scalars(select(LoginAttemptRow.key)))
        assert "jake" not in keys
        assert HERE not in keys

    async def test_who_is_refused_writes_nothing(
        self, users: UsersContainer, attempts: SqlLoginThrottle
    ) -> None:
        await try_often(attempts, 10)
        before = users.database().data_version()
        await refusal(attempts)
        assert users.database().data_version() == before


class TestLogin:
    async def test_guessing_ends_with_429_and_when_to_come_back_whether_the_account_exists_or_not(
        self, api: Api
    ) -> None:
        await api.as_user("jake").token()
        refused = []
        for email in ("jake@example.com", "nobody@example.com"):
            guesses = [await log_in(api, email, "wrong horse battery") for _ in range(11)]
            assert [answer.status_code for answer in guesses] == [401] * 10 + [429]
            refused.append(guesses[-1])
        for answer in refused:
            assert 0 < int(answer.headers["Retry-After"]) <= 15 * MINUTES
            assert answer.json() == {"errors": {"credentials": ["too many login attempts, try again later"]}}
        # Nor does the right password help: it might be the next guess.
        assert (await log_in(api, "jake@example.com", PASSWORD)).status_code == 429

    async def test_those_who_log_in_are_not_in_the_way_of_themselves(self, api: Api) -> None:
        await api.as_user("jake").token()
        answers = [await log_in(api, "jake@example.com", PASSWORD) for _ in range(15)]
        assert {answer.status_code for answer in answers} == {200}

    async def test_a_header_that_anybody_can_send_makes_no_other_address(
        self, api: Api, application: FastAPI
    ) -> None:
        """OWASP: `X-Forwarded-For` is believed of a trusted proxy only, which the server sees to."""
        transport = ASGITransport(application, client=(THERE, 1))
        async with AsyncClient(transport=transport, base_url="http://conduit.test") as client:
            body = {"user": {"email": "jake@example.com", "password": "wrong horse battery"}}
            answers = [
                await client.post(
                    "/api/users/login", json=body, headers={"X-Forwarded-For": f"192.0.2.{number}"}
                )
                for number in range(11)
            ]
        assert answers[-1].status_code == 429
        assert (await log_in(api, "jake@example.com", "wrong")).status_code == 401


async def log_in(api: Api, email: str, password: str) -> Response:
    return await api.post("/users/login", {"user": {"email": email, "password": password}})


class TestSettings:
    def test_a_limit_is_said_in_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_LOGIN_LIMIT", "3 per minute")
        assert load_settings(UsersSettings).login_limit == "3 per minute"

    def test_what_is_no_limit_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_LOGIN_LIMIT_PER_ADDRESS", "seldom")
        with pytest.raises(SettingsError, match="CONDUIT_LOGIN_LIMIT_PER_ADDRESS: "):
            load_settings(UsersSettings)
