"""Login rate limits (OWASP API2:2023, ASVS 5.0 V6.3, NIST SP 800-63B 5.2.2)."""

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
def throttle(users: UsersContainer, clock: FakeClock) -> SqlLoginThrottle:
    return SqlLoginThrottle(users.database(), clock, UsersSettings())


async def record(throttle: SqlLoginThrottle, count: int, email: str = "jake@a.org", at: str = HERE) -> None:
    for _ in range(count):
        await throttle.record(email, at)


async def retry_after(throttle: SqlLoginThrottle, email: str = "jake@a.org", at: str = HERE) -> int:
    """Record an attempt that is blocked, and return the seconds until a retry is allowed."""
    with pytest.raises(TooManyLoginAttempts) as error:
        await throttle.record(email, at)
    return error.value.retry_after_seconds


class TestAccountAndAddressLimit:
    async def test_eleventh_attempt_is_blocked(self, throttle: SqlLoginThrottle) -> None:
        await record(throttle, 10)
        assert await retry_after(throttle) == 15 * MINUTES

    async def test_attempts_are_allowed_again_after_the_window(
        self, throttle: SqlLoginThrottle, clock: FakeClock
    ) -> None:
        await record(throttle, 10)
        clock.at += timedelta(minutes=5)
        # Further attempts do not extend the window.
        assert [await retry_after(throttle) for _ in range(3)] == [10 * MINUTES] * 3
        clock.at += timedelta(minutes=10)
        await record(throttle, 10)

    async def test_another_address_is_allowed(self, throttle: SqlLoginThrottle) -> None:
        await record(throttle, 10)
        await throttle.record("jake@a.org", THERE)

    async def test_another_account_is_allowed(self, throttle: SqlLoginThrottle) -> None:
        await record(throttle, 10)
        await throttle.record("anna@a.org", HERE)

    async def test_reset_clears_the_counter(self, throttle: SqlLoginThrottle) -> None:
        await record(throttle, 10)
        await throttle.reset("jake@a.org", HERE)
        await record(throttle, 10)

    async def test_spellings_of_an_email_share_the_counter(self, throttle: SqlLoginThrottle) -> None:
        await record(throttle, 10)
        await retry_after(throttle, " JAKE@A.org ")


class TestAccountAndAddressTotals:
    @pytest.mark.slow
    async def test_account_is_limited_to_100_attempts_an_hour_from_all_addresses(
        self, throttle: SqlLoginThrottle
    ) -> None:
        for network in range(10):
            await record(throttle, 10, at=f"192.0.2.{network}")
        assert await retry_after(throttle, at=THERE) == 60 * MINUTES

    async def test_address_is_limited_to_100_attempts_on_all_accounts_and_not_reset(
        self, throttle: SqlLoginThrottle
    ) -> None:
        """A reset would let an attacker log in to an account of their own between guesses."""
        for account in range(100):
            await throttle.record(f"{account}@a.org", HERE)
        await throttle.reset("99@a.org", HERE)
        await retry_after(throttle, "another@a.org")

    @pytest.mark.parametrize(
        ("address", "same_network"), [("2001:db8::1", "2001:db8::ffff:1"), ("::ffff:192.0.2.1", "192.0.2.1")]
    )
    async def test_addresses_of_a_network_share_the_counter(
        self, throttle: SqlLoginThrottle, address: str, same_network: str
    ) -> None:
        await record(throttle, 10, at=address)
        await retry_after(throttle, at=same_network)

    async def test_networks_have_separate_counters(self, throttle: SqlLoginThrottle) -> None:
        await record(throttle, 10, at="2001:db8::1")
        await throttle.record("jake@a.org", "2001:db8:0:1::1")

    async def test_concurrent_attempts_are_counted(self, throttle: SqlLoginThrottle) -> None:
        attempts = [throttle.record("jake@a.org", HERE) for _ in range(30)]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        assert Counter(type(result) for result in results) == {type(None): 10, TooManyLoginAttempts: 20}


class TestStorage:
    async def test_counters_are_shared_by_processes(
        self, users: UsersContainer, throttle: SqlLoginThrottle, clock: FakeClock
    ) -> None:
        await record(throttle, 10)
        await retry_after(SqlLoginThrottle(users.database(), clock, UsersSettings()))

    async def test_expired_counters_are_deleted_and_addresses_are_not_stored(
        self, users: UsersContainer, throttle: SqlLoginThrottle, clock: FakeClock
    ) -> None:
        for account in range(5):
            await throttle.record(f"{account}@a.org", HERE)
        clock.at += timedelta(hours=2)
        await throttle.record("jake@a.org", HERE)
        async with users.database().snapshot() as session:
            assert await session.scalar(select(func.count()).select_from(LoginAttemptRow)) == 3
            keys = "".join(await session.scalars(select(LoginAttemptRow.key)))
        assert "jake" not in keys
        assert HERE not in keys

    async def test_blocked_attempt_writes_nothing(
        self, users: UsersContainer, throttle: SqlLoginThrottle
    ) -> None:
        await record(throttle, 10)
        before = users.database().data_version()
        await retry_after(throttle)
        assert users.database().data_version() == before


class TestLogin:
    async def test_rate_limit_does_not_reveal_whether_the_account_exists(self, api: Api) -> None:
        await api.as_user("jake").token()
        rejected = []
        for email in ("jake@example.com", "nobody@example.com"):
            guesses = [await log_in(api, email, "wrong horse battery") for _ in range(11)]
            assert [response.status_code for response in guesses] == [401] * 10 + [429]
            rejected.append(guesses[-1])
        for response in rejected:
            assert 0 < int(response.headers["Retry-After"]) <= 15 * MINUTES
            assert response.json() == {
                "errors": {"credentials": ["too many login attempts, try again later"]}
            }
        # The correct password is rejected too: it might be a guess.
        assert (await log_in(api, "jake@example.com", PASSWORD)).status_code == 429

    async def test_forwarded_header_of_a_client_is_ignored(self, api: Api, application: FastAPI) -> None:
        """Only the server may apply `X-Forwarded-For`, and only of a trusted proxy (OWASP)."""
        transport = ASGITransport(application, client=(THERE, 1))
        async with AsyncClient(transport=transport, base_url="http://conduit.test") as client:
            body = {"user": {"email": "jake@example.com", "password": "wrong horse battery"}}
            responses = [
                await client.post(
                    "/api/users/login", json=body, headers={"X-Forwarded-For": f"192.0.2.{number}"}
                )
                for number in range(11)
            ]
        assert responses[-1].status_code == 429
        assert (await log_in(api, "jake@example.com", "wrong")).status_code == 401


async def log_in(api: Api, email: str, password: str) -> Response:
    return await api.post("/users/login", {"user": {"email": email, "password": password}})


class TestSettings:
    def test_limit_is_read_as_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_LOGIN_LIMIT", "3 per minute")
        assert load_settings(UsersSettings).login_limit == "3 per minute"

    def test_malformed_limit_is_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_LOGIN_LIMIT_PER_ADDRESS", "seldom")
        with pytest.raises(SettingsError, match="CONDUIT_LOGIN_LIMIT_PER_ADDRESS: "):
            load_settings(UsersSettings)
