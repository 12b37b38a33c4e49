"""The article directory in the database."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from modules.articles.contracts import ArticleContent, ArticleId, ArticlePreview
from modules.articles.domain.reading import Criteria
from modules.articles.infrastructure import listings
from modules.articles.infrastructure.listings import (
    PREVIEW,
    preview_fields,
    resolve_filters,
)
from modules.articles.infrastructure.tables import IS_PUBLIC, articles, restrictions, slugs
from modules.articles.infrastructure.visibility import HIDES, is_visible, viewer_parameters
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, split_page
from modules.kernel.domain.visibility import Audiences
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, in_texts
from modules.kernel.infrastructure.persistence.pagination import page_parameters
from modules.kernel.infrastructure.persistence.statements import prepare
from modules.profiles.contracts import Profile, ProfileReader

PREVIEWS = prepare(select(*PREVIEW).where(in_ids(articles.c.id, "ids"), is_visible(articles.c.id)))
HIDDEN = prepare(
    select(restrictions.c.article_id).distinct().where(in_ids(restrictions.c.article_id, "ids"), HIDES)
)
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
    ).where(in_ids(articles.c.id, "ids"), IS_PUBLIC)
)
SELECT_IDS = select(slugs.c.article_id.label("id"), slugs.c.slug).where(
    in_texts(slugs.c.slug, "slugs"), is_visible(slugs.c.article_id)
)
SELECT_AUTHORS = select(articles.c.id, articles.c.author_id).where(in_ids(articles.c.id, "ids"))
IDS, AUTHORS = prepare(SELECT_IDS), prepare(SELECT_AUTHORS)
# In the order of ids, so that two transactions do not deadlock.
LOCK_BY_SLUG, LOCK_AUTHORS = (
    prepare(rows.order_by(articles.c.id).with_for_update(key_share=True, of=articles))
    for rows in (SELECT_IDS.join(articles).add_columns(articles.c.restricted), SELECT_AUTHORS)
)
PUBLIC_IDS = prepare(select(articles.c.id).where(IS_PUBLIC).order_by(articles.c.created_at, articles.c.id))


class SqlArticleDirectory:
    """Reads articles from `articles_article`, with one call of `ProfileReader` for all authors."""

    def __init__(self, database: Database, profiles: ProfileReader, audiences: Audiences) -> None:
        self._database = database
        self._profiles = profiles
        self._audiences = audiences

    async def ids(self, slugs: Collection[str], viewer: UserId | None = None) -> Mapping[str, ArticleId]:
        parameters = {"slugs": slugs, **await viewer_parameters(self._audiences, viewer)}
        rows = await self._database.fetch_all(IDS, parameters)
        return {row.slug: ArticleId(row.id) for row in rows}

    async def lock(self, slugs: Collection[str], viewer: UserId | None = None) -> Mapping[str, ArticleId]:
        self._database.require_transaction()
        parameters = {"slugs": slugs, **await viewer_parameters(self._audiences, viewer)}
        rows = await self._database.fetch_all(LOCK_BY_SLUG, parameters)
        # Looked up again: while it waited for the locks, PostgreSQL saw restrictions as they were before.
        restricted = {ArticleId(row.id) for row in rows if row.restricted}
        hidden: Collection[int] = ()
        if restricted:
            hidden = await self._database.fetch_values(HIDDEN, {**parameters, "ids": restricted})
        return {row.slug: ArticleId(row.id) for row in rows if row.id not in hidden}

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
            parameters = {"ids": ids, **await viewer_parameters(self._audiences, viewer)}
            rows = await self._database.fetch_all(PREVIEWS, parameters)
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
            parameters = {**filters, **page_parameters(page)}
            statement = listings.public_pages(frozenset(filters)).page
            rows, _ = split_page(await self._database.fetch_all(statement, parameters), page)
            return [ArticleId(row.id) for row in rows]

    async def all_ids(self) -> Sequence[ArticleId]:
        return await self._database.fetch_values(PUBLIC_IDS)

    async def hidden(self, ids: Collection[ArticleId], viewer: UserId | None) -> Collection[ArticleId]:
        parameters = {"ids": ids, **await viewer_parameters(self._audiences, viewer)}
        return set(await self._database.fetch_values(HIDDEN, parameters))

    async def _authors(self, rows: Sequence[Any], viewer: UserId | None) -> Mapping[UserId, Profile]:
        return await self._profiles.profiles({UserId(row.author_id) for row in rows}, viewer)
