"""Articles in the database, for those who read: a fixed number of statements for any number of rows."""

from collections.abc import Collection, Mapping, Sequence
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

from modules.articles.contracts import ArticleId, ArticlePreview, ArticleText
from modules.articles.domain.article import ArticleNotFound
from modules.articles.domain.reading import ArticleList, ArticleView, Criteria
from modules.articles.infrastructure.counts import EVERYBODY
from modules.articles.infrastructure.tables import (
    ArticleRow,
    AuthorRow,
    FavoriteRow,
    ReaderRow,
    TagRow,
    TagUseRow,
)
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import Page, cut
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import is_one_of
from modules.kernel.infrastructure.persistence.pages import OFFSET, ROWS, behind, window
from modules.kernel.infrastructure.persistence.schema import UtcDateTime
from modules.profiles.contracts import Profile, ProfileReader

AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]
Facts = tuple[str, str, str, tuple[str, ...], datetime, datetime, bool, int, Profile]

DAWN = datetime(1970, 1, 1, tzinfo=UTC)

# Tables and not mapped classes, and statements that are built once: building and mapping cost more
# than SQLite's part of a list. What varies is bound.
article: FromClause = ArticleRow.__table__
tag: FromClause = TagRow.__table__
favorite: FromClause = FavoriteRow.__table__
author: FromClause = AuthorRow.__table__
tag_use: FromClause = TagUseRow.__table__
reader: FromClause = ReaderRow.__table__

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
    # Nobody's favourites are none: the viewer is NULL then.
    exists()
    .where(favorite.c.article_id == article.c.id, favorite.c.user_id == bindparam("viewer"))
    # Said, because a list of favourites has the other table outside too.
    .correlate(article)
    .label("favorited"),
)
BY_SLUG = select(*PREVIEW, article.c.body).where(article.c.slug == bindparam("slug"))
BY_ID = select(*PREVIEW, article.c.body).where(article.c.id == bindparam("id"))
PREVIEWS = select(*PREVIEW).where(is_one_of(article.c.id, "ids"))
TEXTS = select(
    article.c.id,
    article.c.slug,
    article.c.author_id,
    article.c.title,
    article.c.description,
    article.c.body,
    article.c.tag_list,
    article.c.created_at,
    article.c.updated_at,
).where(is_one_of(article.c.id, "ids"))
IDS = select(article.c.id, article.c.slug).where(article.c.slug.in_(bindparam("slugs", expanding=True)))
HELD = IDS.with_for_update(read=True, key_share=True)
HELD_AUTHORS = (
    select(article.c.id, article.c.author_id)
    .where(article.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(read=True, key_share=True)
)
ALL_IDS = select(article.c.id).order_by(article.c.created_at, article.c.id)
TAGS = select(tag_use.c.tag).where(tag_use.c.articles > 0).order_by(tag_use.c.articles.desc(), tag_use.c.tag)


@dataclass(frozen=True, slots=True)
class _Listing:
    """A list: its page after so many articles, its page behind a position, and how many there are."""

    page: AnySelect
    page_behind: AnySelect
    count: AnySelect


def _newest(
    *conditions: ColumnElement[bool], time: ColumnElement[datetime], key: ColumnElement[int]
) -> AnySelect:
    ordered = select(*PREVIEW).where(*conditions).order_by(time.desc(), key.desc())
    return ordered.limit(ROWS)


def _followed(latest_at: ColumnElement[datetime | None]) -> CTE:
    return (
        select(author.c.author_id, author.c.articles, latest_at.label("latest_at"))
        .where(is_one_of(author.c.author_id, "authors"), author.c.articles > 0)
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
        literal(DAWN, UtcDateTime()),
    )
    return _newest(
        article.c.author_id.in_(select(followed.c.author_id).where(followed.c.latest_at >= since)),
        article.c.created_at >= since,
        *conditions,
        time=article.c.created_at,
        key=article.c.id,
    ).add_columns(select(func.sum(followed.c.articles)).scalar_subquery().label("articles_count"))


FOLLOWED = _followed(author.c.latest_at)
ALL_FOLLOWED = select(func.sum(FOLLOWED.c.articles))
FEED = _feed(FOLLOWED).offset(OFFSET)
BEHIND = behind(article.c.created_at, article.c.id)
# The latest of each author behind the position: asked of the index, once for each who is followed.
LATEST_BEHIND = (
    select(article.c.created_at)
    .where(article.c.author_id == author.c.author_id, BEHIND)
    .order_by(article.c.created_at.desc(), article.c.id.desc())
    .limit(1)
    .correlate(author)
    .scalar_subquery()
)
FEED_BEHIND = _feed(_followed(LATEST_BEHIND), BEHIND)
# What one criterion, or none, leaves is counted already.
COUNTS = {
    frozenset[str](): select(author.c.articles).where(author.c.author_id == EVERYBODY),
    frozenset({"author"}): select(author.c.articles).where(author.c.author_id == bindparam("author")),
    frozenset({"tag"}): select(tag_use.c.articles).where(tag_use.c.tag == bindparam("tag")),
    frozenset({"favorited"}): select(reader.c.articles).where(reader.c.user_id == bindparam("favorited")),
}


# Criteria that other tables know of articles, those that leave less first.
BESIDE = {"favorited": favorite.c.user_id, "tag": tag.c.tag}


@cache
def _meeting(asked: frozenset[str]) -> _Listing:
    """Return the list of the articles that meet the criteria asked for, by an index that sorts too.

    By the index of one criterion, the one that leaves least: nobody has written or favours as many
    articles as have a tag in common. The others are looked up for each of those.
    """
    time, key = article.c.created_at, article.c.id
    conditions = [article.c.author_id == bindparam("author")] if "author" in asked else []
    for name, column in BESIDE.items():
        beside, is_asked = column.table, column == bindparam(name)
        if name in asked and conditions:
            conditions.append(exists().where(beside.c.article_id == key, is_asked))
        elif name in asked:
            time, key = beside.c.created_at, beside.c.article_id
            conditions = [is_asked]
    count = COUNTS.get(asked, select(func.count()).select_from(key.table).where(*conditions))
    joined = () if key.table is article else (key == article.c.id,)
    newest = _newest(*joined, *conditions, time=time, key=key)
    return _Listing(newest.offset(OFFSET), newest.where(behind(time, key)), count)


class SqlArticleReader:
    """Reads articles, and asks `ProfileReader` for all their authors at once."""

    def __init__(self, database: Database, profiles: ProfileReader) -> None:
        self._database = database
        self._profiles = profiles

    async def article(self, slug: str, viewer: UserId | None) -> ArticleView:
        """Return the article; raise `ArticleNotFound` if no article has this slug."""
        return await self._article(BY_SLUG, {"slug": slug, "viewer": viewer})

    async def article_by_id(self, article: ArticleId, viewer: UserId | None) -> ArticleView:
        """Return the article; raise `ArticleNotFound` if there is none."""
        return await self._article(BY_ID, {"id": article, "viewer": viewer})

    async def articles(self, criteria: Criteria, page: Page, viewer: UserId | None) -> ArticleList:
        """Return a page of the articles that meet the criteria; a name that nobody has meets none."""
        async with self._database.snapshot():
            asked = await self._asked(criteria)
            if asked is None:
                return ArticleList((), 0)
            return await self._page(_meeting(frozenset(asked)), asked, page, viewer)

    async def feed(self, reader: UserId, page: Page) -> ArticleList:
        """Return a page of the articles by those whom the reader follows."""
        async with self._database.snapshot() as session:
            followed = (await self._profiles.followed({reader}))[reader]
            asked = {"authors": followed, "last": page.offset + page.limit}
            statement = FEED if page.after is None else FEED_BEHIND
            rows = await self._rows(statement, asked, page, reader)
            if not rows:
                return ArticleList((), await session.scalar(ALL_FOLLOWED, {"authors": followed}) or 0)
            return await self._list(rows, page, rows[0].articles_count, reader)

    async def tags(self) -> Sequence[str]:
        """Return the tags in use, the most used first."""
        async with self._database.snapshot() as session:
            return list(await session.scalars(TAGS))

    async def ids(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        """Return the ids of those of the articles that exist, by slug."""
        async with self._database.snapshot() as session:
            rows = await session.execute(IDS, {"slugs": list(slugs)})
        return {row.slug: ArticleId(row.id) for row in rows}

    async def held(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        """Return what `ids` returns, and keep these articles from being deleted meanwhile."""
        self._database.require_transaction()
        async with self._database.transaction() as session:
            rows = await session.execute(HELD, {"slugs": list(slugs)})
        return {row.slug: ArticleId(row.id) for row in rows}

    async def held_authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        """Return who wrote those of the articles that exist, and hold these as `held` does."""
        self._database.require_transaction()
        async with self._database.transaction() as session:
            rows = await session.execute(HELD_AUTHORS, {"ids": list(ids)})
        return {ArticleId(row.id): UserId(row.author_id) for row in rows}

    async def previews(
        self, ids: Collection[ArticleId], viewer: UserId | None
    ) -> Mapping[ArticleId, ArticlePreview]:
        """Return those of the articles that exist, by id, as the viewer sees them."""
        async with self._database.snapshot() as session:
            rows = (await session.execute(PREVIEWS, {"ids": ids, "viewer": viewer})).all()
            authors = await self._authors(rows, viewer)
        return {
            ArticleId(row.id): ArticlePreview(*_facts(row, authors))
            for row in rows
            if row.author_id in authors
        }

    async def texts(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, ArticleText]:
        """Return those of the articles that exist, by id, with their bodies."""
        async with self._database.snapshot() as session:
            rows = (await session.execute(TEXTS, {"ids": list(ids)})).all()
            authors = await self._authors(rows, viewer=None)
        return {
            ArticleId(row.id): ArticleText(
                slug=row.slug,
                title=row.title,
                description=row.description,
                body=row.body,
                tag_list=tuple(row.tag_list),
                created_at=row.created_at,
                updated_at=row.updated_at,
                author_id=UserId(row.author_id),
                author=authors[UserId(row.author_id)].username,
            )
            for row in rows
            if row.author_id in authors
        }

    async def newest(
        self, at_most: int, *, tag: str | None = None, author: str | None = None
    ) -> Sequence[ArticleId]:
        """Return the newest articles, newest first: of all, or with this tag and by this username."""
        async with self._database.snapshot():
            asked = await self._asked(Criteria(tag, author))
            if asked is None:
                return []
            page = Page(at_most)
            rows, _ = cut(await self._rows(_meeting(frozenset(asked)).page, asked, page, viewer=None), page)
            return [ArticleId(row.id) for row in rows]

    async def all_ids(self) -> Sequence[ArticleId]:
        """Return every article, the oldest first."""
        async with self._database.snapshot() as session:
            return [ArticleId(id_) for id_ in await session.scalars(ALL_IDS)]

    async def _asked(self, criteria: Criteria) -> Mapping[str, object] | None:
        """Return what must hold, users by their ids, or None when a name is nobody's."""
        names = {name for name in (criteria.author, criteria.favorited) if name is not None}
        ids = await self._profiles.named(names)
        if len(ids) < len(names):
            return None
        asked: dict[str, object] = {
            "tag": criteria.tag,
            "author": criteria.author and ids[criteria.author],
            "favorited": criteria.favorited and ids[criteria.favorited],
        }
        return {name: value for name, value in asked.items() if value is not None}

    async def _article(self, statement: AnySelect, bound: Mapping[str, Any]) -> ArticleView:
        async with self._database.snapshot() as session:
            row = (await session.execute(statement, bound)).one_or_none()
            if row is None:
                raise ArticleNotFound
            authors = await self._authors([row], bound["viewer"])
            if not authors:
                raise ArticleNotFound
        return ArticleView(*_facts(row, authors), body=row.body)

    async def _page(
        self, listing: _Listing, asked: Mapping[str, object], page: Page, viewer: UserId | None
    ) -> ArticleList:
        async with self._database.snapshot() as session:
            statement = listing.page if page.after is None else listing.page_behind
            rows = await self._rows(statement, asked, page, viewer)
            count = await session.scalar(listing.count, asked)
            return await self._list(rows, page, count or 0, viewer)

    async def _rows(
        self, statement: AnySelect, asked: Mapping[str, object], page: Page, viewer: UserId | None
    ) -> Sequence[AnyRow]:
        """Return the rows of the page, and the one behind them if there is any."""
        async with self._database.snapshot() as session:
            return (await session.execute(statement, {**asked, **window(page), "viewer": viewer})).all()

    async def _list(
        self, rows: Sequence[AnyRow], page: Page, count: int, viewer: UserId | None
    ) -> ArticleList:
        shown, following = cut(rows, page)
        authors = await self._authors(shown, viewer)
        # One whose author was deleted while this module was switched off is not shown.
        previews = [ArticlePreview(*_facts(row, authors)) for row in shown if row.author_id in authors]
        return ArticleList(previews, count, following)

    async def _authors(self, rows: Sequence[AnyRow], viewer: UserId | None) -> Mapping[UserId, Profile]:
        return await self._profiles.profiles({UserId(row.author_id) for row in rows}, viewer)


def _facts(row: AnyRow, authors: Mapping[UserId, Profile]) -> Facts:
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
