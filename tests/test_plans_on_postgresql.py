"""PostgreSQL's plans of lists: the rows that they read do not grow with the tables, however skewed.

Each statement is planned for its parameters and for any parameters (the driver prepares what is executed
often), with statistics and without.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, combinations
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine, make_url

from conduit_app.application import compose_from_settings
from conduit_app.migrations.runner import migrate
from modules.articles.domain.reading import MAX_LISTED_TAGS
from modules.articles.infrastructure import directory, feed, listings, reader
from modules.articles.infrastructure.visibility import RestrictedScope
from modules.comments.infrastructure import comments
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, Position
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.pagination import page_parameters
from modules.kernel.infrastructure.persistence.statements import PreparedStatement
from modules.profiles.infrastructure import follows
from modules.profiles.infrastructure import reader as profiles
from modules.users.infrastructure import directory as users
from tests import postgresql
from tests.conftest import settings_on

DIALECT = create_engine("postgresql+psycopg://").dialect

OLD = 1_200
# Old articles are by the authors 1 to 40, have the tag `old` and are favorites of user 2. Author 1000, whom
# user 1 does not follow, has written 200,000 newer ones. The last 20,000 have the tag `new` and are favorites
# of user 3; each has another tag and another reader besides. The counts of tags always have statistics:
# without, all tags are sorted to list the most used. Author 3000 has written 50,000 newer ones still, with
# both tags and readers, which are restricted: user 1 sees 20 of them.
FILL: LiteralString = """
INSERT INTO articles_article
    (slug, author_id, title, description, tag_list, favorites_count, created_at, updated_at, body)
SELECT 'article-' || n, CASE WHEN n <= 1200 THEN 1 + n % 40 ELSE 1000 END, 't', 'd', '[]', 0,
    timestamptz '2026-01-31 12:00Z' + n * interval '1 s', now(), 'b'
FROM generate_series(1, 201200) n;
INSERT INTO articles_slug SELECT slug, id FROM articles_article;
INSERT INTO articles_tag
SELECT id, CASE author_id WHEN 1000 THEN 'new' ELSE 'old' END, created_at
FROM articles_article WHERE id <= 1200 OR id > 181200;
INSERT INTO articles_tag SELECT id, 'tag-' || id, created_at FROM articles_article WHERE id > 181200;
INSERT INTO articles_favorite
SELECT id, CASE author_id WHEN 1000 THEN 3 ELSE 2 END, created_at
FROM articles_article WHERE id <= 1200 OR id > 181200;
INSERT INTO articles_favorite SELECT id, id, created_at FROM articles_article WHERE id > 181200;
INSERT INTO articles_author_stats
SELECT author_id, count(*), max(created_at) FROM articles_article GROUP BY author_id;
INSERT INTO articles_author_stats SELECT 0, count(*), max(created_at) FROM articles_article;
INSERT INTO articles_author_stats SELECT n, 0, NULL FROM generate_series(2000, 22000) n;
INSERT INTO articles_tag_stats SELECT tag, count(*) FROM articles_tag GROUP BY 1;
ANALYZE articles_tag_stats;
INSERT INTO articles_reader_stats SELECT user_id, count(*) FROM articles_favorite GROUP BY 1;
INSERT INTO articles_article
    (slug, author_id, title, description, tag_list, favorites_count, created_at, updated_at, body, restricted)
SELECT 'restricted-' || n, 3000, 't', 'd', '[]', 0,
    timestamptz '2026-02-28 12:00Z' + n * interval '1 s', now(), 'b', true
