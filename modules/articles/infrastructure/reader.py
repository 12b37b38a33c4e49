"""Articles in the database, for those who read: a fixed number of statements for any number of rows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Label, Row, Select, exists, false, func, select

from modules.articles.contracts import ArticleId, ArticlePreview
from modules.articles.domain.article import ArticleNotFound
from modules.articles.domain.reading import ArticleList, ArticleView, Criteria
from modules.articles.infrastructure.tables import ArticleRow, FavoriteRow, TagRow
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import Page
from modules.kernel.infrastructure.database import Database
from modules.profiles.contracts import Profile, ProfileReader

AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]

COLUMNS = (
    ArticleRow.id,
    ArticleRow.slug,
    ArticleRow.author_id,
    ArticleRow.title,
    ArticleRow.description,
    ArticleRow.tag_list,
    ArticleRow.favorites_count,
    ArticleRow.created_at,
    ArticleRow.updated_at,
)


class SqlArticleReader:
    """Reads articles, and asks `ProfileReader` for all their authors at once."""

    def __init__(self, database: Database, profiles: ProfileReader) -> None:
        self._database = database
        self._profiles = profiles

    async def article(self, slug: str, viewer: UserId | None) -> ArticleView:
        """Return the article; raise `ArticleNotFound` if no article has this slug."""
        return await self._article(ArticleRow.slug == slug, viewer)

    async def article_by_id(self, article: ArticleId, viewer: UserId | None) -> ArticleView:
        """Return the article; raise `ArticleNotFound` if there is none."""
        return await self._article(ArticleRow.id == article, viewer)

    async def articles(self, criteria: Criteria, page: Page, viewer: UserId | None) -> ArticleList:
        """Return a page of the articles that meet the criteria; a name that nobody has meets none."""
        async with self._database.snapshot():
            asked = {name for name in (criteria.author, criteria.favorited) if name is not None}
            ids = await self._profiles.named(asked)
            if len(ids) < len(asked):
                return ArticleList((), 0)
            return await self._page(_meeting(criteria, ids), page, viewer)

    async def feed(self, reader: UserId, page: Page) -> ArticleList:
        """Return a page of the articles by those whom the reader follows."""
        async with self._database.snapshot():
            followed = (await self._profiles.followed({reader}))[reader]
            if not followed:
                return ArticleList((), 0)
            by_followed = (
                select(ArticleRow.id)
                .where(ArticleRow.author_id.in_(followed))
                .order_by(ArticleRow.created_at.desc(), ArticleRow.id.desc())
            )
            return await self._page(by_followed, page, reader)

    async def tags(self) -> Sequence[str]:
        """Return the tags in use, the most used first."""
        statement = select(TagRow.tag).group_by(TagRow.tag).order_by(func.count().desc(), TagRow.tag)
        async with self._database.snapshot() as session:
            return list(await session.scalars(statement))

    async def ids(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        """Return the ids of those of the articles that exist, by slug."""
        async with self._database.snapshot() as session:
            rows = await session.execute(_ids(slugs))
        return {row.slug: ArticleId(row.id) for row in rows}

    async def held(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        """Return what `ids` returns, and keep these articles from being deleted meanwhile."""
        self._database.require_transaction()
        async with self._database.transaction() as session:
            rows = await session.execute(_ids(slugs).with_for_update(read=True, key_share=True))
        return {row.slug: ArticleId(row.id) for row in rows}

    async def previews(
        self, ids: Collection[ArticleId], viewer: UserId | None
    ) -> Mapping[ArticleId, ArticlePreview]:
        """Return those of the articles that exist, by id, as the viewer sees them."""
        statement = select(*COLUMNS, _favorited(viewer)).where(ArticleRow.id.in_(ids))
        async with self._database.snapshot() as session:
            rows = (await session.execute(statement)).all()
            authors = await self._authors(rows, viewer)
        return {ArticleId(row.id): _preview(row, authors) for row in rows}

    async def _article(self, condition: ColumnElement[bool], viewer: UserId | None) -> ArticleView:
        statement = select(*COLUMNS, ArticleRow.body, _favorited(viewer)).where(condition)
        async with self._database.snapshot() as session:
            row = (await session.execute(statement)).one_or_none()
            if row is None:
                raise ArticleNotFound
            authors = await self._authors([row], viewer)
        return ArticleView(**_facts(row, authors), body=row.body)

    async def _page(self, matches: AnySelect, page: Page, viewer: UserId | None) -> ArticleList:
        rows_wanted = (
            matches.with_only_columns(*COLUMNS, _favorited(viewer)).limit(page.limit).offset(page.offset)
        )
        number = matches.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
        async with self._database.snapshot() as session:
            rows = (await session.execute(rows_wanted)).all()
            count = await session.scalar(number)
            authors = await self._authors(rows, viewer)
        return ArticleList([_preview(row, authors) for row in rows], count or 0)

    async def _authors(self, rows: Sequence[AnyRow], viewer: UserId | None) -> Mapping[UserId, Profile]:
        return await self._profiles.profiles({UserId(row.author_id) for row in rows}, viewer)


def _meeting(criteria: Criteria, ids: Mapping[str, UserId]) -> AnySelect:
    """Return the articles that meet the criteria, newest first by an index that filters too."""
    conditions: list[ColumnElement[bool]] = []
    time, key = ArticleRow.created_at, ArticleRow.id
    if criteria.author is not None:
        conditions.append(ArticleRow.author_id == ids[criteria.author])
    if criteria.favorited is not None:
        time, key = FavoriteRow.created_at, FavoriteRow.article_id
        conditions += [key == ArticleRow.id, FavoriteRow.user_id == ids[criteria.favorited]]
    if criteria.tag is not None:
        time, key = TagRow.created_at, TagRow.article_id
        conditions += [key == ArticleRow.id, TagRow.tag == criteria.tag]
    return select(ArticleRow.id).where(*conditions).order_by(time.desc(), key.desc())


def _favorited(viewer: UserId | None) -> Label[bool]:
    if viewer is None:
        return false().label("favorited")
    return (
        exists()
        .where(FavoriteRow.article_id == ArticleRow.id, FavoriteRow.user_id == viewer)
        .correlate(ArticleRow)
        .label("favorited")
    )


def _ids(slugs: Collection[str]) -> Select[*tuple[int, str]]:
    return select(ArticleRow.id, ArticleRow.slug).where(ArticleRow.slug.in_(slugs))


def _preview(row: AnyRow, authors: Mapping[UserId, Profile]) -> ArticlePreview:
    return ArticlePreview(**_facts(row, authors))


def _facts(row: AnyRow, authors: Mapping[UserId, Profile]) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "title": row.title,
        "description": row.description,
        "tag_list": tuple(row.tag_list),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "favorited": row.favorited,
        "favorites_count": row.favorites_count,
        "author": authors[UserId(row.author_id)],
    }
