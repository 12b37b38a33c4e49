"""The search index on both engines: SQLite's FTS5 and PostgreSQL's tsvector."""

from collections.abc import AsyncIterator, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from conduit_app.migrations.runner import check_models, downgrade, migrate
from conduit_search.contracts import PublicArticlesIndexed, RenamedAuthorIndexed
from conduit_search.domain.query import Query
from conduit_search.domain.searching import BATCH_SIZE, MAX_BATCH_LENGTH, Document, Indexer, document
from conduit_search.infrastructure.checks import consistency_checks
from conduit_search.infrastructure.engine import word_index
from conduit_search.infrastructure.fts5 import HAS_SECURE_DELETE
from conduit_search.infrastructure.index import SqlSearchIndex
from conduit_search.module import MODULE
from modules.articles.contracts import (
    ArticleContent,
    ArticleEdited,
    ArticleId,
    ArticlePublished,
    ArticlesDeleted,
    ArticlesMadePublic,
    ArticlesRestricted,
)
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.domain.events import Effect, Event
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.messaging.event_bus import EventBus
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.engines import DatabaseOptions
from modules.profiles.fakes import FakeProfileReader
from modules.users.contracts import UserRenamed
from tests import postgresql

JAKE = UserId(1)


@dataclass
class Context:
    """An index on one engine, with fakes of articles and profiles."""

    database: Database
    index: SqlSearchIndex
    indexer: Indexer
    articles: FakeArticleDirectory
    profiles: FakeProfileReader
    continuations: list[Any]
    """The published events, of which search handles each as the next batch."""

    async def rename(self, author_id: UserId, username: str) -> None:
        """Rename an author, and let search handle it to the end."""
        self.profiles.rename(author_id, username)
        await self.handle(self.indexer.on_user_renamed(UserRenamed(author_id)))
        while self.continuations:
            await self.handle(self.indexer.on_renamed_author_indexed(self.continuations.pop()))

    async def handle(self, preparation: Coroutine[object, object, Effect]) -> None:
        """Prepare an event and call its effect in a transaction, as the outbox does."""
        effect = await preparation
        async with self.database.transaction():
            await effect()

    async def upsert(self, number: int, **parts: str) -> None:
        """Index an article with these parts."""
        await self.index.upsert([make_document(number, minutes=0, tags=(), **parts)])

    async def search(self, query: str, page: PageRequest | None = None) -> Sequence[int]:
        """Return the articles that match a query, best match first."""
        return (await self.index.find(Query(query), page or PageRequest())).articles


async def interrupted(database: Database, effect: Effect) -> None:
    """Roll an effect back after it was called."""
    async with database.transaction():
        await effect()
        raise LookupError("interrupted")


class ConcurrentlyDeletedArticles(FakeArticleDirectory):
    """Articles that are deleted by another transaction just before they are locked."""

    async def lock_authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        """Return no authors."""
        await super().lock_authors(ids)
        return {}


class ArticlesMadePublicMeanwhile(FakeArticleDirectory):
    """Articles whose restrictions are lifted by another transaction just before they are locked."""

    async def lock_authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        for article_id in ids:
            self.make_public(article_id)
        return await super().lock_authors(ids)


