"""Stored counts of articles: counting a million rows for every page costs more than the page."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, delete, func, select, update
from sqlalchemy.orm import DeclarativeBase

from modules.articles.contracts import ArticleId
from modules.articles.infrastructure.tables import (
    ArticleRow,
    AuthorStatsRow,
    FavoriteRow,
    ReaderStatsRow,
    TagStatsRow,
)
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import upsert

ALL_AUTHORS = UserId(0)
"""The `author_id` of the row that counts all articles. Ids of users begin at 1."""


@dataclass(frozen=True, slots=True)
class CountedArticle:
    """The attributes by which an article is counted."""

    author_id: UserId
    tags: Collection[str]
    created_at: datetime
    favorited_by: Collection[UserId] = ()


class ArticleCounts:
    """Updates the counts in the transaction that changes the counted rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, articles: Sequence[CountedArticle]) -> None:
        """Count new articles."""
        if not articles:
            return
        per_author = Counter(article.author_id for article in articles)
        latest: dict[UserId, datetime] = {}
        for article in articles:
            latest_at = latest.get(article.author_id, article.created_at)
            latest[article.author_id] = max(article.created_at, latest_at)
        rows = [
            {"author_id": author_id, "articles": n, "latest_at": latest[author_id]}
            for author_id, n in per_author.items()
        ]
        total = {"author_id": ALL_AUTHORS, "articles": len(articles), "latest_at": max(latest.values())}
        async with self._database.transaction() as session:
            await session.execute(upsert(session, AuthorStatsRow, _added), [total, *rows])
        await self.adjust_tags(Counter(tag for article in articles for tag in article.tags))
        await self.adjust_favorites(
            Counter(user_id for article in articles for user_id in article.favorited_by)
        )

    async def adjust_tags(self, deltas: Mapping[str, int]) -> None:
        """Add these numbers, which may be negative, to the counts of articles by tag."""
        await self._adjust(TagStatsRow, "tag", deltas)

    async def adjust_favorites(self, deltas: Mapping[UserId, int]) -> None:
        """Add these numbers, which may be negative, to the counts of favorites by user."""
        await self._adjust(ReaderStatsRow, "user_id", deltas)

    async def favoriters_of(self, article_id: ArticleId) -> Collection[UserId]:
        """Return the users who favorite the article."""
        async with self._database.transaction() as session:
            user_ids = await session.scalars(
                select(FavoriteRow.user_id).where(FavoriteRow.article_id == article_id)
            )
            return [UserId(user_id) for user_id in user_ids]

    async def remove(self, article: CountedArticle) -> None:
        """Subtract an article from the counts, after its row was deleted."""
        author_id = AuthorStatsRow.author_id
        latest = select(func.max(ArticleRow.created_at)).where(ArticleRow.author_id == author_id)
        async with self._database.transaction() as session:
            await session.execute(
                update(AuthorStatsRow)
                .where(author_id.in_((article.author_id, ALL_AUTHORS)))
                .values(articles=AuthorStatsRow.articles - 1)
            )
            await session.execute(
                update(AuthorStatsRow)
                .where(author_id == article.author_id)
                .values(latest_at=latest.scalar_subquery())
            )
        await self.adjust_tags(dict.fromkeys(article.tags, -1))
        await self.adjust_favorites(dict.fromkeys(article.favorited_by, -1))

    async def delete_user(self, user_id: UserId) -> None:
        """Delete the counts of a user whose articles and favorites were deleted."""
        async with self._database.transaction() as session:
            await session.execute(delete(AuthorStatsRow).where(AuthorStatsRow.author_id == user_id))
            await session.execute(delete(ReaderStatsRow).where(ReaderStatsRow.user_id == user_id))

    async def _adjust(self, row: type[DeclarativeBase], key: str, deltas: Mapping[Any, int]) -> None:
        increases = [{key: value, "articles": n} for value, n in deltas.items() if n > 0]
        decreases = [{"value": value, "decrease": -n} for value, n in deltas.items() if n < 0]
        table = row.metadata.tables[row.__tablename__]
        async with self._database.transaction() as session:
            if increases:
                await session.execute(upsert(session, row, _added), increases)
            if decreases:
                await session.execute(
                    update(table)
                    .where(table.c[key] == bindparam("value"))
                    .values(articles=table.c.articles - bindparam("decrease")),
                    decreases,
                )


def _added(stored: Any, new: Any) -> Mapping[str, Any]:
    values = {"articles": stored.articles + new.articles}
    if "latest_at" in stored:
        # NULL after the author's last article was deleted.
        is_later = func.coalesce(new.latest_at > stored.latest_at, True)
        values["latest_at"] = case((is_later, new.latest_at), else_=stored.latest_at)
    return values
