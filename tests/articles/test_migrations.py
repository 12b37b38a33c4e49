"""The migrations of articles that existed before a rule changed, on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import JSON, DateTime, column, insert, select, table

from conduit_app.migrations.runner import migrate
from modules.articles.infrastructure.tables import articles, slugs, tag_stats, tags
from modules.articles.module import MODULE as ARTICLES
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.database import Database
from tests import postgresql

ARTICLE_TABLE = table(
    "articles_article",
    column("id"),
    *(column(name) for name in ("slug", "author_id", "title", "description", "favorites_count", "body")),
    column("tag_list", JSON()),
    *(column(name, DateTime(timezone=True)) for name in ("created_at", "updated_at")),
)

LISTED = select(articles.c.slug, articles.c.tag_list)
COUNTED = select(tag_stats.c.tag, tag_stats.c.articles)
STORED = select(tags.c.article_id, tags.c.tag)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Return an empty database, on either engine."""
    if request.param == "sqlite":
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/conduit.db")
        yield database
        await database.dispose()
    else:
        with postgresql.new_database() as url:
            database = Database(url)
            yield database
            await database.dispose()


def article(slug: str, *tag_list: str) -> dict[str, object]:
    """Return the row of an article."""
    texts = dict.fromkeys(("title", "description", "body"), slug)
    numbers = {"author_id": 1, "favorites_count": 0}
    return {
        "slug": slug,
        "tag_list": list(tag_list),
        "created_at": NOON,
        "updated_at": NOON,
        **texts,
        **numbers,
    }


async def test_stored_slugs_find_their_articles(database: Database) -> None:
    await migrate(database, [ARTICLES], revision="0002")
    async with database.transaction() as session:
        await session.execute(insert(ARTICLE_TABLE), [article("dragons"), article("knights")])
    await migrate(database, [ARTICLES])
    async with database.snapshot() as session:
        assert (
            await session.execute(select(slugs.c.slug, slugs.c.article_id).order_by(slugs.c.slug))
        ).all() == [
            ("dragons", 1),
            ("knights", 2),
        ]


async def test_stored_tags_are_normalized(database: Database) -> None:
    nfc, nfd = "caf\u00e9", "cafe\u0301"
    tag_lists = {"both": [nfd, "tea", nfc], "old": ["tea", nfd], "new": [nfc], "other": ["tea"]}
    await migrate(database, [ARTICLES], revision="0003")
    async with database.transaction() as session:
        rows = [article(slug, *tag_list) for slug, tag_list in tag_lists.items()]
        await session.execute(insert(ARTICLE_TABLE), rows)
        await session.execute(
            insert(tags),
            [
                {"article_id": number, "tag": tag, "created_at": NOON}
                for number, tag_list in enumerate(tag_lists.values(), 1)
                for tag in tag_list
            ],
        )
        await session.execute(
            insert(tag_stats),
            [{"tag": nfd, "articles": 2}, {"tag": "tea", "articles": 3}, {"tag": nfc, "articles": 2}],
        )
    await migrate(database, [ARTICLES])
    async with database.snapshot() as session:
        listed = {row.slug: row.tag_list for row in await session.execute(LISTED)}
        counts = {row.tag: row.articles for row in await session.execute(COUNTED)}
        stored = {(row.article_id, row.tag) for row in await session.execute(STORED)}
    assert listed == {"both": [nfc, "tea"], "old": ["tea", nfc], "new": [nfc], "other": ["tea"]}
    assert counts == {nfc: 3, "tea": 3}
    assert stored == {(1, nfc), (1, "tea"), (2, "tea"), (2, nfc), (3, nfc), (4, "tea")}
