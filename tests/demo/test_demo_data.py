"""The demo data as a frontend shows it."""

import re
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conduit_app.settings import Settings
from tests.client import Api, Json
from tests.demo.conftest import ARTICLES, UNTIL, create_demo


@pytest.fixture
async def articles(api: Api) -> list[Json]:
    """Return all articles as lists return them, newest first."""
    articles: list[Json] = (await api.get("/articles", params={"limit": 100})).json()["articles"]
    return articles


@pytest.fixture
async def threads(api: Api, articles: list[Json]) -> list[tuple[Json, list[Json]]]:
    """Return all articles with their comments, newest first."""
    responses = [(article, await api.get(f"/articles/{article['slug']}/comments")) for article in articles]
    return [(article, response.json()["comments"]) for article, response in responses]


class TestDemoUser:
    async def test_demo_user_logs_in_with_the_documented_password(self, api: Api) -> None:
        user = {"email": "john@example.com", "password": "password123"}
        response = await api.post("/users/login", {"user": user})
        assert response.json()["user"]["username"] == "johndoe"

    async def test_demo_user_has_a_full_feed(self, api: Api, demo_user: dict[str, str]) -> None:
        feed = (await api.get("/articles/feed", headers=demo_user)).json()
        assert len(feed["articles"]) == 20 < feed["articlesCount"]
        assert all(article["author"]["following"] for article in feed["articles"])

    async def test_demo_user_has_articles_and_favorites(
        self, api: Api, demo_user: dict[str, str], articles: list[Json]
    ) -> None:
        own = (await api.get("/articles", params={"author": "johndoe"})).json()
        assert own["articlesCount"] == len(own["articles"]) > 0
        assert own["articles"] == [
            article for article in articles if article["author"]["username"] == "johndoe"
        ]
        favorited = (await api.get("/articles", params={"favorited": "johndoe"}, headers=demo_user)).json()
        assert favorited["articlesCount"] == len(favorited["articles"]) > 0
        assert all(article["favorited"] for article in favorited["articles"])

    async def test_demo_user_can_publish(self, api: Api, demo_user: dict[str, str]) -> None:
        article = {"title": "My first", "description": "One of mine", "body": "Hello."}
        response = await api.post("/articles", {"article": article}, headers=demo_user)
        assert response.status_code == 201


class TestUsers:
    async def test_most_users_have_a_bio_and_an_image(self, articles: list[Json]) -> None:
        authors = {article["author"]["username"]: article["author"] for article in articles}.values()
        assert len({author["bio"] for author in authors}) > 20
        images = [author["image"] for author in authors if author["image"]]
        assert len(authors) * 0.7 < len(images) < len(authors)
        assert all(image.startswith("data:image/png;base64,") for image in images)

    async def test_all_users_have_one_password_hash(self, settings: Settings) -> None:
        assert _rows(settings, "SELECT count(DISTINCT password_hash) FROM users_account") == [(1,)]


class TestArticles:
    async def test_number_of_articles_is_as_requested(self, api: Api, articles: list[Json]) -> None:
        assert (await api.get("/articles")).json()["articlesCount"] == len(articles) == ARTICLES

    async def test_slugs_are_derived_from_titles_without_random_suffix(self, articles: list[Json]) -> None:
        for article in articles:
            assert article["slug"] == "-".join(re.findall(r"[a-z0-9]+", article["title"].lower()))

    async def test_articles_are_spread_over_the_last_year(self, articles: list[Json]) -> None:
        moments = [datetime.fromisoformat(article["createdAt"]) for article in articles]
        assert moments == sorted(moments, reverse=True)
        assert UNTIL - timedelta(days=365) <= moments[-1] < moments[0] < UNTIL
        assert len({moment.month for moment in moments}) == 12

    async def test_some_tags_are_much_more_used(self, api: Api, articles: list[Json]) -> None:
        uses = Counter(tag for article in articles for tag in article["tagList"])
        tags = (await api.get("/tags")).json()["tags"]
        assert tags == sorted(uses, key=lambda tag: (-uses[tag], tag))
        assert 25 <= len(tags) <= 35
        assert uses[tags[0]] > 4 * uses[tags[-1]]

    async def test_bodies_are_markdown(self, api: Api, articles: list[Json]) -> None:
        responses = [await api.get(f"/articles/{article['slug']}") for article in articles]
        bodies = [response.json()["article"]["body"] for response in responses]
        for body in bodies:
            assert re.search(r"^## \w", body, re.MULTILINE), "a heading"
            assert re.search(r"^```[a-z]+\n.+?^```$", body, re.MULTILINE | re.DOTALL), "code"
            assert re.search(r"^(- |1\. )", body, re.MULTILINE), "a list"
            assert re.search(r"[^!]\[[^]]+\]\(https://", body), "a link"
        assert any("\n> " in body for body in bodies), "quotes"
        assert any("![" in body for body in bodies), "pictures"
        assert len(set(bodies)) == ARTICLES


class TestFavorites:
    async def test_favorites_are_few_on_most_articles_and_many_on_some(self, articles: list[Json]) -> None:
        counts = sorted(article["favoritesCount"] for article in articles)
        assert 2 < sum(counts) / ARTICLES < 4
        assert counts[0] == 0
        assert counts[-1] >= 15


class TestTags:
    async def test_tag_rows_equal_the_tag_lists_of_articles(
        self, articles: list[Json], settings: Settings
    ) -> None:
        rows = _rows(settings, "SELECT slug, tag FROM articles_tag JOIN articles_article ON article_id = id")
        assert {(article["slug"], tag) for article in articles for tag in article["tagList"]} == set(rows)


class TestComments:
    async def test_comments_are_absent_on_many_articles_and_several_on_some(
        self, threads: list[tuple[Json, list[Json]]]
    ) -> None:
        lengths = sorted(len(comments) for _, comments in threads)
        assert lengths[ARTICLES // 3] == 0
        assert 3 < lengths[-1] <= 10
        assert 0.5 < sum(lengths) / ARTICLES < 1.5

    async def test_comments_are_later_than_their_article_and_within_the_demo(
        self, threads: list[tuple[Json, list[Json]]]
    ) -> None:
        for article, comments in threads:
            for comment in comments:
                assert article["createdAt"] <= comment["createdAt"]
                assert datetime.fromisoformat(comment["createdAt"]) < UNTIL

    async def test_replies_name_earlier_commenters(self, threads: list[tuple[Json, list[Json]]]) -> None:
        mentions = 0
        for _, comments in threads:
            commenters: set[str] = set()
            for comment in reversed(comments):
                if name := re.search(r"@([\w.-]+\w)", comment["body"]):
                    assert name[1] in commenters
                    mentions += 1
                commenters.add(comment["author"]["username"])
        assert mentions > 5


class TestTwoDemos:
    @pytest.fixture
    async def other_demo(self, migrated: Path, tmp_path: Path) -> Path:
        return await create_demo(migrated, tmp_path / "other.db", ARTICLES)

    async def test_demos_of_one_size_are_equal(self, settings: Settings, other_demo: Path) -> None:
        assert _content(_file(settings)) == _content(other_demo)


def _content(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables, without the salted password hashes and the random epochs."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE users_account SET password_hash = '', session_epoch = ''")
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
