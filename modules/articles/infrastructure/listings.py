"""The statements of lists of articles: one index filters and sorts each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    bindparam,
    exists,
    func,
    literal,
    select,
    true,
)

from modules.articles.domain.reading import Criteria
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
from modules.kernel.infrastructure.persistence.pagination import LIMIT, OFFSET, after_position
from modules.kernel.infrastructure.persistence.schema import UtcDateTime
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare
from modules.profiles.contracts import Profile, ProfileReader

AnySelect = Select[*tuple[Any, ...]]
PreviewFields = tuple[str, str, str, tuple[str, ...], datetime, datetime, bool, int, Profile]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

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
    # The viewer of an anonymous request is NULL, which equals no user.
    exists()
    .where(favorites.c.article_id == articles.c.id, favorites.c.user_id == bindparam("viewer"))
    # Explicit: the enclosing query of a list of favorites selects from that table, too.
    .correlate(articles)
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
    ordered = select(*PREVIEW).where(*conditions).order_by(time.desc(), key.desc())
    return ordered.limit(LIMIT)


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
        .offset(bindparam("last"))
        .scalar_subquery()
    )
    return func.coalesce(nth_latest, literal(EPOCH, UtcDateTime()))


def _feed(followed: CTE, *conditions: ColumnElement[bool]) -> AnySelect:
    since = _since(followed)
    return _newest(
        articles.c.author_id.in_(select(followed.c.author_id).where(followed.c.latest_at >= since)),
        articles.c.created_at >= since,
        *conditions,
        time=articles.c.created_at,
        key=articles.c.id,
    ).add_columns(_total(followed))


def _feed_by_author(followed: CTE, *conditions: ColumnElement[bool]) -> AnySelect:
    """Return the same feed for PostgreSQL: the newest articles of each author of the page, merged.

    Its planner would scan the articles by time instead, also all newer ones of authors who are not followed.
    """
    since = _since(followed)
    of_author = (
        select(*PREVIEW)
        .where(articles.c.author_id == followed.c.author_id, articles.c.created_at >= since, *conditions)
        .order_by(articles.c.created_at.desc(), articles.c.id.desc())
        .limit(bindparam("last", type_=BigInteger) + 1)
        .lateral()
    )
    return (
        select(*of_author.c, _total(followed))
        .select_from(followed.join(of_author, true()))
        .where(followed.c.latest_at >= since)
        .order_by(of_author.c.created_at.desc(), of_author.c.id.desc())
        .limit(LIMIT)
    )


def _total(followed: CTE) -> ColumnElement[int]:
    return select(func.sum(followed.c.articles)).scalar_subquery().label("articles_count")


@dataclass(frozen=True, slots=True)
class Feed:
    """The statements of the feed: a page by offset, and a page after a position. Both count the articles."""

    page: PreparedStatement
    page_after: PreparedStatement


FOLLOWED_AUTHORS = _followed(author_stats.c.latest_at)
FEED_COUNT = prepare(select(func.sum(FOLLOWED_AUTHORS.c.articles)))
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
        prepare(feed(FOLLOWED_AUTHORS).offset(OFFSET)),
        prepare(feed(FOLLOWED_BEFORE_POSITION, AFTER_POSITION)),
    )
    for dialect, feed in (("sqlite", _feed), ("postgresql", _feed_by_author))
}
"""The feed by the name of the dialect."""

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
# Filters by a joined table, the most selective first.
JOINED_FILTERS = {"favorited": favorites.c.user_id, "tag": tags.c.tag}


@cache
def listing(filters: frozenset[str]) -> Listing:
    """Return the statements for the articles that match these filters.

    The index of the most selective filter finds and sorts the articles: users have fewer articles and
    favorites than tags have articles. The other filters are looked up per article.
    """
    time, key = articles.c.created_at, articles.c.id
    conditions = [articles.c.author_id == bindparam("author")] if "author" in filters else []
    for name, column in JOINED_FILTERS.items():
        joined, matches = column.table, column == bindparam(name)
        if name in filters and conditions:
            conditions.append(exists().where(joined.c.article_id == key, matches))
        elif name in filters:
            time, key = joined.c.created_at, joined.c.article_id
            conditions = [matches]
    count = COUNTS.get(filters, select(func.count()).select_from(key.table).where(*conditions))
    join = () if key.table is articles else (key == articles.c.id,)
    newest = _newest(*join, *conditions, time=time, key=key)
    return Listing(
        prepare(newest.offset(OFFSET)), prepare(newest.where(after_position(time, key))), prepare(count)
    )


async def resolve_filters(criteria: Criteria, profiles: ProfileReader) -> Mapping[str, object] | None:
    """Return the filters that are set, with users by id; None if a username is unknown."""
    names = {name for name in (criteria.author, criteria.favorited) if name is not None}
    ids = await profiles.by_username(names)
    if len(ids) < len(names):
        return None
    filters: dict[str, object] = {
        "tag": criteria.tag,
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
