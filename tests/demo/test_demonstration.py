"""What a person finds who looks at a demonstration through a frontend."""

import re
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conduit_app.settings import Settings
from modules.kernel.demo.demo import UNTIL
from tests.client import Api, Json
from tests.demo.conftest import ARTICLES, demonstration


@pytest.fixture
async def articles(api: Api) -> list[Json]:
    """Return every article as lists show it, newest first."""
    articles: list[Json] = (await api.get("/articles", params={"limit": 100})).json()["articles"]
    return articles


@pytest.fixture
async def threads(api: Api, articles: list[Json]) -> list[tuple[Json, list[Json]]]:
    """Return every article with its comments, newest first."""
    answers = [(article, await api.get(f"/articles/{article['slug']}/comments")) for article in articles]
    return [(article, answer.json()["comments"]) for article, answer in answers]


class TestVisitor:
    async def test_logs_in_with_the_promised_password(self, api: Api) -> None:
        user = {"email": "john@example.com", "password": "password123"}
        answer = await api.post("/users/login", {"user": user})
        assert answer.json()["user"]["username"] == "johndoe"

    async def test_finds_a_full_feed_of_those_whom_he_follows(
        self, api: Api, visitor: dict[str, str]
    ) -> None:
        feed = (await api.get("/articles/feed", headers=visitor)).json()
        assert len(feed["articles"]) == 20 < feed["articlesCount"]
        assert all(article["author"]["following"] for article in feed["articles"])

    async def test_has_written_and_favoured_articles(
        self, api: Api, visitor: dict[str, str], articles: list[Json]
    ) -> None:
        own = (await api.get("/articles", params={"author": "johndoe"})).json()
        assert own["articlesCount"] == len(own["articles"]) > 0
        assert own["articles"] == [one for one in articles if one["author"]["username"] == "johndoe"]
        favorited = (await api.get("/articles", params={"favorited": "johndoe"}, headers=visitor)).json()
        assert favorited["articlesCount"] == len(favorited["articles"]) > 0
        assert all(article["favorited"] for article in favorited["articles"])

    async def test_can_act_like_any_user(self, api: Api, visitor: dict[str, str]) -> None:
        article = {"title": "My first", "description": "One of mine", "body": "Hello."}
        answer = await api.post("/articles", {"article": article}, headers=visitor)
        assert answer.status_code == 201


class TestPeople:
    async def test_have_bios_and_pictures_but_for_a_few(self, articles: list[Json]) -> None:
        authors = {article["author"]["username"]: article["author"] for article in articles}.values()
        assert len({author["bio"] for author in authors}) > 20
        pictures = [author["image"] for author in authors if author["image"]]
        assert len(authors) * 0.7 < len(pictures) < len(authors)
        assert all(picture.startswith("data:image/svg+xml;base64,") for picture in pictures)

    async def test_have_the_visitors_password(self, settings: Settings) -> None:
        assert _rows(settings, "SELECT count(DISTINCT password_hash) FROM users_account") == [(1,)]


class TestArticles:
    async def test_are_as_many_as_were_asked_for(self, api: Api, articles: list[Json]) -> None:
        assert (await api.get("/articles")).json()["articlesCount"] == len(articles) == ARTICLES

    async def test_have_slugs_that_are_left_to_no_chance(self, articles: list[Json]) -> None:
        for article in articles:
            assert article["slug"] == "-".join(re.findall(r"[a-z0-9]+", article["title"].lower()))

    async def test_are_spread_over_the_year_before_the_end(self, articles: list[Json]) -> None:
        moments = [datetime.fromisoformat(article["createdAt"]) for article in articles]
        assert moments == sorted(moments, reverse=True)
        assert UNTIL - timedelta(days=365) <= moments[-1] < moments[0] < UNTIL
        assert len({moment.month for moment in moments}) == 12

    async def test_have_tags_of_which_some_are_much_more_used(self, api: Api, articles: list[Json]) -> None:
        used = Counter(tag for article in articles for tag in article["tagList"])
        tags = (await api.get("/tags")).json()["tags"]
        assert tags == sorted(used, key=lambda tag: (-used[tag], tag))
        assert 25 <= len(tags) <= 35
        assert used[tags[0]] > 4 * used[tags[-1]]

    async def test_are_written_in_markdown(self, api: Api, articles: list[Json]) -> None:
        answers = [await api.get(f"/articles/{article['slug']}") for article in articles]
        bodies = [answer.json()["article"]["body"] for answer in answers]
        for body in bodies:
            assert re.search(r"^## \w", body, re.MULTILINE), "a heading"
            assert re.search(r"^```[a-z]+\n.+?^```$", body, re.MULTILINE | re.DOTALL), "code"
            assert re.search(r"^(- |1\. )", body, re.MULTILINE), "a list"
            assert re.search(r"[^!]\[[^]]+\]\(https://", body), "a link"
        assert any("\n> " in body for body in bodies), "quotes"
        assert any("![" in body for body in bodies), "pictures"
        assert len(set(bodies)) == ARTICLES


class TestFavorites:
    async def test_are_few_on_most_articles_and_many_on_some(self, articles: list[Json]) -> None:
        counts = sorted(article["favoritesCount"] for article in articles)
        assert 2 < sum(counts) / ARTICLES < 4
        assert counts[0] == 0
        assert counts[-1] >= 15


class TestTags:
    async def test_are_the_same_on_articles_and_beside_them(
        self, articles: list[Json], settings: Settings
    ) -> None:
        rows = _rows(settings, "SELECT slug, tag FROM articles_tag JOIN articles_article ON article_id = id")
        assert {(article["slug"], tag) for article in articles for tag in article["tagList"]} == set(rows)


class TestComments:
    async def test_are_none_on_many_articles_and_several_on_some(
        self, threads: list[tuple[Json, list[Json]]]
    ) -> None:
        lengths = sorted(len(comments) for _, comments in threads)
        assert lengths[ARTICLES // 3] == 0
        assert 3 < lengths[-1] <= 10
        assert 0.5 < sum(lengths) / ARTICLES < 1.5

    async def test_follow_their_article_and_come_before_the_end(
        self, threads: list[tuple[Json, list[Json]]]
    ) -> None:
        for article, comments in threads:
            for comment in comments:
                assert article["createdAt"] <= comment["createdAt"]
                assert datetime.fromisoformat(comment["createdAt"]) < UNTIL

    async def test_answer_people_who_spoke_before(self, threads: list[tuple[Json, list[Json]]]) -> None:
        named = 0
        for _, comments in threads:
            spoke: set[str] = set()
            for comment in reversed(comments):
                if name := re.search(r"@([\w.-]+\w)", comment["body"]):
                    assert name[1] in spoke
                    named += 1
                spoke.add(comment["author"]["username"])
        assert named > 5


class TestTwoDemonstrations:
    @pytest.fixture
    async def another(self, migrated: Path, tmp_path: Path) -> Path:
        return await demonstration(migrated, tmp_path / "another.db", ARTICLES)

    async def test_of_one_size_are_the_same(self, settings: Settings, another: Path) -> None:
        assert _content(_file(settings)) == _content(another)


def _content(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table. Password hashes are salted, and meant to differ."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE users_account SET password_hash = ''")
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            table: sorted(database.execute(f"SELECT * FROM {table}"), key=repr)  # noqa: S608
            for (table,) in tables
        }


def _rows(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(_file(settings))) as database:
        return database.execute(statement).fetchall()


def _file(settings: Settings) -> Path:
    return Path(settings.database_url.removeprefix("sqlite+aiosqlite:///"))
