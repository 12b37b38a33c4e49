"""The article directory, read from the database."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import bindparam, select

from modules.articles.contracts import ArticleContent, ArticleId, ArticlePreview
from modules.articles.domain.reading import Criteria
from modules.articles.infrastructure.listings import (
    PREVIEW,
    AnyRow,
    article,
    facts,
    meeting,
    resolve_filters,
)
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, split_page
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids
from modules.kernel.infrastructure.persistence.pagination import page_parameters
from modules.profiles.contracts import Profile, ProfileReader

PREVIEWS = select(*PREVIEW).where(in_ids(article.c.id, "ids"))
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
).where(in_ids(article.c.id, "ids"))
IDS = select(article.c.id, article.c.slug).where(article.c.slug.in_(bindparam("slugs", expanding=True)))
LOCK_BY_SLUG = IDS.with_for_update(read=True, key_share=True)
LOCK_AUTHORS = (
    select(article.c.id, article.c.author_id)
    .where(article.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(read=True, key_share=True)
)
ALL_IDS = select(article.c.id).order_by(article.c.created_at, article.c.id)


class SqlArticleDirectory:
    """Looks articles up in `articles_article`, and asks `ProfileReader` for all their authors at once."""

    def __init__(self, database: Database, profiles: ProfileReader) -> None:
        self._database = database
        self._profiles = profiles

    async def ids(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        """Return the ids of those of the articles that exist, by slug."""
        async with self._database.snapshot() as session:
            rows = await session.execute(IDS, {"slugs": list(slugs)})
        return {row.slug: ArticleId(row.id) for row in rows}

    async def lock(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        """Return what `ids` returns, and keep these articles from being deleted meanwhile."""
        self._database.require_transaction()
        async with self._database.transaction() as session:
            rows = await session.execute(LOCK_BY_SLUG, {"slugs": list(slugs)})
        return {row.slug: ArticleId(row.id) for row in rows}

    async def lock_authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        """Return who wrote those of the articles that exist, and hold these as `lock` does."""
        self._database.require_transaction()
        async with self._database.transaction() as session:
            rows = await session.execute(LOCK_AUTHORS, {"ids": list(ids)})
        return {ArticleId(row.id): UserId(row.author_id) for row in rows}

    async def previews(
        self, ids: Collection[ArticleId], viewer: UserId | None
    ) -> Mapping[ArticleId, ArticlePreview]:
        """Return those of the articles that exist, by id, as the viewer sees them."""
        async with self._database.snapshot() as session:
            rows = (await session.execute(PREVIEWS, {"ids": ids, "viewer": viewer})).all()
            authors = await self._authors(rows, viewer)
        return {
            ArticleId(row.id): ArticlePreview(*facts(row, authors))
            for row in rows
            if row.author_id in authors
        }

    async def contents(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, ArticleContent]:
        """Return those of the articles that exist, by id, with their bodies."""
        async with self._database.snapshot() as session:
            rows = (await session.execute(TEXTS, {"ids": list(ids)})).all()
            authors = await self._authors(rows, viewer=None)
        return {
            ArticleId(row.id): ArticleContent(
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
        self, limit: int, *, tag: str | None = None, author: str | None = None
    ) -> Sequence[ArticleId]:
        """Return the newest articles, newest first: of all, or with this tag and by this username."""
        async with self._database.snapshot() as session:
            asked = await resolve_filters(Criteria(tag, author), self._profiles)
            if asked is None:
                return []
            page = PageRequest(limit)
            bound = {**asked, **page_parameters(page), "viewer": None}
            rows, _ = split_page((await session.execute(meeting(frozenset(asked)).page, bound)).all(), page)
            return [ArticleId(row.id) for row in rows]

    async def all_ids(self) -> Sequence[ArticleId]:
        """Return every article, the oldest first."""
        async with self._database.snapshot() as session:
            return [ArticleId(id_) for id_ in await session.scalars(ALL_IDS)]

    async def _authors(self, rows: Sequence[AnyRow], viewer: UserId | None) -> Mapping[UserId, Profile]:
        return await self._profiles.profiles({UserId(row.author_id) for row in rows}, viewer)
