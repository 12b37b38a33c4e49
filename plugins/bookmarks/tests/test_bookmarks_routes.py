"""The routes of bookmarks, on fakes of the modules that it needs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from conduit_bookmarks.module import MODULE
from conduit_devtools.testkit import IN_MEMORY, ModuleTestApp, boot_module
from modules.articles.contracts import ArticleDeleted, ArticleDirectory, ArticleId
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.fakes import FakeClock, FakeTokenVerifier
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.fakes import FakeProfileReader
from modules.users.contracts import UserDeleted

TOKEN_MISSING = {"errors": {"token": ["is missing"]}}
TOKEN_INVALID = {"errors": {"token": ["is invalid"]}}
ARTICLE_NOT_FOUND = {"errors": {"article": ["not found"]}}


@dataclass
class Scene:
    """Bookmarks as its callers see it, and the world around it."""

    alone: ModuleTestApp
    client: httpx2.AsyncClient
    articles: FakeArticleDirectory
    profiles: FakeProfileReader
    tokens: FakeTokenVerifier
    clock: FakeClock
    users: dict[str, UserId] = field(default_factory=dict)

    def user(self, name: str) -> UserId:
        """Return this user's id; there is one from now on."""
        if name not in self.users:
            self.users[name] = self.profiles.add(name)
        return self.users[name]

    def article(self, slug: str) -> ArticleId:
        """Let there be an article by jake."""
        return self.articles.add(slug, author=self.user("jake"))

    def after(self, minutes: int) -> None:
        """Let time pass."""
        self.clock.at += timedelta(minutes=minutes)

    async def call(self, method: str, path: str, name: str | None = None) -> httpx2.Response:
        """Send a request as this user, or as nobody."""
        headers = {} if name is None else {"Authorization": f"Token {self.tokens.issue(self.user(name))}"}
        return await self.client.request(method, f"/api{path}", headers=headers)

    async def bookmark(self, slug: str, name: str) -> dict[str, Any]:
        """Let this user bookmark an article."""
        answer = await self.call("POST", f"/articles/{slug}/bookmark", name)
        assert answer.status_code == 200, answer.text
        article: dict[str, Any] = answer.json()["article"]
        return article

    async def reading_list(self, name: str, query: str = "") -> tuple[list[str], int]:
        """Return the slugs of this user's reading list, and how many there are on all pages."""
        answer = await self.call("GET", f"/bookmarks{query}", name)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return [article["slug"] for article in body["articles"]], body["articlesCount"]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    database, clock = Database(IN_MEMORY), FakeClock()
    profiles, tokens = FakeProfileReader(), FakeTokenVerifier()
    articles = FakeArticleDirectory(database, profiles)
    offers: dict[type, object] = {ArticleDirectory: articles, TokenVerifier: tokens}
    async with boot_module(MODULE, offers, database=database, clock=clock) as alone:
        transport = httpx2.ASGITransport(alone.application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Scene(alone, client, articles, profiles, tokens, clock)


class TestBookmarkAnArticle:
    async def test_nobody_may_not(self, scene: Scene) -> None:
        scene.article("dragons")
        answer = await scene.call("POST", "/articles/dragons/bookmark")
        assert (answer.status_code, answer.json()) == (401, TOKEN_MISSING)

    async def test_a_bad_token_is_refused(self, scene: Scene) -> None:
        scene.article("dragons")
        headers = {"Authorization": "Token forged"}
        answer = await scene.client.post("/api/articles/dragons/bookmark", headers=headers)
        assert (answer.status_code, answer.json()) == (401, TOKEN_INVALID)

    async def test_an_unknown_article_is_not_found(self, scene: Scene) -> None:
        answer = await scene.call("POST", "/articles/unicorns/bookmark", "anna")
        assert (answer.status_code, answer.json()) == (404, ARTICLE_NOT_FOUND)

    async def test_the_answer_is_the_article_as_lists_show_it_to_the_reader(self, scene: Scene) -> None:
        article = scene.articles.add(
            "dragons", author=scene.user("jake"), title="Dragons", description="On dragons", tags=["myth"]
        )
        scene.articles.favorite(article, scene.user("anna"))
        scene.profiles.follow(scene.user("anna"), scene.user("jake"))
        assert await scene.bookmark("dragons", "anna") == {
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

    async def test_twice_is_once_and_the_first_time_counts(self, scene: Scene) -> None:
        scene.article("dragons")
        scene.article("wyverns")
        await scene.bookmark("dragons", "anna")
        scene.after(minutes=1)
        await scene.bookmark("wyverns", "anna")
        scene.after(minutes=1)
        await scene.bookmark("dragons", "anna")
        assert await scene.reading_list("anna") == (["wyverns", "dragons"], 2)


class TestTakeABookmarkAway:
    async def test_nobody_may_not(self, scene: Scene) -> None:
        scene.article("dragons")
        answer = await scene.call("DELETE", "/articles/dragons/bookmark")
        assert (answer.status_code, answer.json()) == (401, TOKEN_MISSING)

    async def test_an_unknown_article_is_not_found(self, scene: Scene) -> None:
        answer = await scene.call("DELETE", "/articles/unicorns/bookmark", "anna")
        assert (answer.status_code, answer.json()) == (404, ARTICLE_NOT_FOUND)

    async def test_the_article_is_no_longer_on_the_list_and_is_answered(self, scene: Scene) -> None:
        scene.article("dragons")
        shown = await scene.bookmark("dragons", "anna")
        answer = await scene.call("DELETE", "/articles/dragons/bookmark", "anna")
        assert (answer.status_code, answer.json()) == (200, {"article": shown})
        assert await scene.reading_list("anna") == ([], 0)

    async def test_one_that_is_not_there_is_no_error(self, scene: Scene) -> None:
        scene.article("dragons")
        answer = await scene.call("DELETE", "/articles/dragons/bookmark", "anna")
        assert answer.status_code == 200

    async def test_other_bookmarks_stay(self, scene: Scene) -> None:
        scene.article("dragons")
        scene.article("wyverns")
        await scene.bookmark("dragons", "anna")
        await scene.bookmark("wyverns", "anna")
        await scene.bookmark("dragons", "jake")
        await scene.call("DELETE", "/articles/dragons/bookmark", "anna")
        assert await scene.reading_list("anna") == (["wyverns"], 1)
        assert await scene.reading_list("jake") == (["dragons"], 1)


class TestReadingList:
    async def test_nobody_has_none(self, scene: Scene) -> None:
        answer = await scene.call("GET", "/bookmarks")
        assert (answer.status_code, answer.json()) == (401, TOKEN_MISSING)

    async def test_it_is_empty_at_first(self, scene: Scene) -> None:
        answer = await scene.call("GET", "/bookmarks", "anna")
        assert answer.json() == {"articles": [], "articlesCount": 0}

    async def test_articles_look_as_in_the_answer_to_their_bookmarking(self, scene: Scene) -> None:
        scene.article("dragons")
        shown = await scene.bookmark("dragons", "anna")
        answer = await scene.call("GET", "/bookmarks", "anna")
        assert answer.json() == {"articles": [shown], "articlesCount": 1}

    async def test_the_latest_bookmark_comes_first_whatever_the_age_of_the_article(
        self, scene: Scene
    ) -> None:
        scene.article("old")
        scene.article("new")
        await scene.bookmark("new", "anna")
        scene.after(minutes=1)
        await scene.bookmark("old", "anna")
        assert await scene.reading_list("anna") == (["old", "new"], 2)

    async def test_of_bookmarks_of_one_moment_the_newer_article_comes_first(self, scene: Scene) -> None:
        for slug in ("first", "second", "third"):
            scene.article(slug)
        for slug in ("second", "third", "first"):
            await scene.bookmark(slug, "anna")
        assert await scene.reading_list("anna") == (["third", "second", "first"], 3)

    async def test_limit_and_offset_choose_the_page_and_the_count_is_of_all(self, scene: Scene) -> None:
        for slug in ("first", "second", "third", "fourth"):
            scene.article(slug)
            await scene.bookmark(slug, "anna")
            scene.after(minutes=1)
        assert await scene.reading_list("anna", "?limit=2&offset=1") == (["third", "second"], 4)
        assert await scene.reading_list("anna", "?offset=4") == ([], 4)

    @pytest.mark.parametrize("query", ["limit=0", "limit=many", "offset=-1"])
    async def test_a_page_that_cannot_be_is_refused(self, scene: Scene, query: str) -> None:
        answer = await scene.call("GET", f"/bookmarks?{query}", "anna")
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [query.partition("=")[0]])


class TestArticleDeleted:
    async def test_everybodys_bookmark_of_it_goes_with_it(self, scene: Scene) -> None:
        dragons = scene.article("dragons")
        scene.article("wyverns")
        for name in ("anna", "jake"):
            await scene.bookmark("dragons", name)
            await scene.bookmark("wyverns", name)
        await scene.articles.remove(dragons)
        await scene.alone.publish(ArticleDeleted(dragons))
        assert await scene.reading_list("anna") == (["wyverns"], 1)
        assert await scene.reading_list("jake") == (["wyverns"], 1)

    async def test_one_that_was_deleted_while_nobody_listened_is_not_shown(self, scene: Scene) -> None:
        dragons = scene.article("dragons")
        await scene.bookmark("dragons", "anna")
        await scene.articles.remove(dragons)
        articles, _ = await scene.reading_list("anna")
        assert articles == []


class TestUserDeleted:
    async def test_their_bookmarks_go_and_no_others(self, scene: Scene) -> None:
        scene.article("dragons")
        for name in ("anna", "jake"):
            await scene.bookmark("dragons", name)
        await scene.alone.publish(UserDeleted(scene.user("anna")))
        assert await scene.reading_list("anna") == ([], 0)
        assert await scene.reading_list("jake") == (["dragons"], 1)


class TestPersonalData:
    async def test_a_user_is_told_what_they_have_bookmarked(self, scene: Scene) -> None:
        for slug in ("dragons", "wyverns"):
            scene.article(slug)
            await scene.bookmark(slug, "anna")
            scene.after(minutes=1)
        kept = await scene.alone.container.personal_data().of(scene.user("anna"))
        assert kept == {"bookmarks": {"bookmarks": ["wyverns", "dragons"]}}


# What is asked, by whom, and as which operation's example of which status the document shows the answer.
ASKED = [
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


async def test_the_examples_in_the_document_are_answers(scene: Scene) -> None:
    scene.articles.add(
        "how-to-train-your-dragon",
        author=scene.user("jake"),
        title="How to train your dragon",
        description="Ever wonder how?",
        tags=["dragons", "training"],
    )
    answers: dict[str, dict[str, Any]] = {}
    for operation, status, method, path, name in ASKED:
        answer = await scene.call(method, path, name)
        assert str(answer.status_code) == status, answer.text
        answers.setdefault(operation, {})[status] = answer.json()
    assert scene.alone.examples == answers
