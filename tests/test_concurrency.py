"""Many requests at once: nothing is lost, nothing is there twice, and nobody is told of a lock."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable

import httpx2
import pytest
from sqlalchemy import func, select

from conduit_app.composition import Composition
from modules.articles.infrastructure.tables import FavoriteRow
from modules.comments.infrastructure.tables import CommentRow
from modules.users.infrastructure.tables import AccountRow
from tests.client import PASSWORD, Api

READERS = ("anna", "bert", "carl", "dora", "emil")


@pytest.fixture
async def everybody(api: Api) -> Api:
    """Return the API with everybody registered, so that what is at once is what a test is about."""
    for name in ("jake", *READERS):
        await api.as_user(name).token()
    return api


async def statuses(requests: Iterable[Awaitable[httpx2.Response]]) -> Counter[int]:
    """Send all requests at once and return how often each status was answered."""
    return Counter(response.status_code for response in await asyncio.gather(*requests))


async def count(composition: Composition, table: type[AccountRow | CommentRow | FavoriteRow]) -> int | None:
    async with composition.database.snapshot() as session:
        return await session.scalar(select(func.count()).select_from(table))


async def test_of_fifty_registrations_with_one_address_one_succeeds(
    api: Api, composition: Composition
) -> None:
    def register(number: int) -> Awaitable[httpx2.Response]:
        user = {"username": f"jake{number}", "email": "jake@example.com", "password": PASSWORD}
        return api.post("/users", {"user": user})

    assert await statuses(register(number) for number in range(50)) == {201: 1, 409: 49}
    assert {response.text for response in api.responses if response.status_code == 409} == {
        '{"errors":{"email":["has already been taken"]}}'
    }
    assert await count(composition, AccountRow) == 1


async def test_fifty_articles_of_one_title_have_fifty_slugs(everybody: Api) -> None:
    articles = await asyncio.gather(*(everybody.as_user("jake").publish("Dragons") for _ in range(50)))
    assert len({article["slug"] for article in articles}) == 50
    listed = (await everybody.get("/articles?limit=100")).json()
    assert listed["articlesCount"] == 50
    assert {article["slug"] for article in listed["articles"]} == {article["slug"] for article in articles}


async def test_an_article_is_favoured_as_often_as_it_says_after_a_hundred_changes(
    everybody: Api, composition: Composition
) -> None:
    article = await everybody.as_user("jake").publish("Dragons")
    path = f"/articles/{article['slug']}/favorite"
    # Of each reader's twenty, ten favorite and ten do not; whichever comes last counts.
    requests = [
        everybody.as_user(reader).request(method, path)
        for _ in range(10)
        for reader in READERS
        for method in ("POST", "DELETE")
    ]
    assert await statuses(requests) == {200: 100}
    seen = [
        (await everybody.as_user(reader).get(f"/articles/{article['slug']}")).json()["article"]
        for reader in READERS
    ]
    rows = await count(composition, FavoriteRow)
    assert {article["favoritesCount"] for article in seen} == {rows}
    assert sum(article["favorited"] for article in seen) == rows


async def test_of_many_who_favour_at_once_each_counts_once(everybody: Api, composition: Composition) -> None:
    article = await everybody.as_user("jake").publish("Dragons")
    path = f"/articles/{article['slug']}/favorite"
    assert await statuses(everybody.as_user(reader).post(path) for reader in READERS * 20) == {200: 100}
    assert (await everybody.get(f"/articles/{article['slug']}")).json()["article"]["favoritesCount"] == 5
    assert await count(composition, FavoriteRow) == 5


async def test_edits_at_once_all_move_the_time(everybody: Api) -> None:
    article = await everybody.as_user("jake").publish("Dragons")
    responses = await asyncio.gather(
        *(
            everybody.as_user("jake").put(
                f"/articles/{article['slug']}", {"article": {"body": f"Draft {number}"}}
            )
            for number in range(20)
        )
    )
    times = {response.json()["article"]["updatedAt"] for response in responses}
    assert len(times | {article["updatedAt"]}) == 21


async def test_a_comment_made_while_its_article_is_deleted_does_not_outlive_it(
    everybody: Api, composition: Composition
) -> None:
    await everybody.as_user("jake").publish("Dragons")
    comments = [
        everybody.as_user(reader).post("/articles/dragons/comments", {"comment": {"body": "Nice"}})
        for reader in READERS * 4
    ]
    deletion = everybody.as_user("jake").delete("/articles/dragons")
    told = await statuses([*comments[:10], deletion, *comments[10:]])
    assert told.keys() <= {201, 204, 404}
    assert told[204] == 1
    assert await count(composition, CommentRow) == 0


async def test_edits_that_exchange_tags_all_succeed_though_each_wants_what_another_holds(
    everybody: Api,
) -> None:
    jake = everybody.as_user("jake")
    tagged = {
        (await jake.publish(f"Article {number}", tags=[tag]))["slug"]: tag
        for number in range(3)
        for tag in ("fire", "horn")
    }
    other = {"fire": "horn", "horn": "fire"}
    for _ in range(2):
        tagged = {slug: other[tag] for slug, tag in tagged.items()}
        edits = [
            jake.put(f"/articles/{slug}", {"article": {"tagList": [tag]}}) for slug, tag in tagged.items()
        ]
        assert await statuses(edits) == {200: 6}
    for tag in other:
        listed = (await everybody.get(f"/articles?tag={tag}")).json()
        assert listed["articlesCount"] == len(listed["articles"]) == 3


async def test_reading_goes_on_while_others_write(everybody: Api) -> None:
    jake, anna = everybody.as_user("jake"), everybody.as_user("anna")
    writes = [jake.post("/articles", {"article": _article(number)}) for number in range(25)]
    reads = [anna.get(f"/articles?offset={number}") for number in range(75)]
    assert await statuses([*writes, *reads]) == {201: 25, 200: 75}


def _article(number: int) -> dict[str, str]:
    return {"title": f"Article {number}", "description": "One of many", "body": "Text"}
