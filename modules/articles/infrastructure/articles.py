"""The repository of articles in the database."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, func, select, tuple_, union, update

from modules.articles.contracts import ArticleId
from modules.articles.domain.article import Article, ArticleNotFound, Draft, SlugTaken
from modules.articles.domain.values import Title
from modules.articles.infrastructure.counts import ArticleCounts, CountedArticle
from modules.articles.infrastructure.tables import (
    HAS_SLUG,
    IS_PUBLIC,
    ArticleRow,
    FavoriteRow,
    SlugRow,
    TagRow,
    articles,
    favorites,
    slugs,
    tags,
)
from modules.articles.infrastructure.visibility import is_visible, viewer_parameters
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import Position
from modules.kernel.domain.visibility import Audiences
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_insert
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, insert_or_ignore
from modules.kernel.infrastructure.persistence.pagination import LIMIT
from modules.kernel.infrastructure.persistence.schema import UtcDateTime
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare

IS_ARTICLE = articles.c.id == bindparam("article_id")
# All who lock an article wait in one queue. With FOR KEY SHARE, which is enough against a deletion, those
# who favorite an article or comment on it all the time would overtake its deletion for ever.
LOCK = prepare(select(articles).where(HAS_SLUG, is_visible(articles.c.id)).with_for_update(key_share=True))
LOCK_FOR_REMOVAL = prepare(select(articles).where(HAS_SLUG).with_for_update(key_share=True))
LOCK_FOR_FAVORITE = prepare(
    select(articles.c.id, articles.c.created_at, articles.c.restricted)
    .where(HAS_SLUG, is_visible(articles.c.id))
    .with_for_update(key_share=True)
)
VISIBLE_BY_ID = prepare(
    select(articles.c.id).where(articles.c.id == bindparam("id"), is_visible(articles.c.id))
)
OLDEST_FIRST = (
    select(articles)
    .where(articles.c.author_id == bindparam("author_id"))
    .order_by(articles.c.created_at, articles.c.id)
)
BY_AUTHOR = prepare(OLDEST_FIRST)
PAGE_BY_AUTHOR = prepare(OLDEST_FIRST.limit(LIMIT))
PAGE_BY_AUTHOR_AFTER = prepare(
    OLDEST_FIRST.where(
        tuple_(articles.c.created_at, articles.c.id)
        > tuple_(bindparam("at", type_=UtcDateTime()), bindparam("id", type_=BigInteger))
    ).limit(LIMIT)
)
UPDATE = prepare(
    update(articles)
    .where(IS_ARTICLE)
    .values(
        title=bindparam("new_title"),
        description=bindparam("new_description"),
        body=bindparam("new_body"),
        tag_list=bindparam("new_tag_list"),
        updated_at=bindparam("new_updated_at"),
    )
    .returning(articles.c.restricted)
)
UPDATE_SLUG = prepare(update(articles).where(IS_ARTICLE).values(slug=bindparam("new_slug")))
ARTICLE_OF_SLUG = prepare(select(slugs.c.article_id).where(slugs.c.slug == bindparam("slug")))
DELETE_TAGS = prepare(delete(tags).where(tags.c.article_id == bindparam("article_id")).returning(tags.c.tag))
DELETE_FAVORITE = prepare(
    delete(favorites)
    .where(favorites.c.article_id == bindparam("article_id"), favorites.c.user_id == bindparam("user_id"))
    .returning(favorites.c.user_id)
)
ADJUST_FAVORITES_COUNT = prepare(
    update(articles).where(IS_ARTICLE).values(favorites_count=articles.c.favorites_count + bindparam("delta"))
)
FAVORITE_SLUGS = prepare(
    select(articles.c.slug)
    .join(favorites)
    .where(favorites.c.user_id == bindparam("user_id"), is_visible(articles.c.id))
    .order_by(favorites.c.created_at, favorites.c.article_id)
)
DELETE = prepare(delete(articles).where(in_ids(articles.c.id, "ids")))
PUBLIC_AMONG = prepare(select(articles.c.id).where(in_ids(articles.c.id, "ids"), IS_PUBLIC))
BY_USER = select(articles.c.id).where(articles.c.author_id == bindparam("user_id"))
IDS_BY_AUTHOR = prepare(BY_USER)
FAVORITES_OF_USER = select(favorites.c.article_id).where(favorites.c.user_id == bindparam("user_id"))
# Locks a user's articles, and those that the user favorites; in the order of ids, so that the deletions of
# two users do not deadlock. Counted, because the ids of all favorites need not fit into memory.
LOCK_FOR_USER_DELETION = prepare(
    select(func.count()).select_from(
        select(articles.c.id)
        .where(articles.c.id.in_(union(BY_USER, FAVORITES_OF_USER)))
        .order_by(articles.c.id)
        .with_for_update(key_share=True)
        .subquery()
    )
)
SUBTRACT_FAVORITES_OF_USER = prepare(
    update(articles)
    .where(articles.c.id.in_(FAVORITES_OF_USER))
    .values(favorites_count=articles.c.favorites_count - 1)
)
DELETE_FAVORITES_OF_USER = prepare(delete(favorites).where(favorites.c.user_id == bindparam("user_id")))


class SqlArticles:
    """Stores articles in `articles_article`, `articles_slug`, `articles_tag` and `articles_favorite`."""

    def __init__(self, database: Database, counts: ArticleCounts, audiences: Audiences) -> None:
        self._database = database
        self._counts = counts
        self._audiences = audiences

    async def add(self, draft: Draft) -> ArticleId:
        async with self._database.transaction():
            article_id = await self._insert(draft)
            await self._insert_tags(article_id, draft.tags.texts, draft.created_at)
            await self._counts.add([CountedArticle(draft.author_id, draft.tags.texts, draft.created_at)])
            return article_id

    async def get_for_update(self, slug: str, editor_id: UserId) -> Article:
        return _article(await self._lock(LOCK, slug, editor_id))

    async def get_for_removal(self, slug: str) -> Article:
        row = await self._database.fetch_one(LOCK_FOR_REMOVAL, {"slug": slug})
        if row is None:
            raise ArticleNotFound
        return _article(row)

    async def by_author(self, author_id: UserId) -> Sequence[Article]:
        return [_article(row) for row in await self._database.fetch_all(BY_AUTHOR, {"author_id": author_id})]

    async def page_by_author(
        self, author_id: UserId, after: Position | None, limit: int
    ) -> Sequence[Article]:
        parameters: dict[str, object] = {"author_id": author_id, "rows": limit}
        statement = PAGE_BY_AUTHOR
        if after is not None:
            statement, parameters = PAGE_BY_AUTHOR_AFTER, {**parameters, "at": after.at, "id": after.id}
        return [_article(row) for row in await self._database.fetch_all(statement, parameters)]

    async def save(self, article: Article, new_title: Title | None) -> None:
        async with self._database.transaction():
            parameters = {
                "article_id": article.id,
                "new_title": article.title,
                "new_description": article.description,
                "new_body": article.body,
                "new_tag_list": list(article.tags),
                "new_updated_at": article.updated_at,
            }
            restricted = await self._database.fetch_value(UPDATE, parameters)
            if new_title is not None:
                await self._change_slug(article.id, new_title)
            await self._replace_tags(article, restricted=restricted)

    async def delete(self, article: Article) -> None:
        await self._delete(article.author_id, [article.id])

    async def delete_by_user(self, user_id: UserId) -> Sequence[ArticleId]:
        user = {"user_id": user_id}
        async with self._database.transaction():
            await self._database.execute(LOCK_FOR_USER_DELETION, user)
            article_ids: Sequence[ArticleId] = await self._database.fetch_values(IDS_BY_AUTHOR, user)
            await self._delete(user_id, article_ids)
            await self._database.execute(SUBTRACT_FAVORITES_OF_USER, user)
            await self._database.execute(DELETE_FAVORITES_OF_USER, user)
            await self._counts.delete_user(user_id)
        return article_ids

    async def add_favorite(self, slug: str, user_id: UserId) -> tuple[ArticleId, bool]:
        async with self._database.transaction():
            article = await self._lock(LOCK_FOR_FAVORITE, slug, user_id)
            article_id = ArticleId(article.id)
            row = {
                "article_id": article_id,
                "user_id": user_id,
                "created_at": article.created_at,
                "restricted": article.restricted,
            }
            insert = insert_or_ignore(self._database.dialect, FavoriteRow, "user_id")
            added = await self._database.fetch_all(insert, row)
            await self._count_favorites(article, user_id, len(added))
            return article_id, bool(added)

    async def remove_favorite(self, slug: str, user_id: UserId) -> ArticleId:
        async with self._database.transaction():
            article = await self._lock(LOCK_FOR_FAVORITE, slug, user_id)
            favorite = {"article_id": article.id, "user_id": user_id}
            deleted = await self._database.fetch_all(DELETE_FAVORITE, favorite)
            await self._count_favorites(article, user_id, -len(deleted))
            return ArticleId(article.id)

    async def favorite_slugs_of(self, user_id: UserId) -> Sequence[str]:
        parameters = {"user_id": user_id, **await viewer_parameters(self._audiences, user_id)}
        return await self._database.fetch_values(FAVORITE_SLUGS, parameters)

    async def _delete(self, author_id: UserId, article_ids: Sequence[ArticleId]) -> None:
        """Delete locked articles of one author."""
        if article_ids:
            public = await self._database.fetch_values(PUBLIC_AMONG, {"ids": article_ids})
            await self._counts.remove_tags_and_favorites(public)
            # Their tags, favorites and restrictions are deleted by ON DELETE CASCADE.
            await self._database.execute(DELETE, {"ids": article_ids})
            if public:
                await self._counts.remove_articles({author_id: len(public)})

    async def _insert(self, draft: Draft) -> ArticleId:
        insert = insert_or_ignore(self._database.dialect, ArticleRow, "id")
        for slug in draft.title.slugs():
            key = await self._database.fetch_value(insert, article_row(draft, slug, favorites_count=0))
            if key is None:
                continue
            article_id = ArticleId(key)
            if not await self._claim(slug, article_id):
                # Another article had the slug before.
                await self._change_slug(article_id, draft.title)
            return article_id
        raise SlugTaken

    async def _change_slug(self, article_id: ArticleId, title: Title) -> None:
        for slug in title.slugs():
            if await self._claim(slug, article_id):
                await self._database.execute(UPDATE_SLUG, {"article_id": article_id, "new_slug": slug})
                return
        raise SlugTaken

    async def _claim(self, slug: str, article_id: ArticleId) -> bool:
        """Return whether the slug belongs to this article, inserting it if it belongs to none."""
        insert = insert_or_ignore(self._database.dialect, SlugRow, "article_id")
        owner = await self._database.fetch_value(insert, {"slug": slug, "article_id": article_id})
        if owner is None:
            owner = await self._database.fetch_value(ARTICLE_OF_SLUG, {"slug": slug})
        return bool(owner == article_id)

    async def _insert_tags(
        self, article_id: ArticleId, tags: Sequence[str], created_at: datetime, *, restricted: bool = False
    ) -> None:
        row = {"article_id": article_id, "created_at": created_at, "restricted": restricted}
        await bulk_insert(self._database, TagRow, [{**row, "tag": tag} for tag in tags])

    async def _replace_tags(self, article: Article, *, restricted: bool) -> None:
        deltas = Counter(article.tags)
        deltas.subtract(await self._database.fetch_values(DELETE_TAGS, {"article_id": article.id}))
        await self._insert_tags(article.id, article.tags, article.created_at, restricted=restricted)
        if not restricted:
            await self._counts.adjust_tags(deltas)

    async def _lock(self, statement: PreparedStatement, slug: str, viewer: UserId) -> Any:
        parameters = {"slug": slug, **await viewer_parameters(self._audiences, viewer)}
        row = await self._database.fetch_one(statement, parameters)
        if row is None:
            raise ArticleNotFound
        # Looked up again: while it waited for the lock, PostgreSQL saw restrictions as they were before.
        if row.restricted and not await self._database.fetch_values(
            VISIBLE_BY_ID, {"id": row.id, **parameters}
        ):
            raise ArticleNotFound
        return row

    async def _count_favorites(self, article: Any, user_id: UserId, delta: int) -> None:
        if delta:
            if not article.restricted:
                await self._counts.adjust_favorites({user_id: delta})
            await self._database.execute(ADJUST_FAVORITES_COUNT, {"article_id": article.id, "delta": delta})


def _article(row: Any) -> Article:
    return Article(
        id=ArticleId(row.id),
        slug=row.slug,
        author_id=UserId(row.author_id),
        title=row.title,
        description=row.description,
        body=row.body,
        tags=tuple(row.tag_list),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def article_row(draft: Draft, slug: str, favorites_count: int) -> dict[str, Any]:
    """Return the row of a new article."""
    return {
        "slug": slug,
        "author_id": draft.author_id,
        "title": draft.title.text,
        "description": draft.description.text,
        "tag_list": list(draft.tags.texts),
        "favorites_count": favorites_count,
        "created_at": draft.created_at,
        "updated_at": draft.created_at,
        "body": draft.body.text,
    }
