"""Cursor pagination by `Link: rel="next"`, also during concurrent writes."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.client import Api, Json, next_page

LISTS = [
    "/articles",
    "/articles?tag=fire",
    "/articles?author=jake",
    "/articles?favorited=anna",
    "/articles?tag=fire&author=jake&favorited=anna",
    "/articles?tag=b%26c%20%C3%B6",
    "/articles/feed",
    "/articles/dragon-0/comments",
]
# Page sizes of seven rows, by limit.
SIZES = {1: [1] * 7, 3: [3, 3, 1], 7: [7], 8: [7]}


@pytest.fixture
async def anna(api: Api) -> Api:
    """Return a client as anna, who follows the author of all articles."""
    anna, jake = api.as_user("anna"), api.as_user("jake")
    await anna.follow("jake")
    for number in range(7):
        article = await jake.publish(f"Dragon {number}", tags=["fire", "b&c ö"])
        await anna.favorite(article)
        await jake.comment({"slug": "dragon-0"}, f"Comment {number}")
    return anna


def rows(response: httpx2.Response) -> list[object]:
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return [each["slug"] for each in body["articles"]] if "articles" in body else body["comments"]


def limited(path: str, limit: int) -> str:
    return f"{path}{'&' if '?' in path else '?'}limit={limit}"


async def pages(api: Api, path: str) -> AsyncIterator[httpx2.Response]:
    """Yield this page and all after it."""
    current: str | None = path
    while current is not None:
        response = await api.get(current)
        yield response
        current = next_page(response)


async def test_pages_add_up_to_the_list(anna: Api) -> None:
    for path in LISTS:
        whole = rows(await anna.get(path))
        assert len(whole) == 7, path
        for limit, sizes in SIZES.items():
            seen = [rows(page) async for page in pages(anna, limited(path, limit))]
            assert [len(page) for page in seen] == sizes, path
            assert [row for page in seen for row in page] == whole, path


async def test_every_page_of_articles_has_the_total_count(anna: Api) -> None:
    for path in LISTS:
        counts = [page.json().get("articlesCount") async for page in pages(anna, limited(path, 3))]
        assert counts == [None if "comments" in path else 7] * 3, path


async def test_writes_between_pages_cause_no_duplicates_or_gaps(anna: Api) -> None:
    jake = anna.as_user("jake")
    for path in ("/articles", "/articles?tag=fire", "/articles?author=jake", "/articles/feed"):
        first = await anna.get(limited(path, 3))
        *_, last = rows(first)
        await jake.publish("Newer", tags=["fire"])
        await jake.delete(f"/articles/{last}")
        link = next_page(first)
        assert link is not None
        remaining = [row async for page in pages(anna, link) for row in rows(page)]
        current = rows(await anna.get(path))
        assert remaining == current[current.index(rows(first)[1]) + 1 :]


async def test_comments_may_be_added_and_deleted_between_pages(anna: Api) -> None:
    path = "/articles/dragon-0/comments"
    whole = rows(await anna.get(path))
    first = await anna.get(limited(path, 3))
    jake = anna.as_user("jake")
    await jake.comment({"slug": "dragon-0"}, "Newer")
    await jake.delete(f"{path}/{first.json()['comments'][-1]['id']}")
    link = next_page(first)
    assert link is not None
    assert [row async for page in pages(anna, link) for row in rows(page)] == whole[3:]


async def test_page_by_offset_has_a_next_link(anna: Api) -> None:
    whole = rows(await anna.get("/articles"))
    link = next_page(await anna.get("/articles?limit=2&offset=3"))
    assert link is not None
    assert rows(await anna.get(link)) == whole[5:]


async def test_limit_may_change_between_pages(anna: Api) -> None:
    link = next_page(await anna.get("/articles?limit=2"))
    assert link is not None
    assert len(rows(await anna.get(link.replace("limit=2", "limit=4")))) == 4
    assert len(rows(await anna.get(link.replace("limit=2&", "")))) == 5
    link = next_page(await anna.get("/articles/dragon-0/comments?limit=1"))
    assert link is not None
    assert len(rows(await anna.get(link.replace("limit=1&", "")))) == 6


async def test_cursor_of_a_feed_gives_no_access_to_it(anna: Api) -> None:
    link = next_page(await anna.get("/articles/feed?limit=3"))
    assert link is not None
    response = await anna.as_user("carl").get(link)
    assert response.json() == {"articles": [], "articlesCount": 0}


@pytest.mark.parametrize("path", ["/articles", "/articles/feed", "/articles/dragon-0/comments"])
async def test_invalid_cursor_gets_422(api: Api, path: str) -> None:
    for cursor in ("", "x", "%00", "A" * 43, "\u00e9" * 43, "A" * 1000):
        response = await api.as_user("anna").get(f"{path}?cursor={cursor}")
        assert response.status_code == 422, cursor
        assert response.json()["errors"].keys() == {"cursor"}, cursor


async def test_cursor_of_another_list_gets_422(anna: Api) -> None:
    link = next_page(await anna.get("/articles?tag=fire&limit=3"))
    assert link is not None
    cursor = link.partition("cursor=")[2]
    document = (await anna.outside("GET", "/openapi.json")).json()
    parameters = {parameter["name"] for parameter in document["paths"]["/api/articles"]["get"]["parameters"]}
    filters = parameters - {"limit", "offset", "cursor"}
    assert filters == {"tag", "author", "favorited"}
    filtered = [f"/articles?tag=fire&{name}=anna" for name in filters]
    for other in ("/articles", "/articles/feed", "/articles/dragon-0/comments", *filtered):
        response = await anna.get(f"{other}{'&' if '?' in other else '?'}cursor={cursor}")
        assert response.status_code == 422
        assert response.json() == {"errors": {"cursor": ["is not valid for this list"]}}


async def test_next_link_has_only_the_filters_of_the_list(anna: Api) -> None:
    """API.md: unknown query parameters are ignored."""
    first = await anna.get("/articles?limit=3&tag=fire&_=1&utm_source=x&tag=fire")
    assert first.links["next"]["url"].startswith("?tag=fire&limit=3&cursor=")
    link = next_page(first)
    assert link is not None
    assert rows(await anna.get(f"{link}&_=2")) == rows(await anna.get("/articles?tag=fire"))[3:6]


async def test_cursor_and_offset_exclude_each_other(anna: Api) -> None:
    link = next_page(await anna.get("/articles?limit=3"))
    response = await anna.get(f"{link}&offset=3")
    assert response.status_code == 422
    assert response.json() == {"errors": {"offset": ["cannot be used with a cursor"]}}


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "x", str(2**63)])
async def test_invalid_limit_of_comments_gets_422(api: Api, limit: str) -> None:
    response = await api.get(f"/articles/dragon-0/comments?limit={limit}")
    assert response.status_code == 422
    assert response.json()["errors"].keys() == {"limit"}


async def test_link_header_is_exposed_to_other_origins(anna: Api) -> None:
    response = await anna.get("/articles?limit=3", headers={"Origin": "https://blog.example"})
    assert "Link" in response.headers["Access-Control-Expose-Headers"].split(", ")
