"""How many articles there are: kept, because counting a million for every page costs more than the page."""

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
"""The author whose articles are all there are: users' ids begin at 1."""


@dataclass(frozen=True, slots=True)
class CountedArticle:
    """What of an article is counted."""

    author: UserId
    tags: Collection[str]
    at: datetime
    favorited_by: Collection[UserId] = ()


class ArticleCounts:
    """Keeps the counts exact: each changes in the transaction that changes what it counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def published(self, articles: Sequence[CountedArticle]) -> None:
        """Count articles that are new."""
        if not articles:
            return
        authors = Counter(article.author for article in articles)
        latest: dict[UserId, datetime] = {}
        for article in articles:
            latest[article.author] = max(article.at, latest.get(article.author, article.at))
        rows = [
            {"author_id": author, "articles": n, "latest_at": latest[author]} for author, n in authors.items()
        ]
        everybody = {"author_id": ALL_AUTHORS, "articles": len(articles), "latest_at": max(latest.values())}
        async with self._database.transaction() as session:
            await session.execute(upsert(session, AuthorStatsRow, _counted_on), [everybody, *rows])
        await self.tagged(Counter(tag for article in articles for tag in article.tags))
        await self.favorited(Counter(user for article in articles for user in article.favorited_by))

    async def tagged(self, more: Mapping[str, int]) -> None:
        """Count so many more articles with each tag, or fewer."""
        await self._add(TagStatsRow, "tag", more)

    async def favorited(self, more: Mapping[UserId, int]) -> None:
        """Count so many more favorites of each user, or fewer."""
        await self._add(ReaderStatsRow, "user_id", more)

    async def favoriters_of(self, article: ArticleId) -> Collection[UserId]:
        """Return who favorites the article."""
        async with self._database.transaction() as session:
            users = await session.scalars(
                select(FavoriteRow.user_id).where(FavoriteRow.article_id == article)
            )
            return [UserId(user) for user in users]

    async def removed(self, article: CountedArticle) -> None:
        """Count an article no longer, after it is gone."""
        author = AuthorStatsRow.author_id
        latest = select(func.max(ArticleRow.created_at)).where(ArticleRow.author_id == author)
        async with self._database.transaction() as session:
            await session.execute(
                update(AuthorStatsRow)
                .where(author.in_((article.author, ALL_AUTHORS)))
                .values(articles=AuthorStatsRow.articles - 1)
            )
            await session.execute(
                update(AuthorStatsRow)
                .where(author == article.author)
                .values(latest_at=latest.scalar_subquery())
            )
        await self.tagged(dict.fromkeys(article.tags, -1))
        await self.favorited(dict.fromkeys(article.favorited_by, -1))

    async def forget(self, user: UserId) -> None:
        """Count nothing for somebody who is gone, and whose articles and favorites are gone."""
        async with self._database.transaction() as session:
            await session.execute(delete(AuthorStatsRow).where(AuthorStatsRow.author_id == user))
            await session.execute(delete(ReaderStatsRow).where(ReaderStatsRow.user_id == user))

    async def _add(self, kind: type[DeclarativeBase], key: str, more: Mapping[Any, int]) -> None:
        grown = [{key: one, "articles": n} for one, n in more.items() if n > 0]
        shrunk = [{"one": one, "fewer": -n} for one, n in more.items() if n < 0]
        table = kind.metadata.tables[kind.__tablename__]
        async with self._database.transaction() as session:
            if grown:
                await session.execute(upsert(session, kind, _counted_on), grown)
            if shrunk:
                await session.execute(
                    update(table)
                    .where(table.c[key] == bindparam("one"))
                    .values(articles=table.c.articles - bindparam("fewer")),
                    shrunk,
                )


def _counted_on(kept: Any, new: Any) -> Mapping[str, Any]:
    counted = {"articles": kept.articles + new.articles}
    if "latest_at" in kept:
        # Deleting the last article leaves NULL, than which nothing is later.
        is_later = func.coalesce(new.latest_at > kept.latest_at, True)
        counted["latest_at"] = case((is_later, new.latest_at), else_=kept.latest_at)
    return counted
