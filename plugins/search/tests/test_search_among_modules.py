"""Search among the modules of Conduit, on a real database: what they tell is what it hears."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from conduit_app.application import create_application
from conduit_app.composition import Composition, SharedServices, compose, resolve_order
from conduit_app.discovery import in_tree
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings
from conduit_search.module import MODULE
from modules.kernel.infrastructure.persistence.database import Database

PASSWORD = "correct horse battery"


@dataclass
class House:
    """Conduit with search installed, and jake, who is logged in."""

    client: httpx2.AsyncClient
    composition: Composition

    async def do(self, method: str, path: str, body: Mapping[str, object] | None = None) -> None:
        """Do something as jake, and let it be told."""
        answer = await self.client.request(method, f"/api{path}", json=body)
        assert answer.is_success, answer.text
        await self.composition.messaging.dispatcher.drain()

    async def found(self, q: str) -> Sequence[str]:
        """Return the slugs that are found, which are all that are counted."""
        body = (await self.client.get("/api/search", params={"q": q})).json()
        slugs = [article["slug"] for article in body["articles"]]
        assert body["articlesCount"] == len(slugs)
        return slugs


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/conduit.db", synchronous="NORMAL")
    shared = SharedServices(database, ("secret of a test that is as long as it must be",))
    composition = compose(resolve_order([*in_tree(), MODULE]), shared)
    await migrate(database, composition.migratable)
    application = create_application(Settings.model_construct(log_level="warning"), composition)
    transport = httpx2.ASGITransport(application, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        user = {"username": "jake", "email": "jake@example.com", "password": PASSWORD}
        answer = await client.post("/api/users", json={"user": user})
        client.headers["Authorization"] = f"Token {answer.json()['user']['token']}"
        yield House(client, composition)
    await database.dispose()


async def test_the_index_follows_an_article_through_its_life(house: House) -> None:
    article = {"title": "Dragons", "description": "Fire", "body": "They fly.", "tagList": ["myth"]}
    await house.do("POST", "/articles", {"article": article})
    assert await house.found("dragons fire fly myth jake") == ["dragons"]
    await house.do("PUT", "/articles/dragons", {"article": {"title": "Wyverns", "tagList": []}})
    assert (await house.found("wyverns fly"), await house.found("myth")) == (["wyverns"], [])
    await house.do("PUT", "/user", {"user": {"username": "jacob"}})
    assert (await house.found("jacob"), await house.found("jake")) == (["wyverns"], [])
    await house.do("DELETE", "/articles/wyverns")
    assert await house.found("wyverns") == []


async def test_the_articles_of_somebody_who_leaves_are_not_found(house: House) -> None:
    for title in ("Dragons", "Wyverns"):
        article = {"title": title, "description": "Fire", "body": "They fly."}
        await house.do("POST", "/articles", {"article": article})
    assert len(await house.found("fire")) == 2
    await house.do("DELETE", "/user", {"user": {"password": PASSWORD}})
    house.client.headers.pop("Authorization")
    assert await house.found("fire") == []
