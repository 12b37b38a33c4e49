"""The statements of the feed: the newest articles by followed authors."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    false,
    func,
    literal,
    literal_column,
    select,
    true,
)

from modules.articles.infrastructure.listings import ALL, AnySelect, Pages, merged, page_of
from modules.articles.infrastructure.tables import IS_PUBLIC, articles, author_stats
from modules.articles.infrastructure.visibility import IS_SEEN, RestrictedScope
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids
from modules.kernel.infrastructure.persistence.pagination import LAST, OFFSET
from modules.kernel.infrastructure.persistence.schema import UtcDateTime
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MANY_FOLLOWED = 200
"""Of more followed authors, the page is first looked for among the `NEWEST` articles."""
NEWEST = 1_000

BY_FOLLOWED = in_ids(articles.c.author_id, "authors")


@dataclass(frozen=True, slots=True)
class Feed:
    """The statements of a feed. Those of pages count the articles, too."""

    pages: Pages
    of_newest: Pages
    """The same pages, or fewer rows if the newest articles do not fill them."""

    count: PreparedStatement


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


def _latest_after() -> ColumnElement[datetime | None]:
    """Return the time of an author's latest public article after the position: one index look-up each."""
    latest = select(articles.c.created_at).where(
        articles.c.author_id == author_stats.c.author_id, ALL.is_after, IS_PUBLIC
    )
    newest_first = latest.order_by(articles.c.created_at.desc(), articles.c.id.desc())
    return newest_first.limit(1).correlate(author_stats).scalar_subquery()


def _by_followed(followed: CTE, *conditions: ColumnElement[bool]) -> AnySelect:
    """Return the public articles by followed authors since the oldest of the page, newest first."""
    since = _since(followed)
    return ALL.newest_ids(
        articles.c.author_id.in_(select(followed.c.author_id).where(followed.c.latest_at >= since)),
        articles.c.created_at >= since,
        IS_PUBLIC,
        *conditions,
    )


def _by_each_followed(followed: CTE, *conditions: ColumnElement[bool]) -> AnySelect:
    """Return the same for PostgreSQL: the newest articles of each author of the page, merged.

    Its planner would scan the articles by time instead, also all newer ones of authors who are not followed.
    """
    since = _since(followed)
    of_author = (
        ALL.newest_ids(
            articles.c.author_id == followed.c.author_id,
            articles.c.created_at >= since,
            IS_PUBLIC,
            *conditions,
        )
        .limit(LAST + 1)
        .lateral()
    )
    return (
        select(of_author.c.id, of_author.c.created_at)
        .select_from(followed.join(of_author, true()))
        .where(followed.c.latest_at >= since)
        .order_by(of_author.c.created_at.desc(), of_author.c.id.desc())
    )


def _since_newest(*conditions: ColumnElement[bool]) -> ColumnElement[datetime]:
    """Return the time of the oldest of the `NEWEST` public articles that meet the conditions."""
    # Not a parameter, for which PostgreSQL would expect a tenth of all articles.
    number: ColumnElement[int] = literal_column(str(NEWEST))
    newest = select(articles.c.created_at).where(IS_PUBLIC, *conditions)
    oldest = newest.order_by(articles.c.created_at.desc(), articles.c.id.desc()).limit(1).offset(number)
    return func.coalesce(oldest.correlate(None).scalar_subquery(), literal(EPOCH, UtcDateTime()))


@cache
def feed_of(dialect: str, scope: RestrictedScope) -> Feed:
    """Return the statements of the feed of a reader who may see these restricted articles."""
    # An expression, as in `also_matches`.
    is_by_followed = func.coalesce(BY_FOLLOWED, false())
    seen = (*IS_SEEN[scope], is_by_followed) if scope in IS_SEEN else ()
    by_followed = _by_each_followed if dialect == "postgresql" else _by_followed

    def total(public: Select[*tuple[int]]) -> ColumnElement[int]:
        number: ColumnElement[int] = func.coalesce(public.scalar_subquery(), 0)
        if seen:
            counted = select(func.count()).select_from(articles).where(*seen)
            number += counted.scalar_subquery()
        return number.label("articles_count")

    def visible(public: AnySelect, *conditions: ColumnElement[bool]) -> AnySelect:
        return merged([public, ALL.newest_ids(*seen, *conditions)]) if seen else public

    def of_newest(*conditions: ColumnElement[bool]) -> AnySelect:
        # The statements above look up each followed author in an index. This one reads the articles by time
        # until the page is full.
        recent = (articles.c.created_at >= _since_newest(*conditions), *conditions)
        return visible(ALL.newest_ids(IS_PUBLIC, is_by_followed, *recent), *recent)

    newest, before_position = _followed(author_stats.c.latest_at), _followed(_latest_after())
    number = total(
        select(func.sum(author_stats.c.articles)).where(in_ids(author_stats.c.author_id, "authors"))
    )
    return Feed(
        Pages(
            page_of(visible(by_followed(newest)).offset(OFFSET), total(select(func.sum(newest.c.articles)))),
            page_of(
                visible(by_followed(before_position, ALL.is_after), ALL.is_after),
                total(select(func.sum(before_position.c.articles))),
            ),
        ),
        Pages(
            page_of(of_newest().offset(OFFSET), number),
            page_of(of_newest(ALL.is_after), number),
        ),
        prepare(select(number)),
    )
