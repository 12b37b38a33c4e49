"""Notifications with the real modules, on either engine."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from itertools import count
from typing import Any

import pytest

from conduit_app import discovery
from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.migrations.runner import check_models, downgrade, migrate
from conduit_app.settings import Settings
from modules.kernel.module import Module
from tests.client import Api, Json
from tests.conftest import AppInstance, composed
from tests.plugins.clean_environment import NOTIFICATIONS

TIMEOUT_SECONDS = 20


@pytest.fixture
def plugin(app_instance: AppInstance, monkeypatch: pytest.MonkeyPatch) -> Module:
    """Make the plugin discoverable as if it were installed, and return its manifest.

    After the shared application was created, which must not contain it.
    """
    assert app_instance.composition.messaging.outbox.subscriptions == []
    monkeypatch.syspath_prepend(NOTIFICATIONS)
    entry_point = EntryPoint("notifications", "conduit_notifications.module:MODULE", discovery.ENTRY_POINTS)
    monkeypatch.setattr(
        discovery, "entry_points", lambda group: [entry_point] if group == entry_point.group else []
    )
    manifest: Module = importlib.import_module("conduit_notifications.module").MODULE
    return manifest


@pytest.fixture
async def composition(settings: Settings, plugin: Module) -> AsyncIterator[Composition]:
    """Return Conduit's modules and the plugin on the test database."""
    async with composed(settings) as composition:
        await migrate(composition.database, [plugin])
        yield composition
        await downgrade(composition.database, plugin)


@pytest.fixture
async def dragons(composition: Composition, settings: Settings) -> tuple[Api, Json]:
    """Return a client, and an article by jake that anna has favorited and commented on."""
    api = Api(create_application(settings, composition))
    article = await api.as_user("jake").publish("Dragons")
    await api.as_user("anna").favorite(article)
    await api.as_user("anna").comment(article, "Nice")
    await composition.messaging.dispatcher.drain()
    return api, article


async def notifications(api: Api, name: str) -> list[tuple[str, str]]:
    """Return the kinds and actors of a user's notifications."""
    response = await api.as_user(name).get("/notifications")
    return [(entry["kind"], entry["actor"]["username"]) for entry in response.json()["notifications"]]


async def test_author_is_notified_of_favorites_and_comments(dragons: tuple[Api, Json]) -> None:
    api, _ = dragons
    assert await notifications(api, "jake") == [("comment", "anna"), ("favorite", "anna")]
    assert await notifications(api, "anna") == []
    await api.as_user("jake").post("/notifications/read")
    assert (await api.as_user("jake").get("/notifications")).json()["unreadCount"] == 0


async def test_notifications_are_deleted_with_the_article(dragons: tuple[Api, Json]) -> None:
    api, article = dragons
    await api.as_user("jake").delete(f"/articles/{article['slug']}")
    assert await notifications(api, "jake") == []


async def test_pending_event_of_a_deleted_article_causes_no_notification(
    dragons: tuple[Api, Json], composition: Composition
) -> None:
    api, article = dragons
    await api.as_user("carl").favorite(article)
    await api.as_user("jake").delete(f"/articles/{article['slug']}")
    await composition.messaging.dispatcher.drain()
    assert await notifications(api, "jake") == []
    assert (await composition.messaging.outbox_admin.backlog()).pending == 0


async def test_migrations_match_models(composition: Composition, plugin: Module) -> None:
    await check_models(composition.database, plugin)


async def test_stream_is_woken_by_a_delivery_of_another_process(
    dragons: tuple[Api, Json], composition: Composition, settings: Settings
) -> None:
    api, article = dragons
    container: Any = composition.containers["notifications"]
    jake = (await container.profiles().by_username({"jake"}))["jake"]
    relay = asyncio.create_task(composition.messaging.signals.relay())
    async with composed(settings) as other:
        with container.streams().subscribe(jake) as subscription:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                # The existing notifications wake it first.
                await subscription.wait(limit=TIMEOUT_SECONDS)
                woken = asyncio.create_task(subscription.wait(limit=TIMEOUT_SECONDS))
                # Repeated, because there is no sign of when this process has started to listen.
                for reader in map("reader{}".format, count(1)):
                    await api.as_user(reader).favorite(article)
                    await other.messaging.dispatcher.drain()
                    done, _ = await asyncio.wait([woken], timeout=0.3)
                    if done:
                        break
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
