"""The route of search, on fakes of the modules that it needs."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import event

from conduit_devtools.testkit import ModuleTestApp, boot_module
from conduit_search.domain.query import MAX_QUERY_LENGTH, MAX_WORDS
from conduit_search.module import MODULE
from modules.articles.contracts import (
    ArticleDeleted,
    ArticleDirectory,
    ArticleEdited,
    ArticleId,
    ArticlePublished,
)
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.fakes import NOON, FakeTokenVerifier
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.fakes import FakeProfileReader
from modules.users.contracts import UserRenamed


@dataclass
class Scene:
    """Search as its callers see it, and the world around it."""

    alone: ModuleTestApp
    client: httpx2.AsyncClient
    articles: FakeArticleDirectory
    profiles: FakeProfileReader
    tokens: FakeTokenVerifier
    jake: UserId

    async def publish(self, slug: str, **parts: Any) -> ArticleId:
        """Let jake publish an article, and search hear of it."""
        article = self.articles.add(slug, author=self.jake, **parts)
        await self.alone.publish(ArticlePublished(article))
        return article

    async def get(self, q: str, **paging: int) -> httpx2.Response:
        """Search as nobody."""
        return await self.client.get("/api/search", params={"q": q, **paging})

    async def found(self, q: str, **paging: int) -> tuple[Sequence[str], int]:
        """Return the slugs that are found, the best first, and how many there are on all pages."""
        answer = await self.get(q, **paging)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return [article["slug"] for article in body["articles"]], body["articlesCount"]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/search.db", synchronous="NORMAL")
    profiles, tokens = FakeProfileReader(), FakeTokenVerifier()
    articles = FakeArticleDirectory(database, profiles)
    offers: dict[type, object] = {ArticleDirectory: articles, TokenVerifier: tokens}
    async with boot_module(MODULE, offers, database=database) as alone:
        transport = httpx2.ASGITransport(alone.application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Scene(alone, client, articles, profiles, tokens, profiles.add("jake"))


class TestSearch:
    async def test_an_article_is_shown_as_in_lists_with_what_was_found(self, scene: Scene) -> None:
        anna = scene.profiles.add("anna")
        dragons = await scene.publish(
            "dragons", title="Dragons", description="On <dragons>", body="*Dragons* fly.", tags=["myth"]
        )
        scene.articles.favorite(dragons, anna)
        scene.profiles.follow(anna, scene.jake)
        headers = {"Authorization": f"Token {scene.tokens.issue(anna)}"}
        answer = await scene.client.get("/api/search?q=dragons", headers=headers)
        assert answer.json() == {
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

    async def test_nobody_may_search_too_and_a_bad_token_may_not(self, scene: Scene) -> None:
        await scene.publish("dragons")
        assert (await scene.get("dragons")).json()["articles"][0]["favorited"] is False
        answer = await scene.client.get("/api/search?q=x", headers={"Authorization": "Token forged"})
        assert (answer.status_code, answer.json()) == (401, {"errors": {"token": ["is invalid"]}})

    async def test_nothing_found_is_an_empty_list(self, scene: Scene) -> None:
        assert await scene.found("unicorns") == ([], 0)

    async def test_limit_and_offset_choose_the_page_and_the_count_is_of_all(self, scene: Scene) -> None:
        for slug in ("first", "second", "third"):
            await scene.publish(slug)
        assert await scene.found("dragons", limit=2) == (["third", "second"], 3)
        assert await scene.found("dragons", limit=2, offset=2) == (["first"], 3)

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
    async def test_what_is_no_query_is_refused_and_operators_are_none(
        self, scene: Scene, query: str, problem: str | None
    ) -> None:
        answer = await scene.client.get(f"/api/search{query}")
        if problem is None:
            assert (answer.status_code, answer.json()) == (200, {"articles": [], "articlesCount": 0})
        else:
            assert (answer.status_code, answer.json()) == (422, {"errors": {"q": [problem]}})

    @pytest.mark.parametrize("paging", [{"limit": 0}, {"offset": -1}])
    async def test_a_page_that_cannot_be_is_refused(self, scene: Scene, paging: dict[str, int]) -> None:
        answer = await scene.get("dragons", **paging)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [*paging])

    async def test_it_takes_as_many_statements_for_twenty_articles_as_for_one(self, scene: Scene) -> None:
        statements: list[str] = []
        event.listen(
            scene.alone.database.engines[1].sync_engine,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, *_: statements.append(statement),
        )
        counts = []
        for number in range(20):
            await scene.publish(f"dragons-{number}")
            statements.clear()
            slugs, _ = await scene.found("dragons")
            counts.append((len(slugs), len(statements)))
        # Its own; the fakes of articles have none.
        assert counts == [(number, 2) for number in range(1, 21)]


class TestEvents:
    async def test_another_title_is_found_and_the_old_one_is_not(self, scene: Scene) -> None:
        dragons = await scene.publish("dragons", title="Dragons", description="", body="")
        scene.articles.edit(dragons, title="Wyverns", at=NOON + timedelta(hours=1))
        await scene.alone.publish(ArticleEdited(dragons))
        assert (await scene.found("wyverns"), await scene.found("dragons")) == ((["dragons"], 1), ([], 0))

    async def test_an_article_that_is_gone_is_not_found(self, scene: Scene) -> None:
        dragons = await scene.publish("dragons")
        await scene.articles.remove(dragons)
        # Not yet told: it is not shown, and still counted.
        assert await scene.found("dragons") == ([], 1)
        await scene.alone.publish(ArticleDeleted(dragons))
        assert await scene.found("dragons") == ([], 0)

    async def test_an_author_is_found_by_the_new_name(self, scene: Scene) -> None:
        await scene.publish("dragons")
        scene.profiles.rename(scene.jake, "jacob")
        await scene.alone.publish(UserRenamed(scene.jake))
        assert (await scene.found("jacob"), await scene.found("jake")) == ((["dragons"], 1), ([], 0))


class _Silent:
    """Shows no progress, and knows how much there was."""

    def __init__(self) -> None:
        self.done = 0

    def begin(self, what: str, total: int) -> None:
        """Pass over what begins."""

    def advance(self, number: int) -> None:
        """Count what is done."""
        self.done += number


class TestRebuild:
    async def test_the_command_indexes_what_was_there_before_search(self, scene: Scene) -> None:
        scene.articles.add("old", author=scene.jake)
        assert await scene.found("dragons") == ([], 0)
        [command] = MODULE.commands
        assert command.name == "rebuild"
        assert await command.run(scene.alone.container) == "indexed articles: 1"
        assert await scene.found("dragons") == (["old"], 1)

    async def test_a_demonstration_can_be_searched(self, scene: Scene) -> None:
        scene.articles.add("imported", author=scene.jake)
        progress = _Silent()
        assert MODULE.demo is not None
        await MODULE.demo(scene.alone.container, Demo(1, progress))
        assert (await scene.found("dragons"), progress.done) == ((["imported"], 1), 1)


def test_the_readme_shows_the_limits_of_a_query() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"at most {MAX_QUERY_LENGTH} characters and {MAX_WORDS} words" in readme


async def test_the_examples_in_the_document_are_answers(scene: Scene) -> None:
    await scene.publish(
        "how-to-train-your-dragon",
        title="How to train your dragon",
        description="Ever wonder how?",
        body="Dragons <have> to be *believed* in.",
        tags=["dragons", "training"],
    )
    forged = {"Authorization": "Token forged"}
    answers = {
        "200": await scene.get("dragon"),
        "401": await scene.client.get("/api/search?q=dragon", headers=forged),
        "422": await scene.get(""),
    }
    assert {status: str(answer.status_code) for status, answer in answers.items()} == {
        status: status for status in answers
    }
    [operation] = scene.alone.application.openapi()["paths"]["/api/search"].values()
    assert {
        status: response["content"]["application/json"].get("example")
        for status, response in operation["responses"].items()
    } == {status: answer.json() for status, answer in answers.items()}
