"""Feeds among the modules of Conduit, on a real database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from conduit_app.application import create_application
from conduit_app.composition import SharedServices, compose, resolve_order
from conduit_app.discovery import in_tree
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings
from conduit_devtools.testkit import IN_MEMORY
from conduit_feeds.module import MODULE
from modules.kernel.fakes import StatementRecorder
from modules.kernel.infrastructure.persistence.database import Database


@dataclass
class Installation:
    """Conduit with feeds installed, and the author jake."""

    client: httpx2.AsyncClient
    database: Database
    headers: dict[str, str]

    async def publish(self, number: int) -> None:
        """Publish an article as jake."""
        article = {"title": f"Dragons {number}", "description": "Fire", "body": "*Hot*", "tagList": ["fire"]}
        response = await self.client.post("/api/articles", json={"article": article}, headers=self.headers)
        assert response.status_code == 201, response.text

    async def feed(self, query: str = "") -> list[dict[str, Any]]:
        """Return the items of a JSON Feed."""
        response = await self.client.get(f"/api/feeds/json{query}")
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["items"]
        return items


@pytest.fixture
async def conduit() -> AsyncIterator[Installation]:
    database = Database(IN_MEMORY)
    composition = compose(
        resolve_order([*in_tree(), MODULE]),
        SharedServices(database, ("secret of a test that is as long as it must be",)),
    )
    await migrate(database, composition.migratable)
    application = create_application(Settings.model_construct(log_level="warning"), composition)
    transport = httpx2.ASGITransport(application, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        user = {"username": "jake", "email": "jake@example.com", "password": "correct horse battery"}
        response = await client.post("/api/users", json={"user": user})
        yield Installation(
            client, database, headers={"Authorization": f"Token {response.json()['user']['token']}"}
        )
    await database.dispose()


async def test_item_id_does_not_change_with_the_title(conduit: Installation) -> None:
    await conduit.publish(1)
    [before] = await conduit.feed()
    changes = {"article": {"title": "Wyverns"}}
    response = await conduit.client.put("/api/articles/dragons-1", json=changes, headers=conduit.headers)
    assert response.status_code == 200
    [after] = await conduit.feed("?author=jake&tag=fire")
    assert (after["id"], after["date_published"]) == (before["id"], before["date_published"])
    assert (before["url"][-18:], after["url"][-16:]) == ("/article/dragons-1", "/article/wyverns")
    assert after["date_modified"] > before["date_modified"]


async def test_feed_takes_a_constant_number_of_statements(conduit: Installation) -> None:
    recorder = StatementRecorder()
    conduit.database.observers.append(recorder)

    async def measure() -> list[tuple[int, int]]:
        counts = []
        for query in ("", "?tag=fire", "?author=jake"):
            recorder.statements.clear()
            counts.append((len(await conduit.feed(query)), len(recorder.statements)))
        return counts

    await conduit.publish(0)
    for_one = await measure()
    for number in range(1, 20):
        await conduit.publish(number)
    assert await measure() == [(20, number) for _, number in for_one]
    # By author, three more: the author's id, the profile, and its user.
    assert for_one == [(1, 3), (1, 3), (1, 6)]
