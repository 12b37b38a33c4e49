"""What lists of articles show of each, and the statements that find it by an index that sorts too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Row,
    Select,
    bindparam,
    exists,
    func,
    literal,
    select,
)

from modules.articles.domain.reading import Criteria
from modules.articles.infrastructure.counts import ALL_AUTHORS
from modules.articles.infrastructure.tables import (
    ArticleRow,
    AuthorStatsRow,
    FavoriteRow,
    ReaderStatsRow,
    TagRow,
    TagStatsRow,
)
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids
from modules.kernel.infrastructure.persistence.pagination import LIMIT, OFFSET, after_position
from modules.kernel.infrastructure.persistence.schema import UtcDateTime
from modules.profiles.contracts import Profile, ProfileReader

AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]
Facts = tuple[str, str, str, tuple[str, ...], datetime, datetime, bool, int, Profile]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Tables and not mapped classes, and statements that are built once: building and mapping cost more
# than SQLite's part of a list. What varies is bound.
article: FromClause = ArticleRow.__table__
tag: FromClause = TagRow.__table__
favorite: FromClause = FavoriteRow.__table__
author: FromClause = AuthorStatsRow.__table__
tag_use: FromClause = TagStatsRow.__table__
reader: FromClause = ReaderStatsRow.__table__

PREVIEW = (
    article.c.id,
    article.c.slug,
    article.c.author_id,
    article.c.title,
    article.c.description,
    article.c.tag_list,
    article.c.favorites_count,
    article.c.created_at,
    article.c.updated_at,
    # Nobody's favorites are none: the viewer is NULL then.
    exists()
    .where(favorite.c.article_id == article.c.id, favorite.c.user_id == bindparam("viewer"))
    # Said, because a list of favorites has the other table outside too.
    .correlate(article)
    .label("favorited"),
)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: its page after so many articles, its page behind a position, and how many there are."""

    page: AnySelect
    page_after: AnySelect
    count: AnySelect


def _newest(
    *conditions: ColumnElement[bool], time: ColumnElement[datetime], key: ColumnElement[int]
) -> AnySelect:
    ordered = select(*PREVIEW).where(*conditions).order_by(time.desc(), key.desc())
    return ordered.limit(LIMIT)


def _followed(latest_at: ColumnElement[datetime | None]) -> CTE:
    return (
        select(author.c.author_id, author.c.articles, latest_at.label("latest_at"))
        .where(in_ids(author.c.author_id, "authors"), author.c.articles > 0)
        .cte("followed")
    )


def _feed(followed: CTE, *conditions: ColumnElement[bool]) -> AnySelect:
    # A time before which nothing of the page was published. Of so many authors as there are articles up
    # to the page's end, each has one since the oldest of their latest ones; so those are enough, and
    # older articles come after them all.
    since = func.coalesce(
        select(followed.c.latest_at)
        .where(followed.c.latest_at.is_not(None))
        .order_by(followed.c.latest_at.desc())
        .limit(1)
        .offset(bindparam("last"))
        .scalar_subquery(),
        literal(EPOCH, UtcDateTime()),
    )
    return _newest(
        article.c.author_id.in_(select(followed.c.author_id).where(followed.c.latest_at >= since)),
        article.c.created_at >= since,
        *conditions,
        time=article.c.created_at,
        key=article.c.id,
    ).add_columns(select(func.sum(followed.c.articles)).scalar_subquery().label("articles_count"))


FOLLOWED_AUTHORS = _followed(author.c.latest_at)
FEED_COUNT = select(func.sum(FOLLOWED_AUTHORS.c.articles))
FEED = _feed(FOLLOWED_AUTHORS).offset(OFFSET)
AFTER_POSITION = after_position(article.c.created_at, article.c.id)
# The latest of each author behind the position: asked of the index, once for each who is followed.
LATEST_AFTER = (
    select(article.c.created_at)
    .where(article.c.author_id == author.c.author_id, AFTER_POSITION)
    .order_by(article.c.created_at.desc(), article.c.id.desc())
    .limit(1)
    .correlate(author)
    .scalar_subquery()
)
FEED_AFTER = _feed(_followed(LATEST_AFTER), AFTER_POSITION)
# What one criterion, or none, leaves is counted already.
COUNTS = {
    frozenset[str](): select(author.c.articles).where(author.c.author_id == ALL_AUTHORS),
    frozenset({"author"}): select(author.c.articles).where(author.c.author_id == bindparam("author")),
    frozenset({"tag"}): select(tag_use.c.articles).where(tag_use.c.tag == bindparam("tag")),
    frozenset({"favorited"}): select(reader.c.articles).where(reader.c.user_id == bindparam("favorited")),
}
# Criteria that other tables know of articles, those that leave less first.
JOINED_FILTERS = {"favorited": favorite.c.user_id, "tag": tag.c.tag}


@cache
def meeting(asked: frozenset[str]) -> Listing:
    """Return the list of the articles that meet the criteria asked for, by an index that sorts too.

    By the index of one criterion, the one that leaves least: nobody has written or favorites as many
    articles as have a tag in common. The others are looked up for each of those.
    """
    time, key = article.c.created_at, article.c.id
    conditions = [article.c.author_id == bindparam("author")] if "author" in asked else []
    for name, column in JOINED_FILTERS.items():
        beside, is_asked = column.table, column == bindparam(name)
        if name in asked and conditions:
            conditions.append(exists().where(beside.c.article_id == key, is_asked))
        elif name in asked:
            time, key = beside.c.created_at, beside.c.article_id
            conditions = [is_asked]
    count = COUNTS.get(asked, select(func.count()).select_from(key.table).where(*conditions))
    joined = () if key.table is article else (key == article.c.id,)
    newest = _newest(*joined, *conditions, time=time, key=key)
    return Listing(newest.offset(OFFSET), newest.where(after_position(time, key)), count)


async def resolve_filters(criteria: Criteria, profiles: ProfileReader) -> Mapping[str, object] | None:
    """Return what must hold, users by their ids, or None when a name is nobody's."""
    names = {name for name in (criteria.author, criteria.favorited) if name is not None}
    ids = await profiles.by_username(names)
    if len(ids) < len(names):
        return None
    asked: dict[str, object] = {
        "tag": criteria.tag,
        "author": criteria.author and ids[criteria.author],
        "favorited": criteria.favorited and ids[criteria.favorited],
    }
    return {name: value for name, value in asked.items() if value is not None}


def facts(row: AnyRow, authors: Mapping[UserId, Profile]) -> Facts:
    """Return the fields of an `ArticlePreview`, in its order."""
    _, slug, author, title, description, tags, favorites, created_at, updated_at, favorited, *_ = row
    return (
        slug,
        title,
        description,
        tuple(tags),
        created_at,
        updated_at,
        favorited,
        favorites,
        authors[author],
    )
