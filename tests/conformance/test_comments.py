"""API.md: the operations on comments, and "Comments" in what the OpenAPI document leaves open."""

import pytest
from sqlalchemy import func, insert, select

from conduit_app.composition import Composition
from modules.comments.infrastructure.tables import CommentRow
from modules.comments.infrastructure.tables import comments as comments_table
from tests.client import Api, Json, next_page


async def test_commenting_returns_201_with_the_comment(api: Api, article: Json) -> None:
    path = f"/articles/{article['slug']}/comments"
    response = await api.as_user("anna").post(path, {"comment": {"body": "Nice"}})
    assert response.status_code == 201
    comment = response.json()["comment"]
    assert comment["body"] == "Nice"
    assert comment["author"] == {"username": "anna", "bio": None, "image": None, "following": False}
    assert comment["createdAt"] == comment["updatedAt"]


async def test_list_without_comments_is_empty(api: Api, article: Json) -> None:
    response = await api.get(f"/articles/{article['slug']}/comments")
    assert response.status_code == 200
    assert response.json() == {"comments": []}


async def test_comments_are_listed_newest_first(api: Api, article: Json) -> None:
    comments = [await api.as_user(name).comment(article) for name in ("anna", "jake", "anna")]
    response = await api.get(f"/articles/{article['slug']}/comments")
    assert response.status_code == 200
    assert response.json() == {"comments": comments[::-1]}


async def test_list_has_only_comments_of_the_article(api: Api, article: Json) -> None:
    other = await api.as_user("jake").publish("Knights")
    await api.as_user("anna").comment(other)
    assert (await api.get(f"/articles/{article['slug']}/comments")).json() == {"comments": []}


async def test_500_comments_are_one_page_and_more_have_a_next_page(
    api: Api, composition: Composition, article: Json
) -> None:
    await api.as_user("anna").comment(article)
    path = f"/articles/{article['slug']}/comments"
    async with composition.database.transaction() as session:
        first = (await session.execute(select(comments_table).limit(1))).one()._asdict()
        del first["id"]
        await session.execute(insert(comments_table), [first] * 499)
    page = await api.get(path)
    assert len(page.json()["comments"]) == 500
    assert "Link" not in page.headers
    newest = await api.as_user("anna").comment(article)
    page = await api.get(path)
    ids = [comment["id"] for comment in page.json()["comments"]]
    assert (len(ids), ids[0]) == (500, newest["id"])
    remaining = await api.get(next_page(page) or "")
    assert [comment["id"] for comment in remaining.json()["comments"]] == [min(ids) - 1]
    assert "Link" not in remaining.headers


@pytest.mark.parametrize("limit", ["", "?limit=100"])
async def test_page_of_long_comments_ends_at_a_mebibyte(api: Api, article: Json, limit: str) -> None:
    """75 MB were sent for an anonymous GET, when the size of a response was the authors' choice."""
    comments = [await api.as_user("anna").comment(article, "x" * 50_000) for _ in range(45)]
    seen, sizes = [], []
    url: str | None = f"/articles/{article['slug']}/comments{limit}"
    while url is not None:
        page = await api.get(url)
        seen += page.json()["comments"]
        sizes.append(len(page.content))
        url = next_page(page)
    assert seen == comments[::-1]
    assert len(sizes) == 3
    assert max(sizes) < 1_100_000


async def test_long_profiles_of_authors_end_a_page(api: Api, composition: Composition, article: Json) -> None:
    anna = api.as_user("anna")
    await anna.put("/user", {"user": {"bio": "\U0001f409" * 10_000}})
    await anna.comment(article)
    async with composition.database.transaction() as session:
        first = (await session.execute(select(comments_table).limit(1))).one()._asdict()
        del first["id"]
        await session.execute(insert(comments_table), [first] * 199)
    seen, sizes = set(), []
    url: str | None = f"/articles/{article['slug']}/comments"
    while url is not None:
        page = await api.get(url)
        seen |= {comment["id"] for comment in page.json()["comments"]}
        sizes.append(len(page.content))
        url = next_page(page)
    assert len(seen) == 200
    assert max(sizes) < 4_400_000


async def test_comment_ids_are_unique_integers(api: Api, article: Json) -> None:
    ids = [(await api.as_user("anna").comment(article))["id"] for _ in range(2)]
    assert [type(comment_id) for comment_id in ids] == [int, int]
    assert len(set(ids)) == 2


async def test_following_of_an_author_is_per_caller(api: Api, article: Json) -> None:
    await api.as_user("anna").comment(article)
    await api.as_user("lena").follow("anna")
    path = f"/articles/{article['slug']}/comments"
    following = {
        caller: (await client.get(path)).json()["comments"][0]["author"]["following"]
        for caller, client in {
            "lena": api.as_user("lena"),
            "jake": api.as_user("jake"),
            "anonymous": api,
        }.items()
    }
    assert following == {"lena": True, "jake": False, "anonymous": False}


async def test_deleting_returns_204_and_deletes_the_comment(api: Api, article: Json) -> None:
    other, deleted = [await api.as_user("anna").comment(article) for _ in range(2)]
    path = f"/articles/{article['slug']}/comments"
    response = await api.as_user("anna").delete(f"{path}/{deleted['id']}")
    assert response.status_code == 204
    assert response.content == b""
    assert (await api.get(path)).json() == {"comments": [other]}
    assert (await api.as_user("anna").delete(f"{path}/{deleted['id']}")).status_code == 404


async def test_comment_of_another_article_gets_404(api: Api, article: Json) -> None:
    comment = await api.as_user("anna").comment(article)
    other = await api.as_user("jake").publish("Knights")
    for caller in ("anna", "jake"):
        response = await api.as_user(caller).delete(f"/articles/{other['slug']}/comments/{comment['id']}")
        assert response.status_code == 404
        assert response.json() == {"errors": {"comment": ["not found"]}}
    assert (await api.get(f"/articles/{article['slug']}/comments")).json() == {"comments": [comment]}


@pytest.mark.parametrize("number", ["0", "9223372036854775807"])
async def test_comment_id_out_of_range_gets_404_or_422(api: Api, article: Json, number: str) -> None:
    response = await api.as_user("jake").delete(f"/articles/{article['slug']}/comments/{number}")
    assert response.status_code in (404, 422)


async def test_deleting_an_article_deletes_its_comments(
    api: Api, composition: Composition, article: Json
) -> None:
    other = await api.as_user("jake").publish("Knights")
    for commented in (article, article, other):
        await api.as_user("anna").comment(commented)
    await api.as_user("jake").delete(f"/articles/{article['slug']}")
    assert (await api.get(f"/articles/{article['slug']}/comments")).status_code == 404
    # Counted in the table: ids are never reused, so the API cannot show remaining rows.
    async with composition.database.snapshot() as session:
        assert await session.scalar(select(func.count()).select_from(CommentRow)) == 1


async def test_renamed_article_keeps_its_comments(api: Api, article: Json) -> None:
    comment = await api.as_user("anna").comment(article)
    renamed = await api.as_user("jake").put(f"/articles/{article['slug']}", {"article": {"title": "Knights"}})
    path = f"/articles/{renamed.json()['article']['slug']}/comments"
    assert (await api.get(path)).json() == {"comments": [comment]}
