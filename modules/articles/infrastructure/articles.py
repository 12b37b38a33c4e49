"""Articles in the database, for those who write."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from modules.articles.contracts import ArticleId
from modules.articles.domain.article import Article, ArticleNotFound, Draft, SlugTaken
from modules.articles.domain.values import Title
from modules.articles.infrastructure.counts import ArticleCounts, CountedArticle
from modules.articles.infrastructure.tables import ArticleRow, FavoriteRow, TagRow
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_insert
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import insert_or_ignore

CONSTRAINT_ERRORS = {"uq_articles_article_slug": SlugTaken}

# Of tables, and built once, as in `reader`: these are what favoriting an article consists of.
article = ArticleRow.metadata.tables[ArticleRow.__tablename__]
favorite = FavoriteRow.metadata.tables[FavoriteRow.__tablename__]

# Only deleting it must wait: others may favorite it at the same time.
LOCK_FOR_FAVORITE = (
    select(article.c.id, article.c.created_at)
    .where(article.c.slug == bindparam("slug"))
    .with_for_update(read=True, key_share=True)
)
DELETE_FAVORITE = (
    delete(favorite)
    .where(favorite.c.article_id == bindparam("article"), favorite.c.user_id == bindparam("user"))
    .returning(favorite.c.user_id)
)
ADJUST_FAVORITES_COUNT = (
    update(article)
    .where(article.c.id == bindparam("article"))
    .values(favorites_count=article.c.favorites_count + bindparam("more"))
)


class SqlArticles:
    """Keeps articles in `articles_article`, with their tags and favorites beside them."""

    def __init__(self, database: Database, counts: ArticleCounts) -> None:
        self._database = database
        self._counts = counts

    async def add(self, draft: Draft) -> ArticleId:
        """Keep a new article under the first of its title's slugs that is free."""
        async with self._database.transaction():
            article = await self._insert(draft)
            await self._insert_tags(article, draft.tags.texts, draft.at)
            await self._counts.published([CountedArticle(draft.author, draft.tags.texts, draft.at)])
            return article

    async def get_for_update(self, slug: str) -> Article:
        """Return the article, and keep others from changing it until the transaction ends.

        Raises `ArticleNotFound`.
        """
        async with self._database.transaction() as session:
            row = await session.scalar(select(ArticleRow).where(ArticleRow.slug == slug).with_for_update())
        if row is None:
            raise ArticleNotFound
        return _article(row)

    async def by_author(self, author: UserId) -> Sequence[Article]:
        """Return every article of this author's, the oldest first."""
        statement = (
            select(ArticleRow)
            .where(ArticleRow.author_id == author)
            .order_by(ArticleRow.created_at, ArticleRow.id)
        )
        async with self._database.snapshot() as session:
            return [_article(row) for row in await session.scalars(statement)]

    async def save(self, article: Article, new_title: Title | None) -> None:
        """Keep a changed article, under another slug if its title is new."""
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

    async def remove(self, article: Article) -> None:
        """Forget an article, its tags and who favorites it."""
        favorited_by = await self._counts.favoriters_of(article.id)
        async with self._database.transaction() as session:
            # Tags and favorites go with it: their foreign keys cascade.
            await session.execute(delete(ArticleRow).where(ArticleRow.id == article.id))
            await self._counts.removed(
                CountedArticle(article.author_id, article.tags, article.created_at, favorited_by)
            )

    async def add_favorite(self, slug: str, user: UserId) -> tuple[ArticleId, bool]:
        """Keep that this user favorites the article; return the article's id, and whether that is new.

        Raises `ArticleNotFound`.
        """
        async with self._database.transaction() as session:
            article, created_at = await self._lock_for_favorite(slug)
            row = {"article_id": article, "user_id": user, "created_at": created_at}
            added = (await session.scalars(insert_or_ignore(session, FavoriteRow, "user_id"), row)).all()
            await self._count_favorites(article, user, len(added))
            return article, bool(added)

    async def remove_favorite(self, slug: str, user: UserId) -> ArticleId:
        """Forget that this user favorites the article, if that is so; return the article's id.

        Raises `ArticleNotFound`.
        """
        async with self._database.transaction() as session:
            article, _ = await self._lock_for_favorite(slug)
            removed = await session.scalars(DELETE_FAVORITE, {"article": article, "user": user})
            await self._count_favorites(article, user, -len(removed.all()))
            return article

    async def delete_favorites_by(self, user: UserId) -> None:
        """Forget all that this user favorites."""
        favorited = select(FavoriteRow.article_id).where(FavoriteRow.user_id == user)
        async with self._database.transaction() as session:
            await session.execute(
                update(ArticleRow)
                .where(ArticleRow.id.in_(favorited))
                .values(favorites_count=ArticleRow.favorites_count - 1)
            )
            await session.execute(delete(FavoriteRow).where(FavoriteRow.user_id == user))
        await self._counts.forget(user)

    async def favorite_slugs_of(self, user: UserId) -> Sequence[str]:
        """Return the slugs of all that this user favorites, in the order of the articles."""
        statement = (
            select(ArticleRow.slug)
            .join(FavoriteRow)
            .where(FavoriteRow.user_id == user)
            .order_by(FavoriteRow.created_at, FavoriteRow.article_id)
        )
        async with self._database.snapshot() as session:
            return (await session.scalars(statement)).all()

    async def _insert(self, draft: Draft) -> ArticleId:
        async with self._database.transaction() as session:
            for slug in draft.title.slugs():
                row = article_row(draft, slug, favorites_count=0)
                article = await session.scalar(insert_or_ignore(session, ArticleRow, "id"), row)
                if article is not None:
                    return ArticleId(article)
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

    async def _insert_tags(self, article: ArticleId, tags: Sequence[str], created_at: datetime) -> None:
        if tags:
            rows = [{"article_id": article, "tag": tag, "created_at": created_at} for tag in tags]
            async with self._database.transaction() as session:
                await bulk_insert(session, TagRow, rows)

    async def _replace_tags(self, article: Article) -> None:
        async with self._database.transaction() as session:
            removed = delete(TagRow).where(TagRow.article_id == article.id).returning(TagRow.tag)
            more = Counter(article.tags)
            more.subtract((await session.scalars(removed)).all())
            await self._insert_tags(article.id, article.tags, article.created_at)
            await self._counts.tagged(more)

    async def _lock_for_favorite(self, slug: str) -> tuple[ArticleId, datetime]:
        async with self._database.transaction() as session:
            row = (await session.execute(LOCK_FOR_FAVORITE, {"slug": slug})).one_or_none()
        if row is None:
            raise ArticleNotFound
        return ArticleId(row.id), row.created_at

    async def _count_favorites(self, article: ArticleId, user: UserId, more: int) -> None:
        if more:
            await self._counts.favorited({user: more})
            async with self._database.transaction() as session:
                await session.execute(ADJUST_FAVORITES_COUNT, {"article": article, "more": more})


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
        "author_id": draft.author,
        "title": draft.title.text,
        "description": draft.description.text,
        "tag_list": list(draft.tags.texts),
        "favorites_count": favorites_count,
        "created_at": draft.at,
        "updated_at": draft.at,
        "body": draft.body.text,
    }