def make_document(number: int, *, minutes: int = 0, tags: Sequence[str] = (), **parts: str) -> Document:
    """Return a document with these parts, updated some minutes after noon."""
    content = ArticleContent(
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
    return document(ArticleId(number), content)


@pytest.fixture(scope="module")
async def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    file = tmp_path_factory.mktemp("search") / "search.db"
    database = Database(f"sqlite+aiosqlite:///{file}", DatabaseOptions(synchronous="NORMAL"))
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
async def context(database: Database) -> Context:
    index = SqlSearchIndex(database, word_index(database))
    await index.delete(await index.all_ids())
    profiles = FakeProfileReader()
    articles = FakeArticleDirectory(database, profiles)
    continuations: list[Event] = []

    async def record(event: Event) -> None:
        continuations.append(event)

    events = EventBus(database)
    for event in (RenamedAuthorIndexed, PublicArticlesIndexed):
        events.subscribe(event, lambda: record)
    indexer = Indexer(database, index, articles, events)
    return Context(database, index, indexer, articles, profiles, continuations)


class TestFind:
    @pytest.mark.parametrize("part", ["title", "description", "body", "author"])
    async def test_word_is_found_in_every_part(self, context: Context, part: str) -> None:
        await context.upsert(1, **{part: "Here be dragons"})
        await context.upsert(2, **{part: "Here be castles"})
        assert await context.search("dragons") == [1]

    async def test_word_is_found_in_tags(self, context: Context) -> None:
        await context.index.upsert([make_document(1, tags=["fire", "sea monsters"]), make_document(2)])
        assert await context.search("monsters") == [1]

    async def test_every_word_must_occur_in_any_part_and_order(self, context: Context) -> None:
        await context.upsert(1, title="Green dragons", author="jake", body="They breathe fire.")
        await context.upsert(2, title="Green castles", author="jake")
        assert await context.search("fire jake green") == [1]
        assert await context.search("green jake") == [2, 1]
        assert await context.search("fire water") == []

    async def test_case_and_accents_are_ignored(self, context: Context) -> None:
        await context.upsert(1, title="ÉLÉPHANTS at the Café, Straße")
        for query in ("éléphants", "elephants", "Elephants CAFE", "strasse", "STRAẞE", "cafe\u0301"):
            assert await context.search(query) == [1], query

    async def test_word_of_three_letters_matches_as_a_prefix(self, context: Context) -> None:
        await context.upsert(1, title="Dragons")
        assert await context.search("dra") == [1]
        assert await context.search("dr") == []
        assert await context.search("ragons") == []

    async def test_punctuation_separates_words(self, context: Context) -> None:
        await context.upsert(
            1, body="See https://example.com/fire-place/a_b?c=d, e.g. jake@mail.org: 3.14 C++ 🐉"
        )
        for word in ("example", "com", "fire", "place", "a", "b", "mail", "org", "14", "c", "e g"):
            assert await context.search(word) == [1], word

    @pytest.mark.parametrize(
        "word", ["дракон", "δράκων", "ドラゴン", "龍", "हिन्दी", "ไทย", "تنين", "𞤀𞤁𞤂", "½", "x" * 200]
    )
    async def test_words_of_every_script_are_found(self, context: Context, word: str) -> None:
        await context.upsert(1, body=f"the {word} said")
        await context.upsert(2, body="the dragon said")
        assert await context.search(word) == [1]

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
            "\x01dragons\x02",
        ],
    )
    async def test_operators_are_words_or_ignored(self, context: Context, query: str) -> None:
        await context.upsert(1, title="dragons near", body="title drop table search document a")
        await context.upsert(2, title="castles")
        assert await context.search(query) == [1]

    async def test_operator_keywords_are_words(self, context: Context) -> None:
        await context.upsert(1, title="dragons and castles")
        await context.upsert(2, title="dragons")
        assert await context.search("dragons AND castles") == [1]
        assert await context.search("dragons OR castles") == []
        assert await context.search("dragons NOT castles") == []

    async def test_article_of_20_000_distinct_words_is_found(self, context: Context) -> None:
        await context.upsert(1, title="Long", body=" ".join(f"{number:05d}龍龍" for number in range(20_000)))
        assert await context.search("long 00001") == [1]

    async def test_article_of_one_repeated_word_is_found(self, context: Context) -> None:
        await context.upsert(1, title="Long", body="fire " * 19_999 + "last")
        assert await context.search("long fire last") == [1]


class TestRanking:
    async def test_title_weighs_more_than_tags_description_and_body(self, context: Context) -> None:
        filling = "lorem ipsum dolor sit amet"
        await context.index.upsert(
            [
                make_document(1, title="Dragons", body=filling),
                make_document(2, title=filling, tags=["dragons"], body=filling),
                make_document(3, title=filling, description="dragons", body=filling),
                make_document(4, title=filling, body=f"{filling} dragons"),
                # More articles, because ranking discounts words that occur in most of them.
                *(make_document(number, title="Castles", body=filling) for number in range(5, 30)),
            ]
        )
        assert await context.search("dragons") == [1, 2, 3, 4]

    async def test_equal_ranks_are_ordered_newest_first(self, context: Context) -> None:
        for number in (2, 3, 1):
            await context.upsert(number, title="Dragons")
        assert await context.search("dragons") == [3, 2, 1]

    async def test_limit_and_offset_choose_the_page_and_the_count_is_total(self, context: Context) -> None:
        await context.index.upsert([make_document(number, title="Dragons") for number in range(1, 6)])
        assert await context.search("dragons", PageRequest(2, 0)) == [5, 4]
        assert await context.search("dragons", PageRequest(2, 4)) == [1]
        assert await context.search("dragons", PageRequest(2, 6)) == []
        assert (await context.index.find(Query("dragons"), PageRequest(2, 6))).count == 5


