"""Query plans: an index finds and sorts every list, so that its cost does not grow with the table."""

import sqlite3
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from modules.articles.infrastructure import directory, listings, reader
from modules.kernel.infrastructure.persistence.statements import PreparedStatement
from tests.sql_recorder import plan

FILTERS = [
    frozenset(names) for size in range(4) for names in combinations(("tag", "author", "favorited"), size)
]
# The index of the first of these filters that is set finds and sorts the list.
LEADING = {
    "author": "ix_articles_article_author_id_created_at_id (author_id=?)",
    "favorited": "ix_articles_favorite_user_id_created_at_article_id (user_id=?)",
    "tag": "ix_articles_tag_tag_created_at_article_id (tag=?)",
}


@pytest.fixture(scope="module")
def connection(migrated: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{migrated.as_uri()}?mode=ro", uri=True)
    yield connection
    connection.close()


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: "+".join(sorted(filters)) or "all")
def test_page_uses_the_index_of_the_most_selective_filter(
    connection: sqlite3.Connection, filters: frozenset[str]
) -> None:
    first, *others = plan(connection, listings.listing(filters).page)
    leading = next(
        (LEADING[name] for name in LEADING if name in filters), "ix_articles_article_created_at_id"
    )
    assert first.endswith(leading)
    assert [line for line in others if not line.startswith("SEARCH")] == []


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: "+".join(sorted(filters)) or "all")
def test_page_after_position_starts_there_in_the_same_index(
    connection: sqlite3.Connection, filters: frozenset[str]
) -> None:
    first, *others = plan(connection, listings.listing(filters).page_after)
    # Of a pair with the rowid, SQLite seeks by the first column and filters by the second.
    place = "(created_at,article_id)<(?,?)" if filters and "author" not in filters else "created_at<?"
    leading = next((LEADING[name][:-1] for name in LEADING if name in filters), None)
    assert first.endswith(
        f"{leading} AND {place})" if leading else f"ix_articles_article_created_at_id ({place})"
    )
    assert [line for line in others if not line.startswith("SEARCH")] == []


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: "+".join(sorted(filters)) or "all")
def test_count_is_stored_or_uses_the_index_of_the_most_selective_filter(
    connection: sqlite3.Connection, filters: frozenset[str]
) -> None:
    first, *others = plan(connection, listings.listing(filters).count)
    if len(filters) < 2:
        assert "sqlite_autoindex" in first
        assert others == []
    else:
        assert first.endswith(next(LEADING[name] for name in LEADING if name in filters))
        assert [line for line in others if not line.startswith("SEARCH")] == []


def test_feed_sorts_only_articles_by_the_authors_of_its_page(
    connection: sqlite3.Connection,
) -> None:
    first, *others = plan(connection, listings.FEEDS["sqlite"].page)
    # Only the articles of the few authors of the page, since its oldest article, are sorted.
    assert first.endswith("ix_articles_article_author_id_created_at_id (author_id=? AND created_at>?)")
    assert [line for line in others if "articles_article " in line] == []
    assert [line for line in others if line.startswith("SCAN articles_")] == []


def test_feed_after_position_searches_once_per_author_and_sorts_a_page(
    connection: sqlite3.Connection,
) -> None:
    lines = plan(connection, listings.FEEDS["sqlite"].page_after)
    index = "ix_articles_article_author_id_created_at_id"
    assert [
        line.partition(" USING ")[2] for line in lines if line.startswith("SEARCH articles_article ")
    ] == [
        f"INDEX {index} (author_id=? AND created_at>? AND created_at<?)",
        f"COVERING INDEX {index} (author_id=? AND created_at<?)",
    ]
    assert [line for line in lines if line.startswith("SCAN articles_")] == []


@pytest.mark.parametrize(
    "statement",
    [reader.BY_SLUG, reader.BY_ID, directory.PREVIEWS, listings.FEED_COUNT, reader.TAGS],
    ids=["BY_SLUG", "BY_ID", "PREVIEWS", "FEED_COUNT", "TAGS"],
)
def test_other_statements_scan_no_table(connection: sqlite3.Connection, statement: PreparedStatement) -> None:
    lines = plan(connection, statement)
    assert [line for line in lines if line.startswith("SCAN articles_") and "INDEX" not in line] == []
