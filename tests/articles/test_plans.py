"""Query plans: an index finds and sorts every list, so that its cost does not grow with the table."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import pytest

from modules.articles.infrastructure import directory, feed, listings, reader
from modules.articles.infrastructure.visibility import RestrictedScope
from modules.kernel.infrastructure.persistence.statements import PreparedStatement
from tests.sql_recorder import plan

FILTERS = [
    frozenset(names) for size in range(4) for names in combinations(("tag", "author", "favorited"), size)
]
AT_MOST_ONE = [filters for filters in FILTERS if len(filters) < 2]
SEVERAL = [filters for filters in FILTERS if len(filters) > 1]
# The index of the filter finds and sorts the list.
FEED = feed.feed_of("sqlite", RestrictedScope.OF_AUDIENCES)
BY_TIME = "ix_articles_article_created_at_id_public"
LEADING = {
    "author": "ix_articles_article_author_id_created_at_id_public (author_id=?)",
    "favorited": "ix_articles_favorite_user_id_created_at_article_id_public (user_id=?)",
    "tag": "ix_articles_tag_tag_created_at_article_id_public (tag=?)",
}
BY_VIEWER = [
    f"SEARCH articles_restriction USING COVERING INDEX ix_articles_restriction_{key}_article_id ({key}=?)"
    for key in ("author_id", "audience")
]


@pytest.fixture(scope="module")
def connection(migrated: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{migrated.as_uri()}?mode=ro", uri=True)
    yield connection
    connection.close()


def ids_of_filters(filters: frozenset[str]) -> str:
    return "+".join(sorted(filters)) or "all"


@pytest.mark.parametrize("filters", AT_MOST_ONE, ids=ids_of_filters)
def test_page_uses_the_index_of_the_filter(connection: sqlite3.Connection, filters: frozenset[str]) -> None:
    first, *others = plan(connection, listings.public_pages(filters).page)
    leading = next((LEADING[name] for name in filters), BY_TIME)
    assert first.endswith(leading)
    assert [line for line in others if not line.startswith("SEARCH")] == []


@pytest.mark.parametrize("filters", AT_MOST_ONE, ids=ids_of_filters)
def test_page_after_position_starts_there_in_the_same_index(
    connection: sqlite3.Connection, filters: frozenset[str]
) -> None:
    first, *others = plan(connection, listings.public_pages(filters).page_after)
    leading = next((after_place(name) for name in filters), f"{BY_TIME} (created_at<?)")
    assert first.endswith(leading)
    assert [line for line in others if not line.startswith("SEARCH")] == []


@pytest.mark.parametrize("filters", FILTERS, ids=ids_of_filters)
def test_restricted_articles_are_found_by_their_viewer_and_merged_with_the_public_ones(
    connection: sqlite3.Connection, filters: frozenset[str]
) -> None:
    public_pages = listings.public_pages(filters)
    pages = listings.visible_pages(filters, RestrictedScope.OF_AUDIENCES)
    for public, visible in (
        (public_pages.page, pages.page),
        (public_pages.page_after, pages.page_after),
    ):
        # The ids are read from the same indexes, and all of them have the ids.
        of_public = [
            line.replace("USING INDEX", "USING COVERING INDEX")
            for line in plan(connection, public)
            if " INDEX ix_" in line
        ]
        lines = plan(connection, visible)
        assert sorted(line for line in lines if " INDEX ix_" in line) == sorted([*of_public, *BY_VIEWER])
        scans = [line for line in lines if line.startswith("SCAN articles_")]
        assert scans == [line for line in of_public if line.startswith("SCAN")]


def after_place(name: str) -> str:
    # Of a pair with the rowid, SQLite seeks by the first column and filters by the second.
    place = "created_at<?" if name == "author" else "(created_at,article_id)<(?,?)"
    return f"{LEADING[name][:-1]} AND {place})"


@pytest.mark.parametrize("filters", AT_MOST_ONE, ids=ids_of_filters)
def test_count_for_one_filter_is_stored_and_restricted_articles_are_counted(
    connection: sqlite3.Connection, filters: frozenset[str]
) -> None:
    _, stored, *restricted = plan(connection, listings.count_of(filters, RestrictedScope.OF_AUDIENCES))
    assert re.match(r"SEARCH articles_\w+_stats USING (INDEX sqlite_autoindex|INTEGER PRIMARY KEY)", stored)
    # Those that the viewer may see are found by the viewer and the audiences, not among all articles.
    assert [line for line in restricted if line.startswith("SCAN articles_")] == []
    assert set(BY_VIEWER) < set(restricted)


@pytest.mark.parametrize("filters", SEVERAL, ids=ids_of_filters)
def test_each_of_several_filters_may_lead_by_its_index(
    connection: sqlite3.Connection, filters: frozenset[str]
) -> None:
    for statement, leading in (
        (listings.public_pages(filters).page, LEADING.__getitem__),
        (listings.public_pages(filters).page_after, after_place),
        (listings.count_of(filters, RestrictedScope.OF_AUDIENCES), LEADING.__getitem__),
    ):
        lines = plan(connection, statement)
        # The other filters are looked up by primary key, and stored counts decide which one leads.
        by_index = [line for line in lines if " INDEX ix_" in line and line not in BY_VIEWER]
        assert sorted(line.partition(" INDEX ")[2] for line in by_index) == sorted(map(leading, filters))
        assert [line for line in lines if line.startswith("SCAN articles_")] == []


def test_feed_sorts_ids_of_an_index_and_reads_the_articles_of_its_page(
    connection: sqlite3.Connection,
) -> None:
    lines = plan(connection, FEED.pages.page)
    # Only the ids of articles by the few authors of the page, since its oldest article, are sorted.
    assert searches_of_articles(lines) == [
        f"COVERING INDEX {BY_AUTHOR} (author_id=? AND created_at>?)",
        *RESTRICTED_PAGE_AND_COUNT,
    ]
    assert [line for line in lines if line.startswith("SCAN articles_")] == []


def test_feed_after_position_searches_once_per_author_and_sorts_ids(connection: sqlite3.Connection) -> None:
    lines = plan(connection, FEED.pages.page_after)
    assert searches_of_articles(lines) == [
        f"COVERING INDEX {BY_AUTHOR} (author_id=? AND created_at>? AND created_at<?)",
        f"COVERING INDEX {BY_AUTHOR} (author_id=? AND created_at<?)",
        *RESTRICTED_PAGE_AND_COUNT,
    ]
    assert [line for line in lines if line.startswith("SCAN articles_")] == []


BY_AUTHOR = "ix_articles_article_author_id_created_at_id_public"
# The restricted articles that the reader sees, the articles of the page, and the restricted ones again to
# count them.
RESTRICTED_PAGE_AND_COUNT = ("INTEGER PRIMARY KEY (rowid=?)",) * 3


def searches_of_articles(lines: Sequence[str]) -> Sequence[str]:
    """Return how the plan finds articles."""
    return [line.partition(" USING ")[2] for line in lines if line.startswith("SEARCH articles_article ")]


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        (
            FEED.of_newest.page,
            [
                "SEARCH articles_article USING INDEX {} (created_at>?)",
                "SCAN articles_article USING COVERING INDEX {}",
            ],
        ),
        (
            FEED.of_newest.page_after,
            [
                "SEARCH articles_article USING INDEX {} (created_at>? AND created_at<?)",
                "SEARCH articles_article USING COVERING INDEX {} (created_at<?)",
            ],
        ),
    ],
)
def test_feed_of_newest_reads_articles_by_time(
    connection: sqlite3.Connection, statement: PreparedStatement, read: Sequence[str]
) -> None:
    lines = [line for line in plan(connection, statement) if " articles_" in line]
    by_time = {line for line in lines if BY_TIME in line}
    assert by_time == {line.format(BY_TIME) for line in read}
    assert [line for line in lines if line.startswith("SCAN") and line not in by_time] == []


@pytest.mark.parametrize(
    "statement",
    [
        reader.BY_SLUG,
        reader.BY_ID,
        directory.PREVIEWS,
        directory.HIDDEN,
        FEED.count,
        reader.TAGS,
    ],
    ids=["BY_SLUG", "BY_ID", "PREVIEWS", "HIDDEN", "FEED_COUNT", "TAGS"],
)
def test_other_statements_scan_no_table(connection: sqlite3.Connection, statement: PreparedStatement) -> None:
    lines = plan(connection, statement)
    assert [line for line in lines if line.startswith("SCAN articles_") and "INDEX" not in line] == []