async def test_postgresql_uses_the_gin_index(postgresql_database: Database) -> None:
    statement = text("EXPLAIN SELECT article_id FROM search_words WHERE words @@ CAST(:query AS tsquery)")
    async with postgresql_database.snapshot() as session:
        # The planner prefers a sequential scan for a table this small.
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(await session.scalars(statement, {"query": "'dragons':*"}))
    assert "ix_search_words_words" in plan


class TestStorage:
    async def test_newer_document_replaces_an_older_one_only(self, context: Context) -> None:
        old, new = make_document(1, title="Dragons"), make_document(1, title="Wyverns", minutes=1)
        await context.index.upsert([old])
        await context.index.upsert([new])
        await context.index.upsert([old])
        assert (await context.search("wyverns"), await context.search("dragons")) == ([1], [])

    async def test_deleted_article_is_not_found_and_deletion_is_idempotent(self, context: Context) -> None:
        await context.index.upsert([make_document(1, title="Dragons"), make_document(2, title="Dragons")])
        for _ in range(2):
            await context.index.delete([ArticleId(1)])
        assert await context.search("dragons") == [2]
        assert await context.index.all_ids() == [2]

    async def test_migrations_match_models_and_are_reversible(self, context: Context) -> None:
        await check_models(context.database, MODULE)
        await downgrade(context.database, MODULE)
        await migrate(context.database, [MODULE])
        await check_models(context.database, MODULE)


async def stored_words(database: Database) -> bytes:
    """Return the storage of FTS5's index."""
    async with database.snapshot() as session:
        return b"".join(await session.scalars(text("SELECT block FROM search_words_data")))


async def test_words_of_deleted_articles_leave_the_storage(sqlite_database: Database) -> None:
    """At once with SQLite 3.42 and newer; with older versions when the index is rebuilt."""
    index = SqlSearchIndex(sqlite_database, word_index(sqlite_database))
    await index.upsert([make_document(number, body=f"zyzzyva {number}") for number in range(1, 50)])
    assert b"zyzzyva" in await stored_words(sqlite_database)
    await index.delete(await index.all_ids())
    if not HAS_SECURE_DELETE:
        await index.purge()
    assert b"zyzzyva" not in await stored_words(sqlite_database)


async def test_purged_index_finds_the_same(context: Context) -> None:
    for number in range(1, 50):
        await context.upsert(number, title="Dragons")
    await context.index.delete([ArticleId(7)])
    found = await context.search("dragons", PageRequest(100))
    await context.index.purge()
    assert await context.search("dragons", PageRequest(100)) == found
    assert len(found) == 48


