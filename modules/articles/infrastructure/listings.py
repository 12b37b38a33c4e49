"""The statements of lists of articles: one index filters and sorts each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, reduce
from operator import add
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    ScalarSelect,
    Select,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
)

from modules.articles.domain.reading import Criteria
from modules.articles.domain.values import tag_key
from modules.articles.infrastructure.counts import ALL_AUTHORS
from modules.articles.infrastructure.tables import (
    articles,
    author_stats,
    favorites,
    reader_stats,
    tag_stats,
    tags,
)
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids
from modules.kernel.infrastructure.persistence.pagination import LAST, LIMIT, OFFSET, after_position
from modules.kernel.infrastructure.persistence.schema import UtcDateTime
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare
from modules.profiles.contracts import Profile, ProfileReader

AnySelect = Select[*tuple[Any, ...]]
PreviewFields = tuple[str, str, str, tuple[str, ...], datetime, datetime, bool, int, Profile]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MANY_FOLLOWED = 200
"""Of more followed authors, the page is first looked for among the `NEWEST` articles."""
NEWEST = 200

PREVIEW = (
    articles.c.id,
    articles.c.slug,
    articles.c.author_id,
    articles.c.title,
    articles.c.description,
    articles.c.tag_list,
    articles.c.favorites_count,
    articles.c.created_at,
    articles.c.updated_at,
    # The viewer of an anonymous request is NULL, which equals no user. Not EXISTS, for which PostgreSQL may
    # hash all favorites of the viewer instead of a look-up per article.
    select(favorites.c.user_id)
    .where(favorites.c.article_id == articles.c.id, favorites.c.user_id == bindparam("viewer"))
    # Explicit: the enclosing query of a list of favorites selects from that table, too.
    .correlate(articles)
    .scalar_subquery()
    .is_not(None)
    .label("favorited"),
)


@dataclass(frozen=True, slots=True)
class Listing:
    """The statements of a list: a page by offset, a page after a position, and the count."""

    page: PreparedStatement
    page_after: PreparedStatement
    count: PreparedStatement


def _newest(
    *conditions: ColumnElement[bool], time: ColumnElement[datetime], key: ColumnElement[int]
) -> AnySelect:
    return select(*PREVIEW).where(*conditions).order_by(time.desc(), key.desc())


def _followed(latest_at: ColumnElement[datetime | None]) -> CTE:
    return (
        select(author_stats.c.author_id, author_stats.c.articles, latest_at.label("latest_at"))
        .where(in_ids(author_stats.c.author_id, "authors"), author_stats.c.articles > 0)
        .cte("followed")
    )


def _since(followed: CTE) -> ColumnElement[datetime]:
    """Return a lower bound of the times of the page, which ends at the n-th newest article.

    `last` is n - 1. The n authors with the most recent latest articles have at least n articles since the
    oldest of those, so that everything older comes after the page.
    """
    nth_latest = (
        select(followed.c.latest_at)
        .where(followed.c.latest_at.is_not(None))
        .order_by(followed.c.latest_at.desc())
        .limit(1)
        .offset(LAST)
        .scalar_subquery()
    )
    return func.coalesce(nth_latest, literal(EPOCH, UtcDateTime()))


def _by_followed(followed: CTE, *conditions: ColumnElement[bool]) -> AnySelect:
    """Return the ids of the articles by followed authors since the oldest of the page, newest first."""
    since = _since(followed)
    return _newest_ids(
        articles.c.author_id.in_(select(followed.c.author_id).where(followed.c.latest_at >= since)),
        articles.c.created_at >= since,
        *conditions,
    )


def _by_each_followed(followed: CTE, *conditions: ColumnElement[bool]) -> AnySelect:
    """Return the same for PostgreSQL: the newest articles of each author of the page, merged.

    Its planner would scan the articles by time instead, also all newer ones of authors who are not followed.
    """
    since = _since(followed)
    of_author = (
        _newest_ids(articles.c.author_id == followed.c.author_id, articles.c.created_at >= since, *conditions)
        .limit(LAST + 1)
        .lateral()
    )
    return (
        select(of_author.c.id)
        .select_from(followed.join(of_author, true()))
        .where(followed.c.latest_at >= since)
        .order_by(of_author.c.created_at.desc(), of_author.c.id.desc())
    )


def _of_newest(*conditions: ColumnElement[bool]) -> AnySelect:
    """Return the ids of the articles by followed authors among the newest.

    They are the page if they fill it. The statements above look up each followed author in an index.
    """
    # Not a parameter, for which PostgreSQL would expect a tenth of all articles.
    newest = _newest_ids(*conditions).add_columns(articles.c.author_id).limit(literal_column(str(NEWEST)))
    window = newest.subquery()
    return (
        select(window.c.id)
        .where(in_ids(window.c.author_id, "authors"))
        .order_by(window.c.created_at.desc(), window.c.id.desc())
    )


def _newest_ids(*conditions: ColumnElement[bool]) -> AnySelect:
    return (
        select(articles.c.id, articles.c.created_at)
        .where(*conditions)
        .order_by(articles.c.created_at.desc(), articles.c.id.desc())
    )


def _feed(ids: AnySelect, total: ScalarSelect[int]) -> PreparedStatement:
    """Return the statement of a page: an index has the ids, and only the page's articles are read."""
    page = ids.limit(LIMIT).subquery()
    previews = select(*PREVIEW, total.label("articles_count")).join(page, page.c.id == articles.c.id)
    return prepare(previews.order_by(articles.c.created_at.desc(), articles.c.id.desc()))


