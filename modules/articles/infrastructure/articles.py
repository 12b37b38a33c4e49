"""The repository of articles in the database."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, literal, select, tuple_, union, update

from modules.articles.contracts import ArticleId
from modules.articles.domain.article import Article, ArticleNotFound, Draft, SlugTaken
from modules.articles.domain.values import Title
from modules.articles.infrastructure.counts import ArticleCounts, CountedArticle
from modules.articles.infrastructure.tables import ArticleRow, FavoriteRow, TagRow, articles, favorites
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import Position
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_insert
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, insert_or_ignore
from modules.kernel.infrastructure.persistence.schema import UtcDateTime

CONSTRAINT_ERRORS = {"uq_articles_article_slug": SlugTaken}

# All who lock an article wait in one queue. With FOR KEY SHARE, which is enough against a deletion, those
# who favorite an article or comment on it all the time would overtake its deletion for ever.
LOCK_FOR_FAVORITE = (
    select(articles.c.id, articles.c.created_at)
    .where(articles.c.slug == bindparam("slug"))
    .with_for_update(key_share=True)
)
DELETE_FAVORITE = (
    delete(favorites)
    .where(favorites.c.article_id == bindparam("article_id"), favorites.c.user_id == bindparam("user_id"))
    .returning(favorites.c.user_id)
)
ADJUST_FAVORITES_COUNT = (
    update(articles)
    .where(articles.c.id == bindparam("article_id"))
    .values(favorites_count=articles.c.favorites_count + bindparam("delta"))
)
DELETE = delete(articles).where(in_ids(articles.c.id, "ids"))
IDS_BY_AUTHOR = select(articles.c.id).where(articles.c.author_id == bindparam("user_id"))
FAVORITES_OF_USER = select(favorites.c.article_id).where(favorites.c.user_id == bindparam("user_id"))
# Locks a user's articles, and those that the user favorites; in the order of ids, so that the deletions of
# two users do not deadlock. Counted, because the ids of all
# favorites need not fit into memory.
LOCK_FOR_USER_DELETION = select(func.count()).select_from(
    select(articles.c.id)
    .where(articles.c.id.in_(union(IDS_BY_AUTHOR, FAVORITES_OF_USER)))
    .order_by(articles.c.id)
    .with_for_update(key_share=True)
    .subquery()
)
SUBTRACT_FAVORITES_OF_USER = (
    update(articles)
    .where(articles.c.id.in_(FAVORITES_OF_USER))
    .values(favorites_count=articles.c.favorites_count - 1)
)
DELETE_FAVORITES_OF_USER = delete(favorites).where(favorites.c.user_id == bindparam("user_id"))


class SqlArticles:
    """Stores articles in `articles_article`, `articles_tag` and `articles_favorite`."""

    def __init__(self, database: Database, counts: ArticleCounts) -> None:
        self._database = database
        self._counts = counts

    async def add(self, draft: Draft) -> ArticleId:
        async with self._database.transaction():
            article_id = await self._insert(draft)
            await self._insert_tags(article_id, draft.tags.texts, draft.created_at)
            await self._counts.add([CountedArticle(draft.author_id, draft.tags.texts, draft.created_at)])
            return article_id

    async def get_for_update(self, slug: str) -> Article:
        async with self._database.transaction() as session:
            row = await session.scalar(
                select(ArticleRow).where(ArticleRow.slug == slug).with_for_update(key_share=True)
            )
        if row is None:
            raise ArticleNotFound
        return _article(row)

    async def by_author(self, author_id: UserId) -> Sequence[Article]:
        statement = (
            select(ArticleRow)
            .where(ArticleRow.author_id == author_id)
            .order_by(ArticleRow.created_at, ArticleRow.id)
        )
        async with self._database.snapshot() as session:
            return [_article(row) for row in await session.scalars(statement)]

    async def page_by_author(
        self, author_id: UserId, after: Position | None, limit: int
    ) -> Sequence[Article]:
        statement = (
            select(ArticleRow)
            .where(ArticleRow.author_id == author_id)
            .order_by(ArticleRow.created_at, ArticleRow.id)
            .limit(limit)
        )
        if after is not None:
            position = tuple_(literal(after.at, UtcDateTime()), literal(after.id))
            statement = statement.where(tuple_(ArticleRow.created_at, ArticleRow.id) > position)
        async with self._database.snapshot() as session:
            return [_article(row) for row in await session.scalars(statement)]

    async def save(self, article: Article, new_title: Title | None) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                update(ArticleRow)
                .where(ArticleRow.id == article.id)
                .values(
                    title=article.title,
                    description=article.description,
                    body=article.body,
                    tag_list=list(article.tags),
                    updated_at=article.updated_at,
                )
            )
            if new_title is not None:
                await self._change_slug(article, new_title)
            await self._replace_tags(article)

    async def delete(self, article: Article) -> None:
        await self._delete(article.author_id, [article.id])

    async def delete_by_user(self, user_id: UserId) -> Sequence[ArticleId]:
        user = {"user_id": user_id}
        async with self._database.transaction() as session:
            await session.execute(LOCK_FOR_USER_DELETION, user)
            article_ids = [ArticleId(id_) for id_ in await session.scalars(IDS_BY_AUTHOR, user)]
            await self._delete(user_id, article_ids)
            await session.execute(SUBTRACT_FAVORITES_OF_USER, user)
            await session.execute(DELETE_FAVORITES_OF_USER, user)
            await self._counts.delete_user(user_id)
        return article_ids

    async def add_favorite(self, slug: str, user_id: UserId) -> tuple[ArticleId, bool]:
        async with self._database.transaction() as session:
            article_id, created_at = await self._lock_for_favorite(slug)
            row = {"article_id": article_id, "user_id": user_id, "created_at": created_at}
            added = (await session.scalars(insert_or_ignore(session, FavoriteRow, "user_id"), row)).all()
            await self._count_favorites(article_id, user_id, len(added))
            return article_id, bool(added)

    async def remove_favorite(self, slug: str, user_id: UserId) -> ArticleId:
        async with self._database.transaction() as session:
            article_id, _ = await self._lock_for_favorite(slug)
            deleted = await session.scalars(DELETE_FAVORITE, {"article_id": article_id, "user_id": user_id})
            await self._count_favorites(article_id, user_id, -len(deleted.all()))
            return article_id

    async def favorite_slugs_of(self, user_id: UserId) -> Sequence[str]:
        statement = (
            select(ArticleRow.slug)
            .join(FavoriteRow)
            .where(FavoriteRow.user_id == user_id)
            .order_by(FavoriteRow.created_at, FavoriteRow.article_id)
        )
        async with self._database.snapshot() as session:
            return (await session.scalars(statement)).all()

    async def _delete(self, author_id: UserId, article_ids: Sequence[ArticleId]) -> None:
        """Delete locked articles of one author."""
        if article_ids:
            await self._counts.remove_tags_and_favorites(article_ids)
            async with self._database.transaction() as session:
                # Their tags and favorites are deleted by ON DELETE CASCADE.
                await session.execute(DELETE, {"ids": article_ids})
            await self._counts.remove_articles(author_id, len(article_ids))

    async def _insert(self, draft: Draft) -> ArticleId:
        async with self._database.transaction() as session:
            for slug in draft.title.slugs():
                row = article_row(draft, slug, favorites_count=0)
                key = await session.scalar(insert_or_ignore(session, ArticleRow, "id"), row)
                if key is not None:
                    return ArticleId(key)
        raise SlugTaken

    async def _change_slug(self, article: Article, title: Title) -> None:
        for slug in title.slugs():
            if slug == article.slug:
                continue
            with suppress(SlugTaken):
                async with self._database.translating_violations(CONSTRAINT_ERRORS) as session:
                    await session.execute(
                        update(ArticleRow).where(ArticleRow.id == article.id).values(slug=slug)
                    )
                return
        raise SlugTaken

    async def _insert_tags(self, article_id: ArticleId, tags: Sequence[str], created_at: datetime) -> None:
        if tags:
            rows = [{"article_id": article_id, "tag": tag, "created_at": created_at} for tag in tags]
            async with self._database.transaction() as session:
                await bulk_insert(session, TagRow, rows)

    async def _replace_tags(self, article: Article) -> None:
        async with self._database.transaction() as session:
            old_tags = delete(TagRow).where(TagRow.article_id == article.id).returning(TagRow.tag)
            deltas = Counter(article.tags)
            deltas.subtract((await session.scalars(old_tags)).all())
            await self._insert_tags(article.id, article.tags, article.created_at)
            await self._counts.adjust_tags(deltas)

    async def _lock_for_favorite(self, slug: str) -> tuple[ArticleId, datetime]:
        async with self._database.transaction() as session:
            row = (await session.execute(LOCK_FOR_FAVORITE, {"slug": slug})).one_or_none()
        if row is None:
            raise ArticleNotFound
        return ArticleId(row.id), row.created_at

    async def _count_favorites(self, article_id: ArticleId, user_id: UserId, delta: int) -> None:
        if delta:
            await self._counts.adjust_favorites({user_id: delta})
            async with self._database.transaction() as session:
                await session.execute(ADJUST_FAVORITES_COUNT, {"article_id": article_id, "delta": delta})


def _article(row: ArticleRow) -> Article:
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
