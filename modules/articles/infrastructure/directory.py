"""The article directory in the database."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from modules.articles.contracts import ArticleContent, ArticleId, ArticlePreview
from modules.articles.domain.reading import Criteria
from modules.articles.infrastructure.listings import (
    PREVIEW,
    listing,
    preview_fields,
    resolve_filters,
)
from modules.articles.infrastructure.tables import articles, slugs
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, split_page
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, in_texts
from modules.kernel.infrastructure.persistence.pagination import page_parameters
from modules.kernel.infrastructure.persistence.statements import prepare
from modules.profiles.contracts import Profile, ProfileReader

PREVIEWS = prepare(select(*PREVIEW).where(in_ids(articles.c.id, "ids")))
CONTENTS = prepare(
    select(
        articles.c.id,
        articles.c.slug,
        articles.c.author_id,
        articles.c.title,
        articles.c.description,
        func.substr(articles.c.body, 1, bindparam("max_body_length")).label("body"),
        articles.c.tag_list,
        articles.c.created_at,
        articles.c.updated_at,
    ).where(in_ids(articles.c.id, "ids"))
)
SELECT_IDS = select(slugs.c.article_id.label("id"), slugs.c.slug).where(in_texts(slugs.c.slug, "slugs"))
SELECT_AUTHORS = select(articles.c.id, articles.c.author_id).where(in_ids(articles.c.id, "ids"))
IDS, AUTHORS = prepare(SELECT_IDS), prepare(SELECT_AUTHORS)
# In the order of ids, so that two transactions do not deadlock.
LOCK_BY_SLUG, LOCK_AUTHORS = (
    prepare(rows.order_by(articles.c.id).with_for_update(key_share=True, of=articles))
    for rows in (SELECT_IDS.join(articles), SELECT_AUTHORS)
)
ALL_IDS = prepare(select(articles.c.id).order_by(articles.c.created_at, articles.c.id))


class SqlArticleDirectory:
    """Reads articles from `articles_article`, with one call of `ProfileReader` for all authors."""

    def __init__(self, database: Database, profiles: ProfileReader) -> None:
        self._database = database
        self._profiles = profiles

    async def ids(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        rows = await self._database.fetch_all(IDS, {"slugs": slugs})
        return {row.slug: ArticleId(row.id) for row in rows}

    async def lock(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        self._database.require_transaction()
        rows = await self._database.fetch_all(LOCK_BY_SLUG, {"slugs": slugs})
        return {row.slug: ArticleId(row.id) for row in rows}

    async def lock_authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        self._database.require_transaction()
        rows = await self._database.fetch_all(LOCK_AUTHORS, {"ids": ids})
        return {ArticleId(row.id): UserId(row.author_id) for row in rows}

    async def authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        rows = await self._database.fetch_all(AUTHORS, {"ids": ids})
        return {ArticleId(row.id): UserId(row.author_id) for row in rows}

    async def previews(
        self, ids: Collection[ArticleId], viewer: UserId | None
    ) -> Mapping[ArticleId, ArticlePreview]:
        async with self._database.snapshot():
            rows = await self._database.fetch_all(PREVIEWS, {"ids": ids, "viewer": viewer})
            authors = await self._authors(rows, viewer)
        return {
            ArticleId(row.id): ArticlePreview(*preview_fields(row, authors))
            for row in rows
            if row.author_id in authors
        }

    async def contents(
        self, ids: Collection[ArticleId], *, max_body_length: int
    ) -> Mapping[ArticleId, ArticleContent]:
        parameters = {"ids": list(ids), "max_body_length": max_body_length}
        async with self._database.snapshot():
            rows = await self._database.fetch_all(CONTENTS, parameters)
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
        async with self._database.snapshot():
            filters = await resolve_filters(Criteria(tag, author), self._profiles)
            if filters is None:
                return []
            page = PageRequest(limit)
            parameters = {**filters, **page_parameters(page), "viewer": None}
            rows, _ = split_page(
                await self._database.fetch_all(listing(frozenset(filters)).page, parameters), page
            )
            return [ArticleId(row.id) for row in rows]

    async def all_ids(self) -> Sequence[ArticleId]:
        return await self._database.fetch_values(ALL_IDS)

    async def _authors(self, rows: Sequence[Any], viewer: UserId | None) -> Mapping[UserId, Profile]:
        return await self._profiles.profiles({UserId(row.author_id) for row in rows}, viewer)