FROM generate_series(1, 50000) n;
INSERT INTO articles_restriction
SELECT id, 'policy', CASE WHEN id % 2500 = 0 THEN 'policy/some' ELSE 'policy/nobody' END, author_id
FROM articles_article WHERE restricted;
INSERT INTO articles_tag
SELECT id, tag, created_at, true FROM articles_article, (VALUES ('old'), ('new')) tags(tag) WHERE restricted;
INSERT INTO articles_favorite
SELECT id, reader, created_at, true FROM articles_article, (VALUES (2), (3)) readers(reader) WHERE restricted;
INSERT INTO comments_comment (article_id, author_id, body, created_at)
SELECT CASE WHEN n <= 1200 THEN 1 ELSE 2 END, 1, 'b', timestamptz '2026-01-31 12:00Z' + n * interval '1 s'
FROM generate_series(1, 101200) n;
INSERT INTO users_account (username, username_key, email, email_key, password_hash, session_epoch)
SELECT 'u' || n, 'u' || n, 'e' || n, 'e' || n, 'x', 'x' FROM generate_series(1, 50000) n;
INSERT INTO profiles_follow SELECT 1, n FROM generate_series(2, 41) n;
INSERT INTO profiles_follow SELECT 3, n FROM generate_series(4, 50000) n;
INSERT INTO profiles_follow SELECT n, 5 FROM generate_series(4, 50000) n;
"""
PAGE = PageRequest(20)
ROWS = PAGE.limit + 1
OF_OLD = PageRequest(20, after=Position(NOON + timedelta(seconds=600), 600))
OF_NEW = PageRequest(20, after=Position(NOON + timedelta(seconds=191_200), 191_200))
FEW = {"author": 7, "favorited": 2, "tag": "old"}
MANY = {"author": 1000, "favorited": 3, "tag": "new"}
FILTERS = [names for size in range(4) for names in combinations(FEW, size)]
IDS = list(range(101, 121))
VIEWER = {"viewer": 1, "audiences": []}


@dataclass(frozen=True)
class Case:
    """A statement, and how many rows of a table it may read. Of some tables it reads them twice or so."""

    statement: PreparedStatement
    parameters: Mapping[str, Any]
    rows: int = 3 * ROWS


def of_page(page: PageRequest, **parameters: object) -> Mapping[str, Any]:
    return {**page_parameters(page), **VIEWER, **parameters}


def lists() -> Iterator[tuple[str, Case]]:
    """Yield the cases whose filters match either all the articles of each other, or none."""
    for filters in FILTERS:
        for has_few in chain.from_iterable(combinations(filters, size) for size in range(4)):
            values = {name: (FEW if name in has_few else MANY)[name] for name in filters}
            name = " ".join(f"{name}={values[name]}" for name in filters) or "all"
            # No article matches: all of those of the filter with the fewest are looked up.
            rows = 3 * OLD if has_few and has_few != filters else 3 * ROWS
            after = OF_OLD if has_few == filters else OF_NEW
            names = frozenset(filters)
            visible = listings.visible_pages(names, RestrictedScope.OWN)
            # With several filters, the count that a page has with it reads all that match.
            stored = listings.counted_pages(names, RestrictedScope.OWN)
            public = stored if len(filters) < 2 else listings.public_pages(names)
            for kind, pages in (("public", public), ("visible", visible)):
                yield f"{kind} list {name}", Case(pages.page, of_page(PAGE, **values), rows)
                yield f"{kind} list {name} after", Case(pages.page_after, of_page(after, **values), rows)
            if has_few or len(filters) < 2:
                counted = 3 * OLD if len(filters) > 1 else ROWS
                yield (
                    f"count {name}",
                    Case(listings.count_of(names, RestrictedScope.OWN), {**VIEWER, **values}, counted),
                )


def feeds() -> Iterator[tuple[str, Case]]:
    of_followed = feed.feed_of("postgresql", RestrictedScope.OWN)
    for number in (1, 10, 40):
        authors = list(range(1, number + 1))
        # A page of ids of each author may be the page, whose articles are then read. Before, the latest
        # article of each author after the position is looked up.
        rows = (min(number, ROWS) + 2) * ROWS
        yield f"feed of {number}", Case(of_followed.pages.page, of_page(PAGE, authors=authors), rows)
        yield (
            f"feed of {number} after",
            Case(of_followed.pages.page_after, of_page(OF_OLD, authors=authors), rows),
        )
        counted = max(2 * number, ROWS)
        yield f"feed count of {number}", Case(of_followed.count, {**VIEWER, "authors": authors}, counted)
    authors = [*range(1, 1000)]
    rows = 2 * feed.NEWEST + len(authors)
    newest = of_followed.of_newest
    yield "feed of the newest", Case(newest.page, of_page(PAGE, authors=authors), rows)
    yield "feed of the newest after", Case(newest.page_after, of_page(OF_OLD, authors=authors), rows)


def lookups() -> Iterator[tuple[str, Case]]:
    yield "article by slug", Case(reader.BY_SLUG, {"slug": "article-5", **VIEWER}, 1)
    yield "article by id", Case(reader.BY_ID, {"id": 5, **VIEWER}, 1)
    yield "tags", Case(reader.TAGS, {}, 3 * MAX_LISTED_TAGS)
    slugs = [f"article-{number}" for number in IDS]
    yield "previews", Case(directory.PREVIEWS, {"ids": IDS, **VIEWER})
    yield "hidden", Case(directory.HIDDEN, {"ids": IDS, **VIEWER})
    yield "contents", Case(directory.CONTENTS, {"ids": IDS, "max_body_length": 100})
    yield "ids by slug", Case(directory.IDS, {"slugs": slugs, **VIEWER})
    yield "lock by slug", Case(directory.LOCK_BY_SLUG, {"slugs": slugs, **VIEWER})
    yield "lock authors", Case(directory.LOCK_AUTHORS, {"ids": IDS})
    for article_id, after in ((1, OF_OLD), (2, PageRequest(20, after=Position(NOON + timedelta(1), 86_400)))):
        yield f"comments on {article_id}", Case(comments.PAGE, of_page(PAGE, article_id=article_id))
        yield (
            f"short comments on {article_id}",
            Case(comments.SHORT_PAGE, of_page(PAGE, article_id=article_id)),
        )
        yield (
            f"comments on {article_id} after",
            Case(comments.PAGE_AFTER, of_page(after, article_id=article_id)),
        )
        yield (
            f"short comments on {article_id} after",
            Case(comments.SHORT_PAGE_AFTER, of_page(after, article_id=article_id)),
        )
    # User 3 follows everybody.
    for follower_id in (UserId(1), UserId(3), UserId(4)):
        parameters = {"follower_id": follower_id, "user_ids": IDS}
        yield f"followees of {follower_id} among some", Case(follows.FOLLOWEES_AMONG, parameters)
    yield "followees of one", Case(follows.FOLLOWEES_OF, {"follower_id": 1}, 2 * 40)
    yield "followees", Case(profiles.FOLLOWEES, {"follower_ids": [1]}, 2 * 40)
    for keys in ([101], IDS):
        yield f"{len(keys)} users", Case(users.BY_ID, {"keys": keys})
        yield f"lock {len(keys)} users", Case(users.LOCK, {"keys": keys})
        names = [f"u{key}" for key in keys]
        yield f"{len(keys)} users by name", Case(users.BY_USERNAME, {"keys": names})


CASES = dict(chain(lists(), feeds(), lookups()))


@pytest.fixture(scope="module")
async def filled() -> AsyncIterator[str]:
    """Return the URL of a filled database without statistics."""
    with postgresql.new_database() as url:
        composition = compose_from_settings(settings_on(url))
        await migrate(composition.database, composition.migratable)
        await composition.database.dispose()
        with connected(url) as connection:
            connection.execute(FILL)
        yield url


@pytest.fixture(scope="module", params=["not analyzed", "analyzed"])
def connection(filled: str, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection[Any]]:
    with postgresql.new_database(filled) as url, connected(url) as connection:
        if request.param == "analyzed":
            connection.execute("ANALYZE")
        yield connection


def connected(url: str) -> psycopg.Connection[Any]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, prepare_threshold=None)


def explain(connection: psycopg.Connection[Any], case: Case, plan: str) -> Mapping[str, Any]:
    """Return the root of the executed plan."""
    compiled = case.statement.compiled(DIALECT, case.parameters)
    values = compiled.bind(case.parameters)
    connection.execute("DEALLOCATE ALL")
    connection.execute("SELECT set_config('plan_cache_mode', %s, false)", [plan])
    connection.execute(b"PREPARE statement AS " + compiled.sql.encode())
    execute = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE statement ({})")
    command = execute.format(sql.SQL(", ").join(map(sql.Literal, values)))
    [[[explained]]] = connection.execute(command).fetchall()
    root: Mapping[str, Any] = explained["Plan"]
    return root


def rows_read(node: Mapping[str, Any], table: str = "") -> Counter[str]:
    """Return how many rows or index entries of each table are read, also those that are discarded."""
    table = node.get("Relation Name", table)
    rows = Counter[str]()
    if "Relation Name" in node or node["Node Type"] == "Bitmap Index Scan":
        removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        rows[table] = round((node["Actual Rows"] + removed) * node["Actual Loops"])
    for child in node.get("Plans", ()):
        rows += rows_read(child, table)
    return rows


def excess(root: Mapping[str, Any], case: Case) -> Mapping[str, int]:
    """Return the numbers of rows, by table, and of pages that are larger than the case allows."""
    excessive = {table: rows for table, rows in rows_read(root).items() if rows > max(case.rows, 8)}
    # An index that is searched by its last columns only is read as a whole, which rows do not show.
    pages = root["Shared Hit Blocks"] + root["Shared Read Blocks"]
    return excessive | ({"pages": pages} if pages > 20 + 8 * case.rows else {})


@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
def test_statements_on_postgresql_read_little_more_than_their_rows(
    connection: psycopg.Connection[Any], plan: str
) -> None:
    excesses = {name: excess(explain(connection, case, plan), case) for name, case in CASES.items()}
    assert {name: numbers for name, numbers in excesses.items() if numbers} == {}
