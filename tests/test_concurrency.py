"""Concurrent requests: no lost update, no duplicate, no error about a lock."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable

import httpx2
import pytest
from dependency_injector import providers
from sqlalchemy import func, select

from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.articles.infrastructure.tables import FavoriteRow
from modules.comments.infrastructure.tables import CommentRow
from modules.kernel.fakes import FakeClock
from modules.users.infrastructure.tables import AccountRow
from tests.client import PASSWORD, Api
from tests.conftest import composed

READERS = ("anna", "bert", "carl", "dora", "emil")


@pytest.fixture
async def users(api: Api) -> Api:
    """Return a client whose users are registered, so that only the tested requests are concurrent."""
    for name in ("jake", *READERS):
        await api.as_user(name).token()
    return api


async def statuses(requests: Iterable[Awaitable[httpx2.Response]]) -> Counter[int]:
    """Send all requests concurrently and count their statuses."""
    return Counter(response.status_code for response in await asyncio.gather(*requests))


async def count(composition: Composition, table: type[AccountRow | CommentRow | FavoriteRow]) -> int | None:
    async with composition.database.snapshot() as session:
        return await session.scalar(select(func.count()).select_from(table))


async def test_only_one_of_fifty_registrations_with_one_email_succeeds(
    api: Api, composition: Composition
) -> None:
    def register(number: int) -> Awaitable[httpx2.Response]:
        user = {"username": f"jake{number}", "email": "jake@example.com", "password": PASSWORD}
        return api.post("/users", {"user": user})

    assert await statuses(register(number) for number in range(50)) == {201: 1, 409: 49}
    assert {response.text for response in api.answers if response.status_code == 409} == {
        '{"errors":{"email":["has already been taken"]}}'
    }
    assert await count(composition, AccountRow) == 1


async def test_fifty_articles_of_one_title_have_fifty_slugs(users: Api) -> None:
    articles = await asyncio.gather(*(users.as_user("jake").publish("Dragons") for _ in range(50)))
    assert len({article["slug"] for article in articles}) == 50
    listed = (await users.get("/articles?limit=100")).json()
    assert listed["articlesCount"] == 50
    assert {article["slug"] for article in listed["articles"]} == {article["slug"] for article in articles}


async def test_a_slug_given_up_during_publications_finds_its_first_article(users: Api) -> None:
    async def rename(slug: str) -> None:
        changes = {"article": {"title": f"Not {slug}"}}
        assert (await users.as_user("jake").put(f"/articles/{slug}", changes)).status_code == 200

    slugs = [(await users.as_user("jake").publish(f"Dragons {number}"))["slug"] for number in range(10)]
    await asyncio.gather(
        *(rename(slug) for slug in slugs),
        *(users.as_user(reader).publish(slug) for slug in slugs for reader in READERS),
    )
    for slug in slugs:
        found = (await users.get(f"/articles/{slug}")).json()["article"]
        assert (found["author"]["username"], found["slug"]) == ("jake", f"not-{slug}")
    listed = (await users.get("/articles?limit=100")).json()["articles"]
    assert len(listed) == len(slugs) * (1 + len(READERS))
    for article in listed:
        assert (await users.get(f"/articles/{article['slug']}")).json()["article"]["slug"] == article["slug"]


async def test_favorites_count_is_exact_after_a_hundred_changes(users: Api, composition: Composition) -> None:
    article = await users.as_user("jake").publish("Dragons")
    path = f"/articles/{article['slug']}/favorite"
    # Each reader favorites and unfavorites ten times; the last request decides.
    requests = [
        users.as_user(reader).request(method, path)
        for _ in range(10)
        for reader in READERS
        for method in ("POST", "DELETE")
    ]
    assert await statuses(requests) == {200: 100}
    seen = [
        (await users.as_user(reader).get(f"/articles/{article['slug']}")).json()["article"]
        for reader in READERS
    ]
    rows = await count(composition, FavoriteRow)
    assert {article["favoritesCount"] for article in seen} == {rows}
    assert sum(article["favorited"] for article in seen) == rows


async def test_concurrent_favorites_of_a_reader_count_once(users: Api, composition: Composition) -> None:
    article = await users.as_user("jake").publish("Dragons")
    path = f"/articles/{article['slug']}/favorite"
    assert await statuses(users.as_user(reader).post(path) for reader in READERS * 20) == {200: 100}
    assert (await users.get(f"/articles/{article['slug']}")).json()["article"]["favoritesCount"] == 5
    assert await count(composition, FavoriteRow) == 5


async def test_comment_added_during_deletion_of_its_article_is_deleted(
    users: Api, composition: Composition
) -> None:
    await users.as_user("jake").publish("Dragons")
    comments = [
        users.as_user(reader).post("/articles/dragons/comments", {"comment": {"body": "Nice"}})
        for reader in READERS * 4
    ]
    deletion = users.as_user("jake").delete("/articles/dragons")
    counts = await statuses([*comments[:10], deletion, *comments[10:]])
    assert counts.keys() <= {201, 204, 404}
    assert counts[204] == 1
    assert await count(composition, CommentRow) == 0


async def test_edits_that_swap_tags_do_not_deadlock(
    users: Api,
) -> None:
    jake = users.as_user("jake")
    tag_of_slug = {
        (await jake.publish(f"Article {number}", tags=[tag]))["slug"]: tag
        for number in range(3)
        for tag in ("fire", "horn")
    }
    other = {"fire": "horn", "horn": "fire"}
    for _ in range(2):
        tag_of_slug = {slug: other[tag] for slug, tag in tag_of_slug.items()}
        edits = [
            jake.put(f"/articles/{slug}", {"article": {"tagList": [tag]}})
            for slug, tag in tag_of_slug.items()
        ]
        assert await statuses(edits) == {200: 6}
    for tag in other:
        listed = (await users.get(f"/articles?tag={tag}")).json()
        assert listed["articlesCount"] == len(listed["articles"]) == 3


async def test_favorites_do_not_starve_a_deletion(users: Api) -> None:
    """Transactions that lock an article wait in one queue, and none overtakes its deletion."""
    article = await users.as_user("jake").publish("Dragons")
    path = f"/articles/{article['slug']}/favorite"
    gone = asyncio.Event()

    async def toggle(reader: str) -> Counter[int]:
        counts: Counter[int] = Counter()
        while not gone.is_set():
            for method in ("POST", "DELETE"):
                counts[(await users.as_user(reader).request(method, path)).status_code] += 1
        return counts

    readers = [asyncio.create_task(toggle(reader)) for reader in READERS for _ in range(2)]
    edited = await users.as_user("jake").put(
        f"/articles/{article['slug']}", {"article": {"body": "They swim."}}
    )
    left = await users.as_user("jake").delete("/user", json={"user": {"password": PASSWORD}})
    gone.set()
    assert (edited.status_code, left.status_code) == (200, 204)
    assert set().union(*await asyncio.gather(*readers)) <= {200, 404}


async def test_edits_of_tags_in_opposite_directions_do_not_deadlock(users: Api) -> None:
    articles = {name: await users.as_user(name).publish(name, tags=["fire"]) for name in READERS}

    def retag(name: str, tag: str) -> Awaitable[httpx2.Response]:
        return users.as_user(name).put(f"/articles/{articles[name]['slug']}", {"article": {"tagList": [tag]}})

    for number in range(6):
        tags = ("fire", "wings") if number % 2 else ("wings", "fire")
        swaps = [retag(name, tags[place % 2]) for place, name in enumerate(READERS)]
        assert await statuses(swaps) == {200: len(READERS)}


async def test_reads_succeed_during_writes(users: Api) -> None:
    jake, anna = users.as_user("jake"), users.as_user("anna")
    writes = [jake.post("/articles", {"article": _article(number)}) for number in range(25)]
    reads = [anna.get(f"/articles?offset={number}") for number in range(75)]
    assert await statuses([*writes, *reads]) == {201: 25, 200: 75}


class TestStoppedClock:
    @pytest.fixture
    async def composition(self, dedicated_settings: Settings) -> AsyncIterator[Composition]:
        """Return a composition in which the time of articles stands still."""
        async with composed(dedicated_settings) as composition:
            composition.containers["articles"].clock.override(providers.Object(FakeClock()))
            yield composition

    async def test_concurrent_edits_all_change_updated_at(self, users: Api) -> None:
        jake = users.as_user("jake")
        article = await jake.publish("Dragons")
        edits = [jake.put("/articles/dragons", {"article": {"body": f"Draft {n}"}}) for n in range(20)]
        responses = await asyncio.gather(*edits)
        times = {response.json()["article"]["updatedAt"] for response in responses}
        assert len(times | {article["updatedAt"]}) == 21


def _article(number: int) -> dict[str, str]:
    return {"title": f"Article {number}", "description": "One of many", "body": "Text"}
