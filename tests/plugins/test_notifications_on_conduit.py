"""Notifications on the real modules that they hear of, on either engine."""

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
    """Let the plugin be found as if it were installed; return its manifest.

    That is after the application was made that others use, too.
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
    """Return Conduit's modules and the plugin, on the database of the test."""
    async with composed(settings) as composition:
        await migrate(composition.database, [plugin])
        yield composition
        await downgrade(composition.database, plugin)


@pytest.fixture
async def dragons(composition: Composition, settings: Settings) -> tuple[Api, Json]:
    """Return Conduit as callers see it, with an article of jake's that anna favorites and comments on."""
    api = Api(create_application(settings, composition))
    article = await api.as_user("jake").publish("Dragons")
    await api.as_user("anna").favorite(article)
    await api.as_user("anna").comment(article, "Nice")
    await composition.messaging.dispatcher.drain()
    return api, article


async def told(api: Api, name: str) -> list[tuple[str, str]]:
    """Return the kinds and actors of what a user is notified of."""
    answer = await api.as_user(name).get("/notifications")
    return [(one["kind"], one["actor"]["username"]) for one in answer.json()["notifications"]]


async def test_what_others_do_is_told_to_the_author(dragons: tuple[Api, Json]) -> None:
    api, _ = dragons
    assert await told(api, "jake") == [("comment", "anna"), ("favorite", "anna")]
    assert await told(api, "anna") == []
    await api.as_user("jake").post("/notifications/read")
    assert (await api.as_user("jake").get("/notifications")).json()["unreadCount"] == 0


async def test_it_goes_with_the_article(dragons: tuple[Api, Json]) -> None:
    api, article = dragons
    await api.as_user("jake").delete(f"/articles/{article['slug']}")
    assert await told(api, "jake") == []


async def test_what_was_on_its_way_when_the_article_was_deleted_is_not_told(
    dragons: tuple[Api, Json], composition: Composition
) -> None:
    api, article = dragons
    await api.as_user("carl").favorite(article)
    await api.as_user("jake").delete(f"/articles/{article['slug']}")
    await composition.messaging.dispatcher.drain()
    assert await told(api, "jake") == []
    assert (await composition.messaging.outbox_admin.backlog()).waiting == 0


async def test_its_migrations_make_what_its_models_say(composition: Composition, plugin: Module) -> None:
    await check_models(composition.database, plugin)


async def test_a_stream_is_woken_by_what_another_process_delivers(
    dragons: tuple[Api, Json], composition: Composition, settings: Settings
) -> None:
    api, article = dragons
    container: Any = composition.containers["notifications"]
    jake = (await container.profiles().by_username({"jake"}))["jake"]
    relay = asyncio.create_task(composition.messaging.signals.relay())
    async with composed(settings) as elsewhere:
        with container.arrivals().following(jake) as follower:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                # What is there already wakes it first.
                await follower.wait(limit=TIMEOUT_SECONDS)
                woken = asyncio.create_task(follower.wait(limit=TIMEOUT_SECONDS))
                # Until it is heard: nobody knows when this process has begun to listen.
                for reader in map("reader{}".format, count(1)):
                    await api.as_user(reader).favorite(article)
                    await elsewhere.messaging.dispatcher.drain()
                    done, _ = await asyncio.wait([woken], timeout=0.3)
                    if done:
                        break
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
