"""The feed's plan on PostgreSQL, with statistics and without."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from modules.articles.infrastructure.listings import FEEDS
from modules.articles.infrastructure.tables import articles, author_stats
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.pagination import page_parameters
from tests.conftest import AppInstance

FOLLOWED = range(1, 11)
UNFOLLOWED = 1_000
NEWER = 5_000
EACH = 30
PAGE = PageRequest(20)


def rows_of(author_id: int, number: int, *, newer: bool) -> list[Mapping[str, Any]]:
    start = NOON + timedelta(days=1 if newer else 0)
    return [
        {
            "slug": f"{author_id}-{place}",
            "author_id": author_id,
            "title": "t",
            "description": "d",
            "tag_list": [],
            "favorites_count": 0,
            "created_at": start + timedelta(seconds=place),
            "updated_at": start,
            "body": "b",
        }
        for place in range(number)
    ]


def nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


@pytest.mark.parametrize("analyzed", [False, True], ids=["not analyzed", "analyzed"])
async def test_feed_reads_no_articles_of_unfollowed_authors_on_postgresql(
    postgresql_app: AppInstance, analyzed: bool
) -> None:
    """A scan by time read 2,052,181 of them."""
    postgresql_app.empty()
    async with postgresql_app.composition.database.transaction() as session:
        for author_id in FOLLOWED:
            await session.execute(insert(articles), rows_of(author_id, EACH, newer=False))
        await session.execute(insert(articles), rows_of(UNFOLLOWED, NEWER, newer=True))
        stats = [
            {"author_id": author_id, "articles": EACH, "latest_at": NOON + timedelta(seconds=EACH - 1)}
            for author_id in FOLLOWED
        ]
        await session.execute(insert(author_stats), stats)
        if analyzed:
            await session.execute(text("ANALYZE articles_article, articles_author_stats"))
        parameters = {
            "authors": list(FOLLOWED),
            "last": PAGE.offset + PAGE.limit,
            "viewer": 1,
            **page_parameters(PAGE),
        }
        connection = await session.connection()
        compiled = FEEDS["postgresql"].page.statement.compile(dialect=connection.dialect)
        [[explained]] = await connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", compiled.construct_params(parameters)
        )
        await session.rollback()
    read = sum(
        int(node["Actual Rows"] * node["Actual Loops"]) + node.get("Rows Removed by Filter", 0)
        for node in nodes(explained[0]["Plan"])
        if node.get("Relation Name") == "articles_article"
    )
    assert 0 < read <= len(FOLLOWED) * EACH