class TestEvents:
    async def test_events_update_the_index(self, context: Context) -> None:
        dragons = context.articles.add("dragons", author=context.profiles.add("jake"), title="Dragons")
        await context.handle(context.indexer.on_article_published(ArticlePublished(dragons)))
        assert await context.search("dragons jake") == [dragons]
        context.articles.edit(dragons, title="Wyverns", at=NOON + timedelta(minutes=1))
        await context.handle(context.indexer.on_article_edited(ArticleEdited(dragons)))
        assert await context.search("wyverns") == [dragons]
        await context.articles.remove(dragons)
        await context.indexer.on_articles_deleted(ArticlesDeleted(1, (dragons,)))
        assert await context.search("wyverns") == []

    async def test_deleted_article_is_not_indexed(self, context: Context) -> None:
        dragons = context.articles.add("dragons", author=context.profiles.add("jake"))
        await context.articles.remove(dragons)
        await context.handle(context.indexer.on_article_published(ArticlePublished(dragons)))
        assert await context.index.all_ids() == []

    async def test_concurrently_deleted_article_is_not_indexed(self, context: Context) -> None:
        articles = ConcurrentlyDeletedArticles(context.database, context.profiles)
        dragons = articles.add("dragons", author=context.profiles.add("jake"))
        indexer = Indexer(context.database, context.index, articles, EventBus(context.database))
        await context.handle(indexer.on_article_published(ArticlePublished(dragons)))
        assert await context.index.all_ids() == []

    async def test_renamed_author_is_found_by_the_new_name_only(self, context: Context) -> None:
        jake, anna = context.profiles.add("jake"), context.profiles.add("anna")
        his, hers = context.articles.add("his", author=jake), context.articles.add("hers", author=anna)
        await context.indexer.rebuild()
        await context.rename(jake, "jacob")
        assert (await context.search("jacob"), await context.search("jake")) == ([his], [])
        assert await context.search("anna") == [hers]

    async def test_article_edited_after_it_was_prepared_is_indexed_as_edited(self, context: Context) -> None:
        dragons = context.articles.add("dragons", author=context.profiles.add("jake"), title="Castles")
        index_it = await context.indexer.on_article_published(ArticlePublished(dragons))
        context.articles.edit(dragons, title="Wyverns", at=NOON + timedelta(minutes=1))
        async with context.database.transaction():
            await index_it()
        assert (await context.search("wyverns"), await context.search("castles")) == ([dragons], [])

    async def test_author_renamed_after_an_article_was_prepared_is_found(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        dragons = context.articles.add("dragons", author=jake)
        index_it = await context.indexer.on_article_published(ArticlePublished(dragons))
        context.profiles.rename(jake, "jacob")
        async with context.database.transaction():
            await index_it()
        assert (await context.search("jacob"), await context.search("jake")) == ([dragons], [])


class TestRestrictions:
    async def test_restricted_article_is_not_found_and_edits_do_not_index_it(self, context: Context) -> None:
        dragons = context.articles.add("dragons", author=context.profiles.add("jake"))
        await context.handle(context.indexer.on_article_published(ArticlePublished(dragons)))
        context.articles.restrict(dragons, seen_by=[JAKE])
        await context.indexer.on_articles_restricted(ArticlesRestricted(dragons, (dragons,)))
        await context.handle(context.indexer.on_article_edited(ArticleEdited(dragons)))
        assert await context.index.all_ids() == []

    async def test_article_restricted_after_it_was_prepared_is_not_indexed(self, context: Context) -> None:
        dragons = context.articles.add("dragons", author=context.profiles.add("jake"))
        index_it = await context.indexer.on_article_published(ArticlePublished(dragons))
        context.articles.restrict(dragons)
        async with context.database.transaction():
            await index_it()
        assert await context.index.all_ids() == []

    async def test_articles_made_public_are_indexed_in_batches(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        ids = tuple(
            context.articles.add(f"dragons-{number}", author=jake) for number in range(2 * BATCH_SIZE + 1)
        )
        await context.handle(context.indexer.on_articles_made_public(ArticlesMadePublic(ids[0], ids)))
        assert context.continuations == [PublicArticlesIndexed(ids[BATCH_SIZE - 1], ids[BATCH_SIZE:])]
        while context.continuations:
            await context.handle(context.indexer.on_public_articles_indexed(context.continuations.pop()))
        assert sorted(await context.index.all_ids()) == list(ids)

    async def test_article_made_public_after_a_rebuild_has_read_it_stays_indexed(
        self, context: Context
    ) -> None:
        articles = ArticlesMadePublicMeanwhile(context.database, context.profiles)
        dragons = articles.add("dragons", author=context.profiles.add("jake"))
        indexer = Indexer(context.database, context.index, articles, EventBus(context.database))
        await context.handle(indexer.on_article_published(ArticlePublished(dragons)))
        articles.restrict(dragons)
        await indexer.rebuild()
        assert await context.index.all_ids() == [dragons]

    async def test_rebuild_and_check_find_an_article_restricted_while_search_was_disabled(
        self, context: Context
    ) -> None:
        dragons = context.articles.add("dragons", author=context.profiles.add("jake"))
        await context.indexer.rebuild()
        context.articles.restrict(dragons)
        [check] = consistency_checks(context.database, context.index, context.indexer, context.articles)
        found = [difference.text async for difference in check.differences()]
        assert found == [f"article {dragons} is restricted"]
        assert await context.indexer.rebuild() == 0
        assert await context.index.all_ids() == []


class TestRename:
    """A rename of an author with many articles: batches, each a transaction of its own."""

    NUMBER = 2 * BATCH_SIZE + 1

    @pytest.fixture
    async def jake(self, context: Context) -> UserId:
        """Return an author with several batches of articles."""
        jake = context.profiles.add("jake")
        for number in range(self.NUMBER):
            context.articles.add(f"dragons-{number}", author=jake)
        await context.indexer.rebuild()
        return jake

    async def count(self, context: Context, query: str) -> int:
        return (await context.index.find(Query(query), PageRequest())).count

    async def test_one_transaction_indexes_one_batch(self, context: Context, jake: UserId) -> None:
        context.profiles.rename(jake, "jacob")
        await context.handle(context.indexer.on_user_renamed(UserRenamed(jake)))
        assert await self.count(context, "jacob") == BATCH_SIZE
        assert len(context.continuations) == 1

    async def test_long_articles_make_small_batches(self, context: Context) -> None:
        anna = context.profiles.add("anna")
        body = "dragon " * (MAX_BATCH_LENGTH // 7 // 2)
        ids = [context.articles.add(f"long-{number}", author=anna, body=body) for number in range(5)]
        await context.indexer.rebuild()
        context.profiles.rename(anna, "annabel")
        await context.handle(context.indexer.on_user_renamed(UserRenamed(anna)))
        assert context.continuations == [RenamedAuthorIndexed(ids[1], anna)]
        assert await self.count(context, "annabel") == 2

    async def test_all_batches_are_indexed(self, context: Context, jake: UserId) -> None:
        await context.rename(jake, "jacob")
        assert (await self.count(context, "jacob"), await self.count(context, "jake")) == (self.NUMBER, 0)

    async def test_failed_batch_is_repeated_and_those_before_are_not(
        self, context: Context, jake: UserId
    ) -> None:
        context.profiles.rename(jake, "jacob")
        await context.handle(context.indexer.on_user_renamed(UserRenamed(jake)))
        [continuation] = context.continuations
        effect = await context.indexer.on_renamed_author_indexed(continuation)
        with pytest.raises(LookupError):
            await interrupted(context.database, effect)
        assert await self.count(context, "jacob") == BATCH_SIZE
        context.profiles.rename(jake, "jack")
        context.continuations[:] = []
        await context.handle(context.indexer.on_renamed_author_indexed(continuation))
        assert (await self.count(context, "jacob"), await self.count(context, "jack")) == (
            BATCH_SIZE,
            BATCH_SIZE,
        )


class TestRebuild:
    async def test_rebuild_indexes_all_articles_and_deletes_others(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        articles = [context.articles.add(f"dragons-{number}", author=jake) for number in range(250)]
        await context.upsert(articles[-1] + 1, title="Gone")
        assert await context.indexer.rebuild() == 250
        assert sorted(await context.index.all_ids()) == articles
        assert (await context.index.find(Query("dragons"), PageRequest())).count == 250

    async def test_rebuild_is_idempotent(self, context: Context) -> None:
        context.articles.add("dragons", author=context.profiles.add("jake"))
        assert [await context.indexer.rebuild(), await context.indexer.rebuild()] == [1, 1]
        assert (await context.index.find(Query("dragons"), PageRequest())).count == 1


async def test_wrong_entries_are_found_and_indexed_again_or_deleted(context: Context) -> None:
    jake = context.profiles.add("jake")
    dragons, knights, unicorns = (
        context.articles.add(slug, author=jake, title=slug, description="")
        for slug in ("dragons", "knights", "unicorns")
    )
    for article_id in (dragons, knights, unicorns):
        await context.handle(context.indexer.on_article_published(ArticlePublished(article_id)))
    await context.upsert(404, title="missing")
    async with context.database.transaction() as session:
        await session.execute(
            text("UPDATE search_document SET author_id = 404 WHERE article_id = :id"), {"id": dragons}
        )
        key = "rowid" if context.database.dialect == "sqlite" else "article_id"
        await session.execute(text(f"DELETE FROM search_words WHERE {key} = :id"), {"id": knights})  # noqa: S608
    [check] = consistency_checks(context.database, context.index, context.indexer, context.articles)
    found = [difference.text async for difference in check.differences()]
    assert found == [
        f"article {dragons} has another author",
        f"article {knights} has no words",
        "article 404 is missing",
    ]
    assert await check.repair() == 3
    assert [difference async for difference in check.differences()] == []
    assert [await context.search(word) for word in ("dragons", "knights", "missing")] == [
        [dragons],
        [knights],
        [],
    ]
