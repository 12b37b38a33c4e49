"""Every list is found and sorted by an index: its plan is the same for a thousand articles and a million."""

import sqlite3
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from modules.articles.infrastructure import directory, listings, reader
from tests.sql_recorder import plan

FILTERS = [
    frozenset(asked) for size in range(4) for asked in combinations(("tag", "author", "favorited"), size)
]
# By what a list is found, and in which order: the first of these that is asked for.
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


@pytest.mark.parametrize("asked", FILTERS, ids=lambda asked: "+".join(sorted(asked)) or "all")
def test_a_page_is_found_and_sorted_by_the_index_of_its_narrowest_filter(
    connection: sqlite3.Connection, asked: frozenset[str]
) -> None:
    first, *others = plan(connection, listings.meeting(asked).page)
    leading = next((LEADING[name] for name in LEADING if name in asked), "ix_articles_article_created_at_id")
    assert first.endswith(leading)
    assert [line for line in others if not line.startswith("SEARCH")] == []


@pytest.mark.parametrize("asked", FILTERS, ids=lambda asked: "+".join(sorted(asked)) or "all")
def test_a_page_behind_a_position_begins_there_in_the_same_index(
    connection: sqlite3.Connection, asked: frozenset[str]
) -> None:
    first, *others = plan(connection, listings.meeting(asked).page_after)
    # Of a pair with a rowid, SQLite takes the first to find where to begin, and looks at the second.
    place = "(created_at,article_id)<(?,?)" if asked and "author" not in asked else "created_at<?"
    leading = next((LEADING[name][:-1] for name in LEADING if name in asked), None)
    assert first.endswith(
        f"{leading} AND {place})" if leading else f"ix_articles_article_created_at_id ({place})"
    )
    assert [line for line in others if not line.startswith("SEARCH")] == []


@pytest.mark.parametrize("asked", FILTERS, ids=lambda asked: "+".join(sorted(asked)) or "all")
def test_how_many_there_are_is_kept_or_counted_by_the_index_of_the_narrowest_filter(
    connection: sqlite3.Connection, asked: frozenset[str]
) -> None:
    first, *others = plan(connection, listings.meeting(asked).count)
    if len(asked) < 2:
        assert "sqlite_autoindex" in first
        assert others == []
    else:
        assert first.endswith(next(LEADING[name] for name in LEADING if name in asked))
        assert [line for line in others if not line.startswith("SEARCH")] == []


def test_the_feed_sorts_what_the_authors_of_its_page_published_and_no_more(
    connection: sqlite3.Connection,
) -> None:
    first, *others = plan(connection, listings.FEED)
    # The authors of a page are few; theirs since its oldest article are the ones that are sorted.
    assert first.endswith("ix_articles_article_author_id_created_at_id (author_id=? AND created_at>?)")
    assert [line for line in others if "articles_article " in line] == []
    assert [line for line in others if line.startswith("SCAN articles_")] == []


def test_the_feed_behind_a_position_looks_once_for_each_author_and_sorts_a_page(
    connection: sqlite3.Connection,
) -> None:
    lines = plan(connection, listings.FEED_AFTER)
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
    ids=["BY_SLUG", "BY_ID", "PREVIEWS", "ALL_FOLLOWED", "TAGS"],
)
def test_nothing_else_is_looked_for_without_an_index(
    connection: sqlite3.Connection, statement: listings.AnySelect
) -> None:
    lines = plan(connection, statement)
    assert [line for line in lines if line.startswith("SCAN articles_") and "INDEX" not in line] == []
