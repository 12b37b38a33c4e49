"""The routes of bookmarks, on fakes of the modules that it needs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from conduit_bookmarks.module import MODULE
from conduit_devtools.statement_guard import Case, require_constant_statements
from conduit_devtools.testkit import IN_MEMORY, ModuleTestApp, boot_module
from modules.articles.contracts import ArticleDirectory, ArticleId, ArticlesDeleted
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.fakes import FakeClock, FakeTokenVerifier
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.contracts import ProfileReader
from modules.profiles.fakes import FakeProfileReader
from modules.users.contracts import UserDeleted

TOKEN_INVALID = {"errors": {"token": ["is invalid"]}}


@dataclass
class Context:
    """Bookmarks with fakes of the modules that it needs, and a client."""

    module: ModuleTestApp
    client: httpx2.AsyncClient
    articles: FakeArticleDirectory
    profiles: FakeProfileReader
    tokens: FakeTokenVerifier
    clock: FakeClock
    users: dict[str, UserId] = field(default_factory=dict)

    def user(self, name: str) -> UserId:
        """Return this user's id; the user is created on first use."""
        if name not in self.users:
            self.users[name] = self.profiles.add(name)
        return self.users[name]

    def article(self, slug: str) -> ArticleId:
        """Create an article by jake."""
        return self.articles.add(slug, author=self.user("jake"))

    def advance(self, minutes: int) -> None:
        """Advance the clock."""
        self.clock.at += timedelta(minutes=minutes)

    async def call(self, method: str, path: str, name: str | None = None) -> httpx2.Response:
        """Send a request as this user, or anonymously."""
        headers = {} if name is None else {"Authorization": f"Token {self.tokens.issue(self.user(name))}"}
        return await self.client.request(method, f"/api{path}", headers=headers)

    async def bookmark(self, slug: str, name: str) -> dict[str, Any]:
        """Bookmark an article as this user."""
        response = await self.call("POST", f"/articles/{slug}/bookmark", name)
        assert response.status_code == 200, response.text
        article: dict[str, Any] = response.json()["article"]
        return article

    async def reading_list(self, name: str, query: str = "") -> tuple[list[str], int]:
        """Return the slugs of a page of this user's reading list, and the total count."""
        response = await self.call("GET", f"/bookmarks{query}", name)
        assert response.status_code == 200, response.text
        body = response.json()
        return [article["slug"] for article in body["articles"]], body["articlesCount"]


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    database, clock = Database(IN_MEMORY), FakeClock()
    profiles, tokens = FakeProfileReader(), FakeTokenVerifier()
    articles = FakeArticleDirectory(database, profiles)
    offers: dict[type, object] = {
        ArticleDirectory: articles,
        ProfileReader: profiles,
        TokenVerifier: tokens,
    }
    async with boot_module(MODULE, offers, database=database, clock=clock) as module:
        transport = httpx2.ASGITransport(module.application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Context(module, client, articles, profiles, tokens, clock)


class TestAddBookmark:
    async def test_invalid_token_gets_401(self, context: Context) -> None:
        context.article("dragons")
        headers = {"Authorization": "Token forged"}
        response = await context.client.post("/api/articles/dragons/bookmark", headers=headers)
        assert (response.status_code, response.json()) == (401, TOKEN_INVALID)

    async def test_response_is_the_article_preview_for_the_reader(self, context: Context) -> None:
        article = context.articles.add(
            "dragons", author=context.user("jake"), title="Dragons", description="On dragons", tags=["myth"]
        )
        context.articles.favorite(article, context.user("anna"))
        context.profiles.follow(context.user("anna"), context.user("jake"))
        assert await context.bookmark("dragons", "anna") == {
            "slug": "dragons",
            "title": "Dragons",
            "description": "On dragons",
            "tagList": ["myth"],
            "createdAt": "2026-01-31T12:00:00.000Z",
            "updatedAt": "2026-01-31T12:00:00.000Z",
            "favorited": True,
            "favoritesCount": 1,
            "author": {"username": "jake", "bio": None, "image": None, "following": True},
        }

    async def test_old_slug_of_an_article_adds_and_removes_its_bookmark(self, context: Context) -> None:
        context.articles.change_slug(context.article("dragons"), "knights")
        assert (await context.bookmark("dragons", "anna"))["slug"] == "knights"
        assert await context.reading_list("anna") == (["knights"], 1)
        assert (await context.call("DELETE", "/articles/dragons/bookmark", "anna")).status_code == 200
        assert await context.reading_list("anna") == ([], 0)

    async def test_repeated_bookmark_keeps_the_first_time(self, context: Context) -> None:
        context.article("dragons")
        context.article("wyverns")
        await context.bookmark("dragons", "anna")
        context.advance(minutes=1)
        await context.bookmark("wyverns", "anna")
        context.advance(minutes=1)
        await context.bookmark("dragons", "anna")
        assert await context.reading_list("anna") == (["wyverns", "dragons"], 2)


class TestRemoveBookmark:
    async def test_article_is_removed_from_the_list_and_returned(self, context: Context) -> None:
        context.article("dragons")
        preview = await context.bookmark("dragons", "anna")
        response = await context.call("DELETE", "/articles/dragons/bookmark", "anna")
        assert (response.status_code, response.json()) == (200, {"article": preview})
        assert await context.reading_list("anna") == ([], 0)

    async def test_missing_bookmark_is_not_an_error(self, context: Context) -> None:
        context.article("dragons")
        response = await context.call("DELETE", "/articles/dragons/bookmark", "anna")
        assert response.status_code == 200

    async def test_other_bookmarks_remain(self, context: Context) -> None:
        context.article("dragons")
        context.article("wyverns")
        await context.bookmark("dragons", "anna")
        await context.bookmark("wyverns", "anna")
        await context.bookmark("dragons", "jake")
        await context.call("DELETE", "/articles/dragons/bookmark", "anna")
        assert await context.reading_list("anna") == (["wyverns"], 1)
        assert await context.reading_list("jake") == (["dragons"], 1)


class TestReadingList:
    async def test_new_user_has_an_empty_list(self, context: Context) -> None:
        response = await context.call("GET", "/bookmarks", "anna")
        assert response.json() == {"articles": [], "articlesCount": 0}

    async def test_articles_have_the_shape_of_the_bookmark_response(self, context: Context) -> None:
        context.article("dragons")
        preview = await context.bookmark("dragons", "anna")
        response = await context.call("GET", "/bookmarks", "anna")
        assert response.json() == {"articles": [preview], "articlesCount": 1}

    async def test_latest_bookmark_comes_first(self, context: Context) -> None:
        context.article("old")
        context.article("new")
        await context.bookmark("new", "anna")
        context.advance(minutes=1)
        await context.bookmark("old", "anna")
        assert await context.reading_list("anna") == (["old", "new"], 2)

    async def test_bookmarks_at_the_same_time_are_ordered_by_newer_article(self, context: Context) -> None:
        for slug in ("first", "second", "third"):
            context.article(slug)
        for slug in ("second", "third", "first"):
            await context.bookmark(slug, "anna")
        assert await context.reading_list("anna") == (["third", "second", "first"], 3)

    async def test_limit_and_offset_choose_the_page_and_the_count_is_total(self, context: Context) -> None:
        for slug in ("first", "second", "third", "fourth"):
            context.article(slug)
            await context.bookmark(slug, "anna")
            context.advance(minutes=1)
        assert await context.reading_list("anna", "?limit=2&offset=1") == (["third", "second"], 4)
        assert await context.reading_list("anna", "?offset=4") == ([], 4)

    @pytest.mark.parametrize("query", ["limit=0", "limit=many", "offset=-1"])
    async def test_invalid_page_gets_422(self, context: Context, query: str) -> None:
        response = await context.call("GET", f"/bookmarks?{query}", "anna")
        assert (response.status_code, list(response.json()["errors"])) == (422, [query.partition("=")[0]])


class TestArticlesDeleted:
    async def test_all_bookmarks_of_the_article_are_deleted(self, context: Context) -> None:
        dragons = context.article("dragons")
        context.article("wyverns")
        for name in ("anna", "jake"):
            await context.bookmark("dragons", name)
            await context.bookmark("wyverns", name)
        await context.articles.remove(dragons)
        await context.module.publish(ArticlesDeleted(1, (dragons,)))
        assert await context.reading_list("anna") == (["wyverns"], 1)
        assert await context.reading_list("jake") == (["wyverns"], 1)

    async def test_article_deleted_while_disabled_is_not_listed(self, context: Context) -> None:
        dragons = context.article("dragons")
        await context.bookmark("dragons", "anna")
        await context.articles.remove(dragons)
        articles, _ = await context.reading_list("anna")
        assert articles == []


class TestUserDeleted:
    async def test_only_bookmarks_of_the_user_are_deleted(self, context: Context) -> None:
        context.article("dragons")
        for name in ("anna", "jake"):
            await context.bookmark("dragons", name)
        await context.module.publish(UserDeleted(context.user("anna")))
        assert await context.reading_list("anna") == ([], 0)
        assert await context.reading_list("jake") == (["dragons"], 1)


async def test_statements_do_not_depend_on_the_number_of_rows(context: Context) -> None:
    anna, jake, publish = context.user("anna"), context.user("jake"), context.module.publish

    async def bookmark(number: int) -> ArticleId:
        article_id = context.article(f"dragons-{number}")
        await context.bookmark(f"dragons-{number}", "anna")
        return article_id

    async def bookmark_by_another_reader(number: int) -> ArticleId:
        await context.bookmark("dragons", f"reader{number}")
        return dragons

    dragons = context.article("dragons")
    await require_constant_statements(
        context.module,
        {
            "GetBookmarks": Case(bookmark, lambda _: context.call("GET", "/bookmarks", "anna")),
            UserDeleted: Case(bookmark, lambda _: publish(UserDeleted(anna))),
            ArticlesDeleted: Case(
                bookmark_by_another_reader, lambda _: publish(ArticlesDeleted(jake, (dragons,)))
            ),
        },
    )


class TestPersonalData:
    async def test_export_lists_bookmarked_articles(self, context: Context) -> None:
        for slug in ("dragons", "wyverns"):
            context.article(slug)
            await context.bookmark(slug, "anna")
            context.advance(minutes=1)
        parts = context.module.container.personal_data().of(context.user("anna"))
        assert {module: data async for module, data in parts} == {
            "bookmarks": {"bookmarks": ["wyverns", "dragons"]}
        }


# Operation and status of an example; the request that it must be the response of.
EXAMPLE_REQUESTS = [
    ("CreateArticleBookmark", "200", "POST", "/articles/how-to-train-your-dragon/bookmark", "anna"),
    ("GetBookmarks", "200", "GET", "/bookmarks", "anna"),
    ("DeleteArticleBookmark", "200", "DELETE", "/articles/how-to-train-your-dragon/bookmark", "anna"),
    ("GetBookmarks", "401", "GET", "/bookmarks", None),
    ("GetBookmarks", "422", "GET", "/bookmarks?limit=0", "anna"),
    ("CreateArticleBookmark", "401", "POST", "/articles/how-to-train-your-dragon/bookmark", None),
    ("CreateArticleBookmark", "404", "POST", "/articles/unknown/bookmark", "anna"),
    ("CreateArticleBookmark", "422", "POST", "/articles/%00/bookmark", "anna"),
    ("DeleteArticleBookmark", "401", "DELETE", "/articles/how-to-train-your-dragon/bookmark", None),
    ("DeleteArticleBookmark", "404", "DELETE", "/articles/unknown/bookmark", "anna"),
    ("DeleteArticleBookmark", "422", "DELETE", "/articles/%00/bookmark", "anna"),
]


async def test_openapi_examples_are_real_responses(context: Context) -> None:
    context.articles.add(
        "how-to-train-your-dragon",
        author=context.user("jake"),
        title="How to train your dragon",
        description="Ever wonder how?",
        tags=["dragons", "training"],
    )
    responses: dict[str, dict[str, Any]] = {}
    for operation, status, method, path, name in EXAMPLE_REQUESTS:
        response = await context.call(method, path, name)
        assert str(response.status_code) == status, response.text
        responses.setdefault(operation, {})[status] = response.json()
    assert context.module.examples == responses
