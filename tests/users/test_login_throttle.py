"""Login rate limits (OWASP API2:2023, ASVS 5.0 V6.3, NIST SP 800-63B 5.2.2)."""

import asyncio
from collections import Counter
from datetime import timedelta
from ipaddress import IPv6Network

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response
from sqlalchemy import func, select

from conduit_app.settings import SettingsError, load_settings
from modules.kernel.fakes import FakeClock
from modules.users.container import UsersContainer
from modules.users.domain.login_throttle import TooManyLoginAttempts
from modules.users.infrastructure.limit_storage import SqlLimitStorage
from modules.users.infrastructure.login_throttle import SqlLoginThrottle
from modules.users.infrastructure.settings import UsersSettings
from modules.users.infrastructure.tables import LoginAttemptRow
from tests.client import PASSWORD, Api
from tests.conftest import SECRET

HERE, THERE = "192.0.2.1", "198.51.100.1"
MINUTES = 60


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def throttle(users: UsersContainer, clock: FakeClock) -> SqlLoginThrottle:
    return SqlLoginThrottle(users.database(), clock, UsersSettings(), [SECRET])


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

    async def test_success_resets_the_counter(self, throttle: SqlLoginThrottle) -> None:
        await record(throttle, 10)
        await throttle.record_success("jake@a.org", HERE)
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
        await throttle.record_success("99@a.org", HERE)
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

    @pytest.mark.parametrize(("bits", "allowed"), [(56, 25), (48, 50)])
    async def test_wider_network_cannot_exhaust_the_attempts_on_an_account(
        self, throttle: SqlLoginThrottle, bits: int, allowed: int
    ) -> None:
        """An attacker with ten /64 networks of one site would lock the owner out."""
        links = list(IPv6Network(f"2001:db8::/{bits}").subnets(new_prefix=64))
        ten = links[:: len(links) // 10][:10]
        blocked = [await is_blocked(throttle, str(link[1])) for link in ten for _ in range(10)]
        assert blocked == [False] * allowed + [True] * (100 - allowed)
        await throttle.record("jake@a.org", "2001:db8:1::1")
        await throttle.record("jake@a.org", THERE)

    async def test_wider_networks_are_limited_on_all_accounts(
        self, users: UsersContainer, clock: FakeClock
    ) -> None:
        """A /56 may make twice, and a /48 four times the attempts of one address."""
        settings = UsersSettings(login_limit_per_address="2 per 15 minutes")
        throttle = SqlLoginThrottle(users.database(), clock, settings, [SECRET])
        household = [f"2001:db8:0:{link}::1" for link in range(5)]
        site = [f"2001:db8:0:{link}00::1" for link in range(1, 6)]
        blocked = [
            await is_blocked(throttle, address, f"{number}@a.org")
            for number, address in enumerate([*household, *site])
        ]
        assert blocked == [False] * 4 + [True] + [False] * 4 + [True]


async def is_blocked(throttle: SqlLoginThrottle, at: str, email: str = "jake@a.org") -> bool:
    """Record an attempt, and return whether it is blocked."""
    try:
        await throttle.record(email, at)
    except TooManyLoginAttempts:
        return True
    return False


class TestKnownNetworks:
    """An attacker with many addresses would lock the owner out everywhere, hour by hour."""

    async def test_exhausted_account_is_blocked_except_for_networks_of_earlier_logins(
        self, throttle: SqlLoginThrottle
    ) -> None:
        await throttle.record_success("jake@a.org", HERE)
        await exhaust(throttle)
        await retry_after(throttle, at=THERE)
        await record(throttle, 10)
        # Its own limit still applies.
        assert await retry_after(throttle) == 15 * MINUTES

    async def test_network_is_known_for_its_account_only(self, throttle: SqlLoginThrottle) -> None:
        await throttle.record_success("anna@a.org", HERE)
        await exhaust(throttle)
        await retry_after(throttle)

    async def test_neighbors_in_a_wider_network_do_not_block_a_known_network(
        self, throttle: SqlLoginThrottle
    ) -> None:
        await throttle.record_success("jake@a.org", "2001:db8::1")
        for link in range(1, 6):
            await record(throttle, 5, at=f"2001:db8:0:{link}::1")
        await retry_after(throttle, at="2001:db8:0:9::1")
        await record(throttle, 10, at="2001:db8::1")

    async def test_login_from_a_known_network_gives_an_attacker_no_new_attempts(
        self, throttle: SqlLoginThrottle
    ) -> None:
        await throttle.record_success("jake@a.org", HERE)
        await exhaust(throttle)
        await throttle.record("jake@a.org", HERE)
        await throttle.record_success("jake@a.org", HERE)
        await retry_after(throttle, at=THERE)

    async def test_network_is_known_for_90_days_after_the_last_login(
        self, throttle: SqlLoginThrottle, clock: FakeClock
    ) -> None:
        await throttle.record_success("jake@a.org", HERE)
        clock.at += timedelta(days=60)
        await throttle.record_success("jake@a.org", HERE)
        clock.at += timedelta(days=89)
        await exhaust(throttle)
        await throttle.record("jake@a.org", HERE)
        clock.at += timedelta(days=2)
        await exhaust(throttle)
        await retry_after(throttle)

    async def test_latest_ten_networks_of_an_account_are_known(
        self, throttle: SqlLoginThrottle, clock: FakeClock
    ) -> None:
        await throttle.record_success("anna@a.org", HERE)
        for number in range(11):
            clock.at += timedelta(minutes=1)
            await throttle.record_success("jake@a.org", f"192.0.2.{number}")
        await exhaust(throttle)
        blocked = [await is_blocked(throttle, f"192.0.2.{number}") for number in range(11)]
        assert blocked == [True] + [False] * 10
        await exhaust(throttle, "anna@a.org")
        assert not await is_blocked(throttle, HERE, "anna@a.org")

    async def test_deleted_account_has_no_known_networks(self, users: UsersContainer, api: Api) -> None:
        await api.as_user("jake").token()
        assert (await log_in(api, "jake@example.com", PASSWORD)).is_success
        assert await known_networks(users) != []
        body = {"user": {"password": PASSWORD}}
        assert (await api.as_user("jake").delete("/user", json=body)).status_code == 204
        assert await known_networks(users) == []

    async def test_stored_digests_need_the_secret_key(self, users: UsersContainer, clock: FakeClock) -> None:
        """There are so few IPv4 addresses that one could try them all."""
        for secret in ("a", "b"):
            throttle = SqlLoginThrottle(users.database(), clock, UsersSettings(), [secret])
            await throttle.record_success("jake@a.org", HERE)
        first, second = await known_networks(users)
        assert first != second


async def exhaust(throttle: SqlLoginThrottle, email: str = "jake@a.org") -> None:
    """Record attempts from many addresses until the account is blocked."""
    number = 0
    while not await is_blocked(throttle, f"198.18.{number // 100}.{number % 100}", email):
        number += 1
    assert number == 100


async def known_networks(users: UsersContainer) -> list[str]:
    """Return the keys of all known networks."""
    statement = select(LoginAttemptRow.key).where(LoginAttemptRow.key.startswith("known"))
    async with users.database().snapshot() as session:
        return list(await session.scalars(statement))


class TestStorage:
    async def test_counters_are_shared_by_processes(
        self, users: UsersContainer, throttle: SqlLoginThrottle, clock: FakeClock
    ) -> None:
        await record(throttle, 10)
        await retry_after(SqlLoginThrottle(users.database(), clock, UsersSettings(), [SECRET]))

    async def test_expired_counters_are_deleted_and_addresses_are_not_stored(
        self, users: UsersContainer, throttle: SqlLoginThrottle, clock: FakeClock
    ) -> None:
        for account in range(5):
            await throttle.record(f"{account}@a.org", HERE)
        clock.at += timedelta(hours=2)
        await throttle.record("jake@a.org", HERE)
        assert await SqlLimitStorage(users.database(), clock).delete_expired() is False
        async with users.database().snapshot() as session:
            assert await session.scalar(select(func.count()).select_from(LoginAttemptRow)) == 3
            keys = "".join(await session.scalars(select(LoginAttemptRow.key)))
        assert "jake" not in keys
        assert HERE not in keys

    # On PostgreSQL a row lock changes the data version.
    @pytest.mark.parametrize("app_instance", ["sqlite"], indirect=True)
    async def test_blocked_attempt_writes_nothing(
        self, users: UsersContainer, throttle: SqlLoginThrottle
    ) -> None:
        await record(throttle, 10)
        before = await users.database().data_version()
        await retry_after(throttle)
        assert await users.database().data_version() == before


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

    async def test_owner_can_log_in_where_they_did_before_while_others_guess(
        self, api: Api, application: FastAPI
    ) -> None:
        await api.as_user("jake").token()
        assert (await log_in(api, "jake@example.com", PASSWORD)).is_success
        guesses = [
            await log_in_from(application, f"198.18.{number}.1", "wrong horse battery")
            for number in range(10)
            for _ in range(10)
        ]
        assert {guess.status_code for guess in guesses} == {401}
        assert (await log_in_from(application, THERE, PASSWORD)).status_code == 429
        assert (await log_in(api, "jake@example.com", PASSWORD)).is_success

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


async def log_in_from(application: FastAPI, address: str, password: str) -> Response:
    transport = ASGITransport(application, client=(address, 1))
    async with AsyncClient(transport=transport, base_url="http://conduit.test") as client:
        body = {"user": {"email": "jake@example.com", "password": password}}
        return await client.post("/api/users/login", json=body)


class TestSettings:
    def test_limit_is_read_as_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_LOGIN_LIMIT", "3 per minute")
        assert load_settings(UsersSettings).login_limit == "3 per minute"

    def test_malformed_limit_is_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_LOGIN_LIMIT_PER_ADDRESS", "seldom")
        with pytest.raises(SettingsError, match="CONDUIT_LOGIN_LIMIT_PER_ADDRESS: "):
            load_settings(UsersSettings)
