"""The statements of lists of articles: one index filters and sorts each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, reduce
from operator import add
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    false,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from modules.articles.domain.reading import Criteria
from modules.articles.domain.values import tag_key
from modules.articles.infrastructure.counts import ALL_AUTHORS
from modules.articles.infrastructure.tables import (
    IS_PUBLIC,
    articles,
    author_stats,
    favorites,
    reader_stats,
    tag_stats,
    tags,
)
from modules.articles.infrastructure.visibility import IS_SEEN, VIEWER, RestrictedScope
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.pagination import LAST, LIMIT, OFFSET, after_position
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare
from modules.profiles.contracts import Profile, ProfileReader

AnySelect = Select[*tuple[Any, ...]]
Columns = Sequence[ColumnElement[Any]]
PreviewFields = tuple[str, str, str, tuple[str, ...], datetime, datetime, bool, int, Profile]

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
    .where(favorites.c.article_id == articles.c.id, favorites.c.user_id == VIEWER)
    # Explicit: the enclosing query of a list of favorites selects from that table, too.
    .correlate(articles)
    .scalar_subquery()
    .is_not(None)
    .label("favorited"),
)
# Without a look-up per article.
ANONYMOUS_PREVIEW = (*PREVIEW[:-1], false().label("favorited"))


@dataclass(frozen=True, slots=True)
class Pages:
    """The statements of a page by offset, and of a page after a position."""

    page: PreparedStatement
    page_after: PreparedStatement


Found = Sequence[tuple["Filter", Sequence[ColumnElement[bool]]]]
"""Filters with the conditions of statements that find the articles by their indexes."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A table whose index finds and sorts the articles that match a filter, the public ones among them."""

    matches: ColumnElement[bool]
    is_public: ColumnElement[bool]
    time: ColumnElement[datetime]
    article_id: ColumnElement[int]

    @property
    def is_after(self) -> ColumnElement[bool]:
        """The condition that an article is after the position of the page."""
        return after_position(self.time, self.article_id)

    def newest(self, columns: Columns, *conditions: ColumnElement[bool]) -> AnySelect:
        """Return the statement of these columns of the articles that meet the conditions, newest first."""
        join = () if self.article_id.table is articles else (self.article_id == articles.c.id,)
        return self._sorted(select(*columns).where(*join, *conditions))

    def newest_ids(self, *conditions: ColumnElement[bool]) -> AnySelect:
        """Return the statement of their ids and times."""
        columns = (self.article_id.label("id"), self.time.label("created_at"))
        return self._sorted(select(*columns).where(*conditions))

    def also_matches(self, article_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the condition that an article found by another filter matches this one, too.

        Not EXISTS: PostgreSQL may join it in another order, and sort all articles to return a page.
        """
        if self.article_id is article_id:
            # As an expression: PostgreSQL would find the articles by the index of the condition itself.
            return func.coalesce(self.matches, false())
        found = select(self.article_id).where(self.article_id == article_id, self.matches)
        return found.correlate(article_id.table).scalar_subquery().is_not(None)

    def _sorted(self, statement: AnySelect) -> AnySelect:
        return statement.order_by(self.time.desc(), self.article_id.desc())


ALL = Filter(true(), IS_PUBLIC, articles.c.created_at, articles.c.id)
FILTERS = {
    "author": Filter(
        articles.c.author_id == bindparam("author"), IS_PUBLIC, articles.c.created_at, articles.c.id
    ),
    "favorited": Filter(
        favorites.c.user_id == bindparam("favorited"),
        ~favorites.c.restricted,
        favorites.c.created_at,
        favorites.c.article_id,
    ),
    "tag": Filter(tags.c.tag == bindparam("tag"), ~tags.c.restricted, tags.c.created_at, tags.c.article_id),
}


def merged(statements: Sequence[AnySelect], number: ColumnElement[int] = LAST + 1) -> AnySelect:
    """Return this number of the first rows of each statement, newest first; a single one as it is."""
    if len(statements) == 1:
        return statements[0]
    rows = union_all(*(select(statement.limit(number).subquery()) for statement in statements)).subquery()
    return select(rows).order_by(rows.c.created_at.desc(), rows.c.id.desc())


def page_of(ids: AnySelect, *columns: ColumnElement[Any]) -> PreparedStatement:
    """Return the statement of a page: an index has the ids, and only the page's articles are read."""
    page = ids.limit(LIMIT).subquery()
    previews = select(*PREVIEW, *columns).join(page, page.c.id == articles.c.id)
    return prepare(previews.order_by(articles.c.created_at.desc(), articles.c.id.desc()))


# The stored counts of public articles: without a filter and for one filter.
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


@cache
def public_pages(filters: frozenset[str]) -> Pages:
    """Return the statements of the public articles that match these filters, for an anonymous viewer.

    One index finds and sorts them. With several filters, it is that of the filter with the fewest articles by
    the stored counts, and the other filters are looked up per article. Statistics do not show PostgreSQL that
    a tag and an author have no article in common.
    """
    found = _found(filters)
    return Pages(
        prepare(_public(found, ANONYMOUS_PREVIEW).limit(LIMIT).offset(OFFSET)),
        prepare(_public(_after_position(found), ANONYMOUS_PREVIEW).limit(LIMIT)),
    )


@cache
def counted_pages(filters: frozenset[str], scope: RestrictedScope) -> Pages:
    """Return the statements of the same pages, whose rows also have the numbers of `count_of`."""
    found, numbers = _found(filters), _numbers(filters, scope)
    # In a list, this is the scope of an anonymous viewer only.
    columns = ANONYMOUS_PREVIEW if scope is RestrictedScope.NONE else PREVIEW
    return Pages(
        prepare(_public(found, columns).limit(LIMIT).offset(OFFSET).add_columns(*numbers)),
        prepare(_public(_after_position(found), columns).limit(LIMIT).add_columns(*numbers)),
    )


@cache
def visible_pages(filters: frozenset[str], scope: RestrictedScope) -> Pages:
    """Return the statements of these articles and the restricted ones that the viewer sees."""
    found, seen = _found(filters), _seen(filters, scope)
    return Pages(
        page_of(_visible(found, *seen).offset(OFFSET)),
        page_of(_visible(_after_position(found), *seen, ALL.is_after)),
    )


@cache
def count_of(filters: frozenset[str], scope: RestrictedScope) -> PreparedStatement:
    """Return the statement of the numbers of these articles: `public`, and `restricted` that the viewer sees.

    Statements differ by viewers, because PostgreSQL plans one whose parameters rule out a part each time.
    """
    return prepare(select(*_numbers(filters, scope)))


def _numbers(filters: frozenset[str], scope: RestrictedScope) -> Sequence[ColumnElement[int]]:
    restricted: ColumnElement[int] = literal_column("0")
    if scope is not RestrictedScope.NONE:
        seen = _seen(filters, scope)
        restricted = select(func.count()).select_from(articles).where(*seen).scalar_subquery()
    return _number(_found(filters), filters).label("public"), restricted.label("restricted")


def _found(filters: frozenset[str]) -> Found:
    names = sorted(filters)
    return [(FILTERS[name], _led_by(name, names)) for name in names] or [(ALL, [IS_PUBLIC])]


def _after_position(found: Found) -> Found:
    return [(leading, [*conditions, leading.is_after]) for leading, conditions in found]


def _seen(filters: frozenset[str], scope: RestrictedScope) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of the restricted articles that the viewer sees, and that match the filters."""
    matches = (FILTERS[name].also_matches(articles.c.id) for name in sorted(filters))
    return [*IS_SEEN[scope], *matches]


def _public(found: Found, columns: Columns) -> AnySelect:
    return merged([leading.newest(columns, *conditions) for leading, conditions in found])


def _visible(found: Found, *seen: ColumnElement[bool]) -> AnySelect:
    """Return the ids of the public articles, and of the restricted ones that the viewer sees."""
    public = [leading.newest_ids(*conditions) for leading, conditions in found]
    return merged([*public, ALL.newest_ids(*seen)])


def _number(found: Found, filters: frozenset[str]) -> ColumnElement[int]:
    if filters in COUNTS:
        return func.coalesce(COUNTS[filters].scalar_subquery(), 0)
    numbers = (
        select(func.count()).select_from(leading.article_id.table).where(*conditions).scalar_subquery()
        for leading, conditions in found
    )
    return reduce(add, numbers)


def _led_by(name: str, names: Sequence[str]) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of a statement that no article meets unless this filter has the fewest."""
    sizes = {other: func.coalesce(COUNTS[frozenset({other})].scalar_subquery(), 0) for other in names}
    others = [other for other in names if other != name]
    has_fewest = [
        sizes[name] < sizes[other] if other < name else sizes[name] <= sizes[other] for other in others
    ]
    key = FILTERS[name].article_id
    also_matches = (FILTERS[other].also_matches(key) for other in others)
    return [*has_fewest, FILTERS[name].matches, FILTERS[name].is_public, *also_matches]


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
