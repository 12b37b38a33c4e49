"""The site is read-only for maintenance: writes are refused in every process, and reads go on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from conduit_app.application import create_application
from conduit_app.commands import maintenance as maintenance_command
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.kernel.infrastructure import maintenance
from tests.app.test_operator_commands import conduit, done
from tests.client import PASSWORD, Api
from tests.conftest import composed

REFUSED = {"errors": {"site": ["is read-only for maintenance"]}}


@pytest.fixture
async def serving(settings: Settings) -> AsyncIterator[tuple[Composition, Api]]:
    """Return an application of its own, which other tests do not use while it refuses writes."""
    async with composed(settings) as composition:
        yield composition, Api(create_application(settings, composition))


async def test_writes_are_refused_and_reads_go_on(
    serving: tuple[Composition, Api], settings: Settings
) -> None:
    composition, api = serving
    anna = api.as_user("anna")
    await anna.publish("Dragons")
    await composition.maintenance.begin(timedelta(minutes=5))
    await composition.maintenance.refresh()
    for method, path, body in (
        ("POST", "/articles", {"article": {"title": "t", "description": "d", "body": "b"}}),
        ("POST", "/articles/dragons/favorite", None),
        ("DELETE", "/articles/dragons", None),
        ("PUT", "/user", {"user": {"bio": "b"}}),
        ("POST", "/users/login", {"user": {"email": "anna@example.com", "password": PASSWORD}}),
    ):
        response = await anna.request(method, path, json=body)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "300"), path
        assert response.json() == REFUSED
    for path in ("/articles", "/articles/dragons", "/user", "/articles/feed", "/tags"):
        assert (await anna.get(path)).status_code == 200
    assert (await api.outside("GET", "/health/ready")).status_code == 200
    # Commands write.
    await done(settings, "articles", "delete", "dragons")
    await composition.maintenance.end()
    await composition.maintenance.refresh()
    await anna.publish("Unicorns")


async def test_process_notices_it_and_its_end_by_itself(
    serving: tuple[Composition, Api], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance_command, "POLL_SECONDS", 0)
    monkeypatch.setattr(maintenance, "POLL_SECONDS", 0.01)
    composition, _ = serving
    watching = asyncio.create_task(composition.maintenance.watch())
    for command, status, is_read_only in (("on", "on since ", True), ("off", "off", False)):
        await done(settings, "maintenance", command)
        assert (await done(settings, "maintenance", "status")).startswith(status)
        async with asyncio.timeout(10):
            while composition.database.is_read_only != is_read_only:
                await composition.maintenance.state()
    watching.cancel()


async def test_time_to_retry_is_changed_while_it_lasts(serving: tuple[Composition, Api]) -> None:
    composition, _ = serving
    for minutes in (1, 2):
        await composition.maintenance.begin(timedelta(minutes=minutes))
    state = await composition.maintenance.state()
    assert state is not None
    assert state.retry_after == timedelta(minutes=2)
    await composition.maintenance.end()
    assert await composition.maintenance.state() is None


async def test_invalid_time_to_retry_is_rejected(settings: Settings) -> None:
    assert (await conduit(settings, "maintenance", "on", "--retry-after", "0")).exit_code == 2
