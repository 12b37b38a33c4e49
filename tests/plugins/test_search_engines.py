"""What search promises of its index, on SQLite's FTS5 and on PostgreSQL's text search alike."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text

from conduit_app.migrations.runner import check_models, downgrade, migrate
from conduit_search.domain.query import Query
from conduit_search.domain.searching import Document, Indexer, document
from conduit_search.infrastructure.engine import word_index
from conduit_search.infrastructure.index import SqlSearchIndex
from conduit_search.module import MODULE
from modules.articles.contracts import (
    ArticleContent,
    ArticleDeleted,
    ArticleEdited,
    ArticleId,
    ArticlePublished,
)
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.fakes import FakeProfileReader
from modules.users.contracts import UserRenamed
from tests import postgresql

JAKE = UserId(1)


@dataclass
class Scene:
    """An index on one engine, and the articles around it."""

    database: Database
    index: SqlSearchIndex
    indexer: Indexer
    articles: FakeArticleDirectory
    profiles: FakeProfileReader

    async def put(self, number: int, **parts: str) -> None:
        """Index an article that has words in these parts, and no others."""
        await self.index.put([made(number, minutes=0, tags=(), **parts)])

    async def found(self, query: str, page: PageRequest | None = None) -> Sequence[int]:
        """Return the articles that a query finds, the best first."""
        return (await self.index.find(Query(query), page or PageRequest())).articles


class VanishingArticles(FakeArticleDirectory):
    """Articles that are deleted at the very moment at which somebody wants to hold them."""

    async def lock_authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        """Return that there are none."""
        await super().lock_authors(ids)
        return {}


def made(number: int, *, minutes: int = 0, tags: Sequence[str] = (), **parts: str) -> Document:
    """Return a document that has words in these parts, and no others, changed at noon or later."""
    article = ArticleContent(
        slug=f"article-{number}",
        title=parts.get("title", ""),
        description=parts.get("description", ""),
        body=parts.get("body", ""),
        tag_list=tuple(tags),
        created_at=NOON,
        updated_at=NOON + timedelta(minutes=minutes),
        author_id=JAKE,
        author=parts.get("author", ""),
    )
    return document(ArticleId(number), article)


@pytest.fixture(scope="module")
async def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    file = tmp_path_factory.mktemp("search") / "search.db"
    database = Database(f"sqlite+aiosqlite:///{file}", synchronous="NORMAL")
    await migrate(database, [MODULE])
    yield database
    await database.dispose()


@pytest.fixture(scope="module")
async def postgresql_database() -> AsyncIterator[Database]:
    with postgresql.new_database() as url:
        database = Database(url)
        await migrate(database, [MODULE])
        yield database
        await database.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    database: Database = request.getfixturevalue(f"{request.param}_database")
    return database


@pytest.fixture
async def scene(database: Database) -> Scene:
    index = SqlSearchIndex(database, word_index(database))
    await index.remove(await index.all_ids())
    profiles = FakeProfileReader()
    articles = FakeArticleDirectory(database, profiles)
    return Scene(database, index, Indexer(database, index, articles), articles, profiles)


class TestFinding:
    @pytest.mark.parametrize("part", ["title", "description", "body", "author"])
    async def test_a_word_is_found_in_every_part(self, scene: Scene, part: str) -> None:
        await scene.put(1, **{part: "Here be dragons"})
        await scene.put(2, **{part: "Here be castles"})
        assert await scene.found("dragons") == [1]

    async def test_a_word_is_found_in_tags(self, scene: Scene) -> None:
        await scene.index.put([made(1, tags=["fire", "sea monsters"]), made(2)])
        assert await scene.found("monsters") == [1]

    async def test_every_word_must_occur_in_whatever_part_and_order(self, scene: Scene) -> None:
        await scene.put(1, title="Green dragons", author="jake", body="They breathe fire.")
        await scene.put(2, title="Green castles", author="jake")
        assert await scene.found("fire jake green") == [1]
        assert await scene.found("green jake") == [2, 1]
        assert await scene.found("fire water") == []

    async def test_case_and_accents_make_no_difference(self, scene: Scene) -> None:
        await scene.put(1, title="ÉLÉPHANTS at the Café, Straße")
        for query in ("éléphants", "elephants", "Elephants CAFE", "strasse", "STRAẞE", "cafe\u0301"):
            assert await scene.found(query) == [1], query

    async def test_a_word_of_three_letters_begins_others_and_a_shorter_one_does_not(
        self, scene: Scene
    ) -> None:
        await scene.put(1, title="Dragons")
        assert await scene.found("dra") == [1]
        assert await scene.found("dr") == []
        assert await scene.found("ragons") == []

    async def test_what_is_between_words_is_no_part_of_them(self, scene: Scene) -> None:
        await scene.put(1, body="See https://example.com/fire-place/a_b?c=d, e.g. jake@mail.org: 3.14 C++ 🐉")
        for word in ("example", "com", "fire", "place", "a", "b", "mail", "org", "14", "c", "e g"):
            assert await scene.found(word) == [1], word

    @pytest.mark.parametrize(
        "word", ["дракон", "δράκων", "ドラゴン", "龍", "हिन्दी", "ไทย", "تنين", "𞤀𞤁𞤂", "½", "x" * 200]
    )
    async def test_words_of_every_script_are_found(self, scene: Scene, word: str) -> None:
        await scene.put(1, body=f"the {word} said")
        await scene.put(2, body="the dragon said")
        assert await scene.found(word) == [1]

    @pytest.mark.parametrize(
        "query",
        [
            '"dragons',
            "dragons*",
            "*dragons",
            "dragons NEAR(",
            "NEAR(dragons near)",
            "-dragons",
            "title:dragons",
            "{title}: dragons",
            "^dragons",
            "dragons + near",
            "(dragons & near) | !",
            "dragons <-> near",
            "dragons:*A",
            "' dragons '' \\",
            "'; DROP TABLE search_document; -- dragons",
            "% dragons _",
            "\x01dragons\x00",
        ],
    )
    async def test_operators_are_nothing_but_words_or_nothing(self, scene: Scene, query: str) -> None:
        await scene.put(1, title="dragons near", body="title drop table search document a")
        await scene.put(2, title="castles")
        assert await scene.found(query) == [1]

    async def test_operators_in_words_are_words(self, scene: Scene) -> None:
        await scene.put(1, title="dragons and castles")
        await scene.put(2, title="dragons")
        assert await scene.found("dragons AND castles") == [1]
        assert await scene.found("dragons OR castles") == []
        assert await scene.found("dragons NOT castles") == []

    async def test_an_article_of_nothing_but_different_words_is_found(self, scene: Scene) -> None:
        await scene.put(1, title="Long", body=" ".join(f"{number:05d}龍龍" for number in range(20_000)))
        assert await scene.found("long 00001") == [1]

    async def test_an_article_of_one_word_many_times_is_found(self, scene: Scene) -> None:
        await scene.put(1, title="Long", body="fire " * 19_999 + "last")
        assert await scene.found("long fire last") == [1]


class TestRanking:
    async def test_a_title_weighs_more_than_a_tag_and_that_more_than_the_body(self, scene: Scene) -> None:
        filling = "lorem ipsum dolor sit amet"
        await scene.index.put(
            [
                made(1, title="Dragons", body=filling),
                made(2, title=filling, tags=["dragons"], body=filling),
                made(3, title=filling, description="dragons", body=filling),
                made(4, title=filling, body=f"{filling} dragons"),
                # What is in most articles says little.
                *(made(number, title="Castles", body=filling) for number in range(5, 30)),
            ]
        )
        assert await scene.found("dragons") == [1, 2, 3, 4]

    async def test_of_equals_the_newer_article_comes_first(self, scene: Scene) -> None:
        for number in (2, 3, 1):
            await scene.put(number, title="Dragons")
        assert await scene.found("dragons") == [3, 2, 1]

    async def test_pages_follow_each_other_and_the_count_is_of_all(self, scene: Scene) -> None:
        await scene.index.put([made(number, title="Dragons") for number in range(1, 6)])
        assert await scene.found("dragons", PageRequest(2, 0)) == [5, 4]
        assert await scene.found("dragons", PageRequest(2, 4)) == [1]
        assert await scene.found("dragons", PageRequest(2, 6)) == []
        assert (await scene.index.find(Query("dragons"), PageRequest(2, 6))).count == 5


async def test_postgresql_finds_words_by_the_index(postgresql_database: Database) -> None:
    statement = text("EXPLAIN SELECT article_id FROM search_words WHERE words @@ CAST(:query AS tsquery)")
    async with postgresql_database.snapshot() as session:
        # A table this small is read faster than an index.
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(await session.scalars(statement, {"query": "'dragons':*"}))
    assert "ix_search_words_words" in plan


class TestKeeping:
    async def test_a_newer_document_takes_the_place_of_an_older_one_and_never_the_reverse(
        self, scene: Scene
    ) -> None:
        old, new = made(1, title="Dragons"), made(1, title="Wyverns", minutes=1)
        await scene.index.put([old])
        await scene.index.put([new])
        await scene.index.put([old])
        assert (await scene.found("wyverns"), await scene.found("dragons")) == ([1], [])

    async def test_what_is_removed_is_not_found_and_removing_it_again_is_no_error(self, scene: Scene) -> None:
        await scene.index.put([made(1, title="Dragons"), made(2, title="Dragons")])
        for _ in range(2):
            await scene.index.remove([ArticleId(1)])
        assert await scene.found("dragons") == [2]
        assert await scene.index.all_ids() == [2]

    async def test_models_and_migrations_agree_and_can_be_undone(self, scene: Scene) -> None:
        await check_models(scene.database, MODULE)
        await downgrade(scene.database, MODULE)
        await migrate(scene.database, [MODULE])
        await check_models(scene.database, MODULE)


class TestEvents:
    async def test_an_article_is_found_as_it_is_and_no_more_once_it_is_gone(self, scene: Scene) -> None:
        dragons = scene.articles.add("dragons", author=scene.profiles.add("jake"), title="Dragons")
        await scene.indexer.on_article_published(ArticlePublished(dragons))
        assert await scene.found("dragons jake") == [dragons]
        scene.articles.edit(dragons, title="Wyverns", at=NOON + timedelta(minutes=1))
        await scene.indexer.on_article_edited(ArticleEdited(dragons))
        assert await scene.found("wyverns") == [dragons]
        await scene.articles.remove(dragons)
        await scene.indexer.on_article_deleted(ArticleDeleted(dragons))
        assert await scene.found("wyverns") == []

    async def test_an_article_that_is_gone_already_is_not_indexed(self, scene: Scene) -> None:
        dragons = scene.articles.add("dragons", author=scene.profiles.add("jake"))
        await scene.articles.remove(dragons)
        await scene.indexer.on_article_published(ArticlePublished(dragons))
        assert await scene.index.all_ids() == []

    async def test_an_article_that_cannot_be_held_any_more_is_not_indexed(self, scene: Scene) -> None:
        vanishing = VanishingArticles(scene.database, scene.profiles)
        dragons = vanishing.add("dragons", author=scene.profiles.add("jake"))
        indexing = Indexer(scene.database, scene.index, vanishing)
        await indexing.on_article_published(ArticlePublished(dragons))
        assert await scene.index.all_ids() == []

    async def test_the_articles_of_a_user_are_found_by_the_new_name(self, scene: Scene) -> None:
        jake, anna = scene.profiles.add("jake"), scene.profiles.add("anna")
        his, hers = scene.articles.add("his", author=jake), scene.articles.add("hers", author=anna)
        await scene.indexer.rebuild()
        scene.profiles.rename(jake, "jacob")
        await scene.indexer.on_user_renamed(UserRenamed(jake))
        assert (await scene.found("jacob"), await scene.found("jake")) == ([his], [])
        assert await scene.found("anna") == [hers]


class TestRebuild:
    async def test_it_indexes_what_is_there_and_forgets_what_is_not(self, scene: Scene) -> None:
        jake = scene.profiles.add("jake")
        articles = [scene.articles.add(f"dragons-{number}", author=jake) for number in range(250)]
        await scene.put(articles[-1] + 1, title="Gone")
        assert await scene.indexer.rebuild() == 250
        assert sorted(await scene.index.all_ids()) == articles
        assert (await scene.index.find(Query("dragons"), PageRequest())).count == 250

    async def test_twice_is_once(self, scene: Scene) -> None:
        scene.articles.add("dragons", author=scene.profiles.add("jake"))
        assert [await scene.indexer.rebuild(), await scene.indexer.rebuild()] == [1, 1]
        assert (await scene.index.find(Query("dragons"), PageRequest())).count == 1
