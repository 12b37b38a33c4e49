"""Feeds among the modules of Conduit, on a real database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from sqlalchemy import event

from conduit_app.application import create_application
from conduit_app.composition import SharedServices, compose, resolve_order
from conduit_app.discovery import in_tree
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings
from conduit_devtools.testkit import IN_MEMORY
from conduit_feeds.module import MODULE
from modules.kernel.infrastructure.persistence.database import Database


@dataclass
class House:
    """Conduit with feeds installed, and jake, who writes."""

    client: httpx2.AsyncClient
    database: Database
    headers: dict[str, str]

    async def publish(self, number: int) -> None:
        """Let jake publish an article."""
        article = {"title": f"Dragons {number}", "description": "Fire", "body": "*Hot*", "tagList": ["fire"]}
        answer = await self.client.post("/api/articles", json={"article": article}, headers=self.headers)
        assert answer.status_code == 201, answer.text

    async def feed(self, query: str = "") -> list[dict[str, Any]]:
        """Return the items of a JSON Feed."""
        answer = await self.client.get(f"/api/feeds/json{query}")
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture
async def house() -> AsyncIterator[House]:
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
        answer = await client.post("/api/users", json={"user": user})
        yield House(client, database, headers={"Authorization": f"Token {answer.json()['user']['token']}"})
    await database.dispose()


async def test_an_item_is_the_same_article_under_another_title(house: House) -> None:
    await house.publish(1)
    [before] = await house.feed()
    changes = {"article": {"title": "Wyverns"}}
    answer = await house.client.put("/api/articles/dragons-1", json=changes, headers=house.headers)
    assert answer.status_code == 200
    [after] = await house.feed("?author=jake&tag=fire")
    assert (after["id"], after["date_published"]) == (before["id"], before["date_published"])
    assert (before["url"][-18:], after["url"][-16:]) == ("/article/dragons-1", "/article/wyverns")
    assert after["date_modified"] > before["date_modified"]


async def test_a_feed_takes_as_many_statements_for_twenty_articles_as_for_one(house: House) -> None:
    statements: list[str] = []
    event.listen(
        house.database.engines[0].sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )

    async def counted() -> list[tuple[int, int]]:
        counts = []
        for query in ("", "?tag=fire", "?author=jake"):
            statements.clear()
            counts.append((len(await house.feed(query)), len(statements)))
        return counts

    await house.publish(0)
    one = await counted()
    for number in range(1, 20):
        await house.publish(number)
    assert await counted() == [(20, number) for _, number in one]
    # For an author: who that is, and how they write their name.
    assert one == [(1, 3), (1, 3), (1, 6)]
