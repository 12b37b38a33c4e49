"""Query plans: an index finds and sorts every list, so that its cost does not grow with the table."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import pytest

from modules.articles.infrastructure import directory, listings, reader
from modules.kernel.infrastructure.persistence.statements import PreparedStatement
from tests.sql_recorder import plan

FILTERS = [
    frozenset(names) for size in range(4) for names in combinations(("tag", "author", "favorited"), size)
]
AT_MOST_ONE = [filters for filters in FILTERS if len(filters) < 2]
SEVERAL = [filters for filters in FILTERS if len(filters) > 1]
# The index of the filter finds and sorts the list.
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


def ids_of_filters(filters: frozenset[str]) -> str:
    return "+".join(sorted(filters)) or "all"


@pytest.mark.parametrize("filters", AT_MOST_ONE, ids=ids_of_filters)
def test_page_uses_the_index_of_the_filter(connection: sqlite3.Connection, filters: frozenset[str]) -> None:
    first, *others = plan(connection, listings.listing(filters).page)
    leading = next((LEADING[name] for name in filters), "ix_articles_article_created_at_id")
    assert first.endswith(leading)
    assert [line for line in others if not line.startswith("SEARCH")] == []


@pytest.mark.parametrize("filters", AT_MOST_ONE, ids=ids_of_filters)
def test_page_after_position_starts_there_in_the_same_index(
    connection: sqlite3.Connection, filters: frozenset[str]
) -> None:
    first, *others = plan(connection, listings.listing(filters).page_after)
    leading = next(
        (after_place(name) for name in filters), "ix_articles_article_created_at_id (created_at<?)"
    )
    assert first.endswith(leading)
    assert [line for line in others if not line.startswith("SEARCH")] == []


def after_place(name: str) -> str:
    # Of a pair with the rowid, SQLite seeks by the first column and filters by the second.
    place = "created_at<?" if name == "author" else "(created_at,article_id)<(?,?)"
    return f"{LEADING[name][:-1]} AND {place})"


@pytest.mark.parametrize("filters", AT_MOST_ONE, ids=ids_of_filters)
def test_count_for_one_filter_is_stored(connection: sqlite3.Connection, filters: frozenset[str]) -> None:
    [line] = plan(connection, listings.listing(filters).count)
    assert line.startswith("SEARCH")
    assert "sqlite_autoindex" in line or "INTEGER PRIMARY KEY" in line


@pytest.mark.parametrize("filters", SEVERAL, ids=ids_of_filters)
def test_each_of_several_filters_may_lead_by_its_index(
    connection: sqlite3.Connection, filters: frozenset[str]
) -> None:
    listing = listings.listing(filters)
    for statement, leading in (
        (listing.page, LEADING.__getitem__),
        (listing.page_after, after_place),
        (listing.count, LEADING.__getitem__),
    ):
        lines = plan(connection, statement)
        # The other filters are looked up by primary key, and stored counts decide which one leads.
        by_index = [line for line in lines if " INDEX ix_" in line]
        assert sorted(line.partition(" INDEX ")[2] for line in by_index) == sorted(map(leading, filters))
        assert [line for line in lines if line.startswith("SCAN articles_")] == []


def test_feed_sorts_ids_of_an_index_and_reads_the_articles_of_its_page(
    connection: sqlite3.Connection,
) -> None:
    lines = plan(connection, listings.FEEDS["sqlite"].page)
    # Only the ids of articles by the few authors of the page, since its oldest article, are sorted.
    assert searches_of_articles(lines) == [
        f"COVERING INDEX {BY_AUTHOR} (author_id=? AND created_at>?)",
        "INTEGER PRIMARY KEY (rowid=?)",
    ]
    assert [line for line in lines if line.startswith("SCAN articles_")] == []


def test_feed_after_position_searches_once_per_author_and_sorts_ids(connection: sqlite3.Connection) -> None:
    lines = plan(connection, listings.FEEDS["sqlite"].page_after)
    assert searches_of_articles(lines) == [
        f"COVERING INDEX {BY_AUTHOR} (author_id=? AND created_at>? AND created_at<?)",
        f"COVERING INDEX {BY_AUTHOR} (author_id=? AND created_at<?)",
        "INTEGER PRIMARY KEY (rowid=?)",
    ]
    assert [line for line in lines if line.startswith("SCAN articles_")] == []


BY_AUTHOR = "ix_articles_article_author_id_created_at_id"


def searches_of_articles(lines: Sequence[str]) -> Sequence[str]:
    """Return how the plan finds articles."""
    return [line.partition(" USING ")[2] for line in lines if line.startswith("SEARCH articles_article ")]


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        (listings.FEED_OF_NEWEST.page, "SCAN articles_article USING INDEX {}"),
        (listings.FEED_OF_NEWEST.page_after, "SEARCH articles_article USING INDEX {} (created_at<?)"),
    ],
)
def test_feed_of_newest_reads_articles_by_time(
    connection: sqlite3.Connection, statement: PreparedStatement, read: str
) -> None:
    by_time, *others = [line for line in plan(connection, statement) if " articles_" in line]
    assert by_time == read.format("ix_articles_article_created_at_id")
    assert [line for line in others if line.startswith("SCAN")] == []


@pytest.mark.parametrize(
    "statement",
    [reader.BY_SLUG, reader.BY_ID, directory.PREVIEWS, listings.FEED_COUNT, reader.TAGS],
    ids=["BY_SLUG", "BY_ID", "PREVIEWS", "FEED_COUNT", "TAGS"],
)
def test_other_statements_scan_no_table(connection: sqlite3.Connection, statement: PreparedStatement) -> None:
    lines = plan(connection, statement)
    assert [line for line in lines if line.startswith("SCAN articles_") and "INDEX" not in line] == []
