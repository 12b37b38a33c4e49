"""Search among the modules of Conduit, on a real database, updated by their events."""

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
from modules.kernel.infrastructure.persistence.engines import DatabaseOptions

PASSWORD = "correct horse battery"


@dataclass
class Installation:
    """Conduit with search installed, and a client logged in as jake."""

    client: httpx2.AsyncClient
    composition: Composition

    async def send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> None:
        """Send a request as jake, and deliver its events."""
        response = await self.client.request(method, f"/api{path}", json=body)
        assert response.is_success, response.text
        await self.composition.messaging.dispatcher.drain()

    async def search(self, q: str) -> Sequence[str]:
        """Return the slugs of the results; fail if the count differs."""
        body = (await self.client.get("/api/search", params={"q": q})).json()
        slugs = [article["slug"] for article in body["articles"]]
        assert body["articlesCount"] == len(slugs)
        return slugs


@pytest.fixture
async def conduit(tmp_path: Path) -> AsyncIterator[Installation]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/conduit.db", DatabaseOptions(synchronous="NORMAL"))
    shared = SharedServices(database, ("secret of a test that is as long as it must be",))
    composition = compose(resolve_order([*in_tree(), MODULE]), shared)
    await migrate(database, composition.migratable)
    application = create_application(Settings.model_construct(log_level="warning"), composition)
    transport = httpx2.ASGITransport(application, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        user = {"username": "jake", "email": "jake@example.com", "password": PASSWORD}
        response = await client.post("/api/users", json={"user": user})
        client.headers["Authorization"] = f"Token {response.json()['user']['token']}"
        yield Installation(client, composition)
    await database.dispose()


async def test_index_follows_the_changes_of_an_article(conduit: Installation) -> None:
    article = {"title": "Dragons", "description": "Fire", "body": "They fly.", "tagList": ["myth"]}
    await conduit.send("POST", "/articles", {"article": article})
    assert await conduit.search("dragons fire fly myth jake") == ["dragons"]
    await conduit.send("PUT", "/articles/dragons", {"article": {"title": "Wyverns", "tagList": []}})
    assert (await conduit.search("wyverns fly"), await conduit.search("myth")) == (["wyverns"], [])
    await conduit.send("PUT", "/user", {"user": {"username": "jacob"}})
    assert (await conduit.search("jacob"), await conduit.search("jake")) == (["wyverns"], [])
    await conduit.send("DELETE", "/articles/wyverns")
    assert await conduit.search("wyverns") == []


async def test_articles_of_a_deleted_user_are_not_found(conduit: Installation) -> None:
    for title in ("Dragons", "Wyverns"):
        article = {"title": title, "description": "Fire", "body": "They fly."}
        await conduit.send("POST", "/articles", {"article": article})
    assert len(await conduit.search("fire")) == 2
    await conduit.send("DELETE", "/user", {"user": {"password": PASSWORD}})
    conduit.client.headers.pop("Authorization")
    assert await conduit.search("fire") == []