def _total(followed: CTE) -> ScalarSelect[int]:
    return select(func.sum(followed.c.articles)).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Feed:
    """The statements of the feed: a page by offset, and a page after a position. Both count the articles."""

    page: PreparedStatement
    page_after: PreparedStatement


FOLLOWED_AUTHORS = _followed(author_stats.c.latest_at)
FEED_TOTAL = select(func.sum(author_stats.c.articles)).where(in_ids(author_stats.c.author_id, "authors"))
FEED_COUNT = prepare(FEED_TOTAL)
AFTER_POSITION = after_position(articles.c.created_at, articles.c.id)
# The latest article of an author after the position: one index look-up per followed author.
LATEST_AFTER = (
    select(articles.c.created_at)
    .where(articles.c.author_id == author_stats.c.author_id, AFTER_POSITION)
    .order_by(articles.c.created_at.desc(), articles.c.id.desc())
    .limit(1)
    .correlate(author_stats)
    .scalar_subquery()
)
FOLLOWED_BEFORE_POSITION = _followed(LATEST_AFTER)
FEEDS = {
    dialect: Feed(
        _feed(ids(FOLLOWED_AUTHORS).offset(OFFSET), _total(FOLLOWED_AUTHORS)),
        _feed(ids(FOLLOWED_BEFORE_POSITION, AFTER_POSITION), _total(FOLLOWED_BEFORE_POSITION)),
    )
    for dialect, ids in (("sqlite", _by_followed), ("postgresql", _by_each_followed))
}
"""The feed by the name of the dialect."""
FEED_OF_NEWEST = Feed(
    _feed(_of_newest().offset(OFFSET), FEED_TOTAL.scalar_subquery()),
    _feed(_of_newest(AFTER_POSITION), FEED_TOTAL.scalar_subquery()),
)
"""The same pages, or fewer rows if the newest articles do not fill them."""

