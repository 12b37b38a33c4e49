"""The route of search, on fakes of the modules that it needs."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from conduit_devtools.statement_guard import Case, require_constant_statements
from conduit_devtools.testkit import ModuleTestApp, boot_module
from conduit_search.contracts import PublicArticlesIndexed, RenamedAuthorIndexed
from conduit_search.domain import searching
from conduit_search.domain.query import MAX_QUERY_LENGTH, MAX_WORDS
from conduit_search.domain.searching import MAX_CONCURRENT_SEARCHES
from conduit_search.module import MODULE
from modules.articles.contracts import (
    ArticleDirectory,
    ArticleEdited,
    ArticleId,
    ArticlePreview,
    ArticlePublished,
    ArticlesDeleted,
    ArticlesMadePublic,
    ArticlesRestricted,
)
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.fakes import NOON, FakeTokenVerifier
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.engines import DatabaseOptions
from modules.kernel.infrastructure.persistence.sqlite import READ_POOL_SIZE
from modules.profiles.fakes import FakeProfileReader
from modules.users.contracts import UserRenamed


@dataclass
class Context:
    """Search with fakes of the modules that it needs, a client, and the author jake."""

    module: ModuleTestApp
    client: httpx2.AsyncClient
    articles: FakeArticleDirectory
    profiles: FakeProfileReader
    tokens: FakeTokenVerifier
    jake: UserId

    async def publish(self, slug: str, **parts: Any) -> ArticleId:
        """Publish an article as jake, and its event."""
        article = self.articles.add(slug, author=self.jake, **parts)
        await self.module.publish(ArticlePublished(article))
        return article

    async def get(self, q: str, **paging: int) -> httpx2.Response:
        """Search anonymously."""
        return await self.client.get("/api/search", params={"q": q, **paging})

    async def search(self, q: str, **paging: int) -> tuple[Sequence[str], int]:
        """Return the slugs of a page of results and the total count."""
        response = await self.get(q, **paging)
        assert response.status_code == 200, response.text
        body = response.json()
        return [article["slug"] for article in body["articles"]], body["articlesCount"]


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[Context]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/search.db", DatabaseOptions(synchronous="NORMAL"))
    profiles, tokens = FakeProfileReader(), FakeTokenVerifier()
    articles = FakeArticleDirectory(database, profiles)
    offers: dict[type, object] = {ArticleDirectory: articles, TokenVerifier: tokens}
    async with boot_module(MODULE, offers, database=database) as module:
        transport = httpx2.ASGITransport(module.application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Context(module, client, articles, profiles, tokens, profiles.add("jake"))


class TestSearch:
    async def test_result_is_an_article_preview_with_highlights(self, context: Context) -> None:
        anna = context.profiles.add("anna")
        dragons = await context.publish(
            "dragons", title="Dragons", description="On <dragons>", body="*Dragons* fly.", tags=["myth"]
        )
        context.articles.favorite(dragons, anna)
        context.profiles.follow(anna, context.jake)
        headers = {"Authorization": f"Token {context.tokens.issue(anna)}"}
        response = await context.client.get("/api/search?q=dragons", headers=headers)
        assert response.json() == {
            "articles": [
                {
                    "slug": "dragons",
                    "title": "Dragons",
                    "description": "On <dragons>",
                    "tagList": ["myth"],
                    "createdAt": "2026-01-31T12:00:00.000Z",
                    "updatedAt": "2026-01-31T12:00:00.000Z",
                    "favorited": True,
                    "favoritesCount": 1,
                    "author": {"username": "jake", "bio": None, "image": None, "following": True},
                    "highlights": {
                        "title": "<mark>Dragons</mark>",
                        "description": "On &lt;<mark>dragons</mark>&gt;",
                        "body": "*<mark>Dragons</mark>* fly.",
                    },
                }
            ],
            "articlesCount": 1,
        }

    async def test_search_without_a_valid_token_is_anonymous(self, context: Context) -> None:
        context.articles.favorite(await context.publish("dragons"), context.jake)
        for headers in ({}, {"Authorization": "Token forged"}):
            response = await context.client.get("/api/search?q=dragons", headers=headers)
            assert response.status_code == 200
            assert response.json()["articles"][0]["favorited"] is False

    async def test_no_match_returns_an_empty_list(self, context: Context) -> None:
        assert await context.search("unicorns") == ([], 0)

    async def test_limit_and_offset_choose_the_page_and_the_count_is_total(self, context: Context) -> None:
        for slug in ("first", "second", "third"):
            await context.publish(slug)
        assert await context.search("dragons", limit=2) == (["third", "second"], 3)
        assert await context.search("dragons", limit=2, offset=2) == (["first"], 3)

    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ("", "can't be blank"),
            ("?q=", "must have a word in it"),
            ("?q=%22", "must have a word in it"),
            ("?q=*%20-%20NEAR()", None),
            (f"?q={'x' * 201}", "is too long (at most 200 characters)"),
            (f"?q={'+'.join(f'w{number}' for number in range(21))}", "has too many words (at most 20)"),
        ],
    )
    async def test_invalid_query_gets_422_and_operators_are_ignored(
        self, context: Context, query: str, problem: str | None
    ) -> None:
        response = await context.client.get(f"/api/search{query}")
        if problem is None:
            assert (response.status_code, response.json()) == (200, {"articles": [], "articlesCount": 0})
        else:
            assert (response.status_code, response.json()) == (422, {"errors": {"q": [problem]}})

    @pytest.mark.parametrize("paging", [{"limit": 0}, {"offset": -1}])
    async def test_invalid_page_gets_422(self, context: Context, paging: dict[str, int]) -> None:
        response = await context.get("dragons", **paging)
        assert (response.status_code, list(response.json()["errors"])) == (422, [*paging])


async def test_statements_do_not_depend_on_the_number_of_rows(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All rows in one batch.
    monkeypatch.setattr(searching, "BATCH_SIZE", 1_000)
    publish, numbers = context.module.publish, count()

    async def article(_: object) -> ArticleId:
        return await context.publish(f"dragons-{next(numbers)}")

    await require_constant_statements(
        context.module,
        {
            "SearchArticles": Case(article, lambda _: context.get("dragons")),
            ArticlePublished: Case(article, article),
            ArticleEdited: Case(article, lambda ids: publish(ArticleEdited(ids[0]))),
            ArticlesRestricted: Case(article, lambda ids: publish(ArticlesRestricted(ids[0], tuple(ids)))),
            ArticlesMadePublic: Case(article, lambda ids: publish(ArticlesMadePublic(ids[0], tuple(ids)))),
            PublicArticlesIndexed: Case(article, lambda ids: publish(PublicArticlesIndexed(0, tuple(ids)))),
            ArticlesDeleted: Case(article, lambda ids: publish(ArticlesDeleted(context.jake, tuple(ids)))),
            UserRenamed: Case(article, lambda _: publish(UserRenamed(context.jake))),
            RenamedAuthorIndexed: Case(article, lambda _: publish(RenamedAuthorIndexed(0, context.jake))),
        },
    )


class BlockedArticles(FakeArticleDirectory):
    """Articles whose previews are returned when `released` is set."""

    def __init__(self, database: Database, profiles: FakeProfileReader) -> None:
        super().__init__(database, profiles)
        self.released = asyncio.Event()
        self.all_slots_taken = asyncio.Event()
        self._waiting = 0

    async def previews(
        self, ids: Collection[ArticleId], viewer: UserId | None
    ) -> Mapping[ArticleId, ArticlePreview]:
        """Wait, and return the previews."""
        self._waiting += 1
        if self._waiting == MAX_CONCURRENT_SEARCHES:
            self.all_slots_taken.set()
        await self.released.wait()
        return await super().previews(ids, viewer)


class TestLimits:
    @pytest.fixture
    def blocked(self, context: Context) -> BlockedArticles:
        """Make searches wait for their articles."""
        blocked = BlockedArticles(context.module.database, context.profiles)
        context.module.container.search()._articles = blocked
        return blocked

    async def test_search_beyond_its_deadline_gets_503(
        self, context: Context, blocked: BlockedArticles, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(searching, "SEARCH_TIMEOUT_SECONDS", 0)
        response = await context.get("dragons")
        assert (response.status_code, response.json()) == (
            503,
            {"errors": {"search": ["is busy, try again"]}},
        )
        assert response.headers["Retry-After"] == "1"
        blocked.released.set()
        monkeypatch.undo()
        assert await context.search("dragons") == ([], 0)

    async def test_waiting_searches_use_no_readers(
        self, context: Context, blocked: BlockedArticles, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(searching, "SEARCH_TIMEOUT_SECONDS", 600)
        searches = [asyncio.create_task(context.search("dragons")) for _ in range(3 * READ_POOL_SIZE)]
        pool = context.module.database.pools["read"]
        await blocked.all_slots_taken.wait()
        assert pool.in_use == MAX_CONCURRENT_SEARCHES < READ_POOL_SIZE
        async with asyncio.timeout(10):
            async with context.module.database.snapshot() as session:
                assert await session.scalar(text("SELECT 1")) == 1
        blocked.released.set()
        assert await asyncio.gather(*searches) == [([], 0)] * len(searches)


class TestEvents:
    async def test_edited_article_is_found_by_its_new_title_only(self, context: Context) -> None:
        dragons = await context.publish("dragons", title="Dragons", description="", body="")
        context.articles.edit(dragons, title="Wyverns", at=NOON + timedelta(hours=1))
        await context.module.publish(ArticleEdited(dragons))
        assert (await context.search("wyverns"), await context.search("dragons")) == (
            (["dragons"], 1),
            ([], 0),
        )

    async def test_deleted_article_is_not_found(self, context: Context) -> None:
        dragons = await context.publish("dragons")
        await context.articles.remove(dragons)
        # Before its event is handled, it is not returned but still counted.
        assert await context.search("dragons") == ([], 1)
        await context.module.publish(ArticlesDeleted(1, (dragons,)))
        assert await context.search("dragons") == ([], 0)

    async def test_renamed_author_is_found_by_the_new_name_only(self, context: Context) -> None:
        await context.publish("dragons")
        context.profiles.rename(context.jake, "jacob")
        await context.module.publish(UserRenamed(context.jake))
        assert (await context.search("jacob"), await context.search("jake")) == ((["dragons"], 1), ([], 0))


class RecordingProgress:
    """Progress that counts what is done."""

    def __init__(self) -> None:
        self.done = 0

    def begin(self, what: str, total: int) -> None:
        """Ignore the beginning."""

    def advance(self, number: int) -> None:
        """Add to what is done."""
        self.done += number


class TestRebuild:
    async def test_command_indexes_articles_published_before_search(self, context: Context) -> None:
        context.articles.add("old", author=context.jake)
        assert await context.search("dragons") == ([], 0)
        [command] = MODULE.commands
        assert command.name == "rebuild"
        assert await command.run(context.module.container) == "indexed articles: 1"
        assert await context.search("dragons") == (["old"], 1)

    async def test_demonstration_is_indexed(self, context: Context) -> None:
        context.articles.add("imported", author=context.jake)
        progress = RecordingProgress()
        assert MODULE.demo is not None
        await MODULE.demo(context.module.container, Demo(1, progress, NOON))
        assert (await context.search("dragons"), progress.done) == ((["imported"], 1), 1)


def test_readme_states_the_limits_of_a_query() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"at most {MAX_QUERY_LENGTH} characters and {MAX_WORDS} words" in readme


async def test_openapi_examples_are_real_responses(context: Context) -> None:
    await context.publish(
        "how-to-train-your-dragon",
        title="How to train your dragon",
        description="Ever wonder how?",
        body="Dragons <have> to be *believed* in.",
        tags=["dragons", "training"],
    )
    responses = {
        "200": await context.get("dragon"),
        "422": await context.get(""),
    }
    assert all(str(response.status_code) == status for status, response in responses.items())
    bodies = {status: response.json() for status, response in responses.items()}
    assert context.module.examples == {"SearchArticles": bodies}
