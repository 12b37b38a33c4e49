"""The rate limit of registrations (OWASP API4:2023)."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from conduit_app.settings import Settings, SettingsError, load_settings
from modules.kernel.fakes import FakeClock
from modules.users.container import UsersContainer
from modules.users.domain.registration_throttle import TooManyRegistrations
from modules.users.infrastructure.registration_throttle import SqlRegistrationThrottle
from modules.users.infrastructure.settings import UsersSettings
from tests.client import PASSWORD

HERE, THERE = "192.0.2.1", "198.51.100.1"


@pytest.fixture
def settings(dedicated_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of an application that allows two registrations an hour."""
    monkeypatch.setenv("CONDUIT_REGISTRATION_LIMIT_PER_ADDRESS", "2 per hour")
    return dedicated_settings


async def register(application: FastAPI, name: str, address: str = HERE) -> Response:
    transport = ASGITransport(application, client=(address, 1))
    async with AsyncClient(transport=transport, base_url="http://conduit.test") as client:
        user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        return await client.post("/api/users", json={"user": user})


async def test_registrations_of_an_address_are_limited(application: FastAPI) -> None:
    # A registration that is rejected because the name is taken counts too.
    responses = [await register(application, name) for name in ("jake", "jake", "anna")]
    assert [response.status_code for response in responses] == [201, 409, 429]
    rejected = responses[-1]
    assert 0 < int(rejected.headers["Retry-After"]) <= 3_600
    assert rejected.json() == {
        "errors": {"registration": ["too many registrations from your address, try again later"]}
    }
    assert (await register(application, "anna", THERE)).status_code == 201


class TestThrottle:
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def throttle(self, users: UsersContainer, clock: FakeClock) -> SqlRegistrationThrottle:
        return SqlRegistrationThrottle(users.database(), clock, UsersSettings())

    async def test_window_ends(self, throttle: SqlRegistrationThrottle, clock: FakeClock) -> None:
        await allowed(throttle, HERE, HERE)
        with pytest.raises(TooManyRegistrations) as error:
            await throttle.record(HERE)
        clock.at += timedelta(seconds=error.value.retry_after_seconds)
        await throttle.record(HERE)

    async def test_wider_networks_are_limited(self, throttle: SqlRegistrationThrottle) -> None:
        """A /56 may send twice, and a /48 four times the requests of one address."""
        await allowed(throttle, *(f"2001:db8:0:{link}::1" for link in range(4)))
        with pytest.raises(TooManyRegistrations):
            await throttle.record("2001:db8:0:4::1")
        await allowed(throttle, *(f"2001:db8:0:{link}00::1" for link in range(1, 5)))
        with pytest.raises(TooManyRegistrations):
            await throttle.record("2001:db8:0:500::1")
        await throttle.record("2001:db8:1::1")


async def allowed(throttle: SqlRegistrationThrottle, *addresses: str) -> None:
    for address in addresses:
        await throttle.record(address)


def test_malformed_limit_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUIT_REGISTRATION_LIMIT_PER_ADDRESS", "seldom")
    with pytest.raises(SettingsError, match="CONDUIT_REGISTRATION_LIMIT_PER_ADDRESS: "):
        load_settings(UsersSettings)