# The stored counts: without a filter and for one filter.
COUNTS = {
    frozenset[str](): select(author_stats.c.articles).where(author_stats.c.author_id == ALL_AUTHORS),
    frozenset({"author"}): select(author_stats.c.articles).where(
        author_stats.c.author_id == bindparam("author")
    ),
    frozenset({"tag"}): select(tag_stats.c.articles).where(tag_stats.c.tag == bindparam("tag")),
    frozenset({"favorited"}): select(reader_stats.c.articles).where(
        reader_stats.c.user_id == bindparam("favorited")
    ),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A table whose index finds and sorts the articles that match a filter."""

    matches: ColumnElement[bool]
    time: ColumnElement[datetime]
    article_id: ColumnElement[int]

    def also_matches(self, article_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the condition that an article found by another filter matches this one, too.

        Not EXISTS: PostgreSQL may join it in another order, and sort all articles to return a page.
        """
        found = select(self.article_id).where(self.article_id == article_id, self.matches)
        return found.correlate(article_id.table).scalar_subquery().is_not(None)


FILTERS = {
    "author": Filter(articles.c.author_id == bindparam("author"), articles.c.created_at, articles.c.id),
    "favorited": Filter(
        favorites.c.user_id == bindparam("favorited"), favorites.c.created_at, favorites.c.article_id
    ),
    "tag": Filter(tags.c.tag == bindparam("tag"), tags.c.created_at, tags.c.article_id),
}


@cache
def listing(filters: frozenset[str]) -> Listing:
    """Return the statements for the articles that match these filters.

    One index finds and sorts the articles. With several filters, it is that of the filter with the fewest
    articles by the stored counts, and the other filters are looked up per article. Statistics do not show
    PostgreSQL that a tag and an author have no article in common.
    """
    if len(filters) > 1:
        return _intersection(sorted(filters))
    time: ColumnElement[datetime] = articles.c.created_at
    key: ColumnElement[int] = articles.c.id
    conditions = [FILTERS[name].matches for name in filters]
    for name in filters:
        time, key = FILTERS[name].time, FILTERS[name].article_id
    newest = _newest(*_join(key), *conditions, time=time, key=key)
    return Listing(
        prepare(newest.limit(LIMIT).offset(OFFSET)),
        prepare(newest.limit(LIMIT).where(after_position(time, key))),
        prepare(COUNTS[filters]),
    )


def _intersection(names: Sequence[str]) -> Listing:
    led_by = {name: _led_by(name, names) for name in names}
    pages, pages_after, counts = [], [], []
    for name, conditions in led_by.items():
        time, key = FILTERS[name].time, FILTERS[name].article_id
        newest = _newest(*_join(key), *conditions, time=time, key=key)
        pages.append(newest.limit(LAST + 1))
        pages_after.append(newest.limit(LIMIT).where(after_position(time, key)))
        counts.append(select(func.count()).select_from(key.table).where(*conditions).scalar_subquery())
    return Listing(
        prepare(_only_one(pages).limit(LIMIT).offset(OFFSET)),
        prepare(_only_one(pages_after).limit(LIMIT)),
        prepare(select(reduce(add, counts))),
    )


def _led_by(name: str, names: Sequence[str]) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of a statement that no article meets unless this filter has the fewest."""
    sizes = {other: func.coalesce(COUNTS[frozenset({other})].scalar_subquery(), 0) for other in names}
    others = [other for other in names if other != name]
    has_fewest = [
        sizes[name] < sizes[other] if other < name else sizes[name] <= sizes[other] for other in others
    ]
    key = FILTERS[name].article_id
    return [*has_fewest, FILTERS[name].matches, *(FILTERS[other].also_matches(key) for other in others)]


def _only_one(statements: Sequence[AnySelect]) -> AnySelect:
    """Return the rows of the statements, of which only one has any."""
    rows = union_all(*(select(statement.subquery()) for statement in statements)).subquery()
    return select(rows).order_by(rows.c.created_at.desc(), rows.c.id.desc())


def _join(key: ColumnElement[int]) -> Sequence[ColumnElement[bool]]:
    return () if key.table is articles else (key == articles.c.id,)


async def resolve_filters(criteria: Criteria, profiles: ProfileReader) -> Mapping[str, object] | None:
    """Return the filters that are set, with users by id; None if a username is unknown."""
    names = {name for name in (criteria.author, criteria.favorited) if name is not None}
    ids = await profiles.by_username(names)
    if len(ids) < len(names):
        return None
    filters: dict[str, object] = {
        "tag": criteria.tag and tag_key(criteria.tag),
        "author": criteria.author and ids[criteria.author],
        "favorited": criteria.favorited and ids[criteria.favorited],
    }
    return {name: value for name, value in filters.items() if value is not None}


def preview_fields(row: Any, authors: Mapping[UserId, Profile]) -> PreviewFields:
    """Return the fields of an `ArticlePreview`, in its order."""
    _, slug, author_id, title, description, tag_list, count, created_at, updated_at, favorited, *_ = row
    return (
        slug,
        title,
        description,
        tuple(tag_list),
        created_at,
        updated_at,
        favorited,
        count,
        authors[author_id],
    )
