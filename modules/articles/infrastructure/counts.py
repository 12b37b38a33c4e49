"""Stored counts of public articles: counting a million rows for every page costs more than the page."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, case, delete, func, select, update
from sqlalchemy.orm import DeclarativeBase

from modules.articles.contracts import ArticleId
from modules.articles.infrastructure.tables import (
    IS_PUBLIC,
    AuthorStatsRow,
    ReaderStatsRow,
    TagStatsRow,
    articles,
    author_stats,
    favorites,
    reader_stats,
    tag_stats,
    tags,
)
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import (
    ByteOrder,
    in_ids,
    in_texts,
    insert_or_add,
    upsert,
)
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare

ALL_AUTHORS = UserId(0)
"""The `author_id` of the row that counts all articles. Ids of users begin at 1."""

LOCK_TAGS = prepare(
    select(tag_stats.c.tag)
    .where(in_texts(tag_stats.c.tag, "tags"))
    .order_by(ByteOrder(tag_stats.c.tag))
    .with_for_update()
)
DELETE_UNUSED_TAG = prepare(
    delete(tag_stats).where(tag_stats.c.tag == bindparam("unused"), tag_stats.c.articles == 0)
)
UPDATE_LATEST = prepare(
    update(author_stats)
    .where(author_stats.c.author_id == bindparam("author"))
    .values(
        latest_at=select(func.max(articles.c.created_at))
        .where(articles.c.author_id == bindparam("author"), IS_PUBLIC)
        .scalar_subquery()
    )
)
REMOVE_ARTICLES = prepare(
    update(author_stats)
    .where(author_stats.c.author_id == bindparam("author"))
    .values(articles=author_stats.c.articles - bindparam("removed"))
)
DELETE_AUTHOR = prepare(delete(author_stats).where(author_stats.c.author_id == bindparam("user_id")))
DELETE_READER = prepare(delete(reader_stats).where(reader_stats.c.user_id == bindparam("user_id")))


def _numbers(key: str, rows: Table) -> Select[*tuple[Any, ...]]:
    """Return the rows of the articles `ids`, counted by a key."""
    of_articles = in_ids(rows.c.article_id, "ids")
    return select(rows.c[key], func.count().label("articles")).where(of_articles).group_by(rows.c[key])


def _lock_and_subtract(stats: Table, key: str, rows: Table) -> Sequence[PreparedStatement]:
    """Return statements that subtract the rows of the articles `ids`, grouped by a key, from their counts."""
    of_articles = in_ids(rows.c.article_id, "ids")
    locked = (
        select(stats.c[key])
        .where(stats.c[key].in_(select(rows.c[key]).where(of_articles)))
        .order_by(_lock_order(stats.c[key]))
        .with_for_update()
        .subquery()
    )
    removed = _numbers(key, rows).subquery("removed")
    return (
        prepare(select(func.count()).select_from(locked)),
        prepare(
            update(stats)
            .where(stats.c[key] == removed.c[key])
            .values(articles=stats.c.articles - removed.c.articles)
        ),
    )


def _lock_order(key: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the order in which all transactions lock the counts, so that none deadlock."""
    return ByteOrder(key) if key.name == "tag" else key


ADDED_TAGS, ADDED_FAVORITES = (
    _numbers(key, rows).order_by(_lock_order(rows.c[key]))
    for key, rows in (("tag", tags), ("user_id", favorites))
)
REMOVE_TAGS_AND_FAVORITES = (
    *_lock_and_subtract(tag_stats, "tag", tags),
    # An unused tag is deleted: a user may have written anything into it.
    prepare(
        delete(tag_stats).where(
            tag_stats.c.tag.in_(select(tags.c.tag).where(in_ids(tags.c.article_id, "ids"))),
            tag_stats.c.articles == 0,
        )
    ),
    *_lock_and_subtract(reader_stats, "user_id", favorites),
)


@dataclass(frozen=True, slots=True)
class CountedArticle:
    """The attributes by which an article is counted."""

    author_id: UserId
    tags: Collection[str]
    created_at: datetime
    favorited_by: Collection[UserId] = ()


class ArticleCounts:
    """Updates the counts in the open transaction, which changes the counted rows.

    Every transaction locks the counts of tags first, then of readers, of authors, and last that of all
    articles, so that none deadlock and the last one, which every publication locks, is locked briefly.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, articles: Sequence[CountedArticle]) -> None:
        """Count new articles."""
        await self.adjust_tags(Counter(tag for article in articles for tag in article.tags))
        await self.adjust_favorites(
            Counter(user_id for article in articles for user_id in article.favorited_by)
        )
        await self.add_articles(articles)

    async def add_tags_and_favorites(self, article_ids: Collection[ArticleId]) -> None:
        """Add the tags and favorites of these articles, which must be locked, to the counts."""
        dialect = self._database.dialect
        for row, numbers in ((TagStatsRow, ADDED_TAGS), (ReaderStatsRow, ADDED_FAVORITES)):
            statement = insert_or_add(dialect, row, numbers, "articles")
            await self._database.execute(statement, {"ids": article_ids})

    async def add_articles(self, articles: Sequence[CountedArticle]) -> None:
        """Add articles to the counts by author and in total, but not their tags and favorites."""
        if not articles:
            return
        per_author = Counter(article.author_id for article in articles)
        latest: dict[UserId, datetime] = {}
        for article in articles:
            latest_at = latest.get(article.author_id, article.created_at)
            latest[article.author_id] = max(article.created_at, latest_at)
        rows = [
            {"author_id": author_id, "articles": n, "latest_at": latest[author_id]}
            for author_id, n in sorted(per_author.items())
        ]
        total = {"author_id": ALL_AUTHORS, "articles": len(articles), "latest_at": max(latest.values())}
        statement = upsert(self._database.dialect, AuthorStatsRow, _added)
        await self._database.execute_many(statement, [*rows, total])

    async def adjust_tags(self, deltas: Mapping[str, int]) -> None:
        """Add these numbers, which may be negative, to the counts of articles by tag."""
        if min(deltas.values(), default=0) < 0 < max(deltas.values(), default=0):
            # Increases and decreases are two statements, each of which locks in order.
            await self._database.execute(LOCK_TAGS, {"tags": deltas})
        await self._adjust(TagStatsRow, "tag", deltas)
        decreased = [{"unused": tag} for tag, delta in sorted(deltas.items()) if delta < 0]
        await self._database.execute_many(DELETE_UNUSED_TAG, decreased)

    async def adjust_favorites(self, deltas: Mapping[UserId, int]) -> None:
        """Add these numbers, which may be negative, to the counts of favorites by user."""
        await self._adjust(ReaderStatsRow, "user_id", deltas)

    async def remove_tags_and_favorites(self, article_ids: Collection[ArticleId]) -> None:
        """Subtract the tags and favorites of articles that are deleted or restricted from the counts.

        The articles must be locked, so that no tag or favorite is inserted or deleted after it is counted.
        """
        for statement in REMOVE_TAGS_AND_FAVORITES:
            await self._database.execute(statement, {"ids": article_ids})

    async def remove_articles(self, by_author: Mapping[UserId, int]) -> None:
        """Subtract numbers of articles, after these were deleted or restricted, from the counts by author."""
        if not by_author:
            return
        removed = [
            {"author": author_id, "removed": number} for author_id, number in sorted(by_author.items())
        ]
        # Before the latest time is computed: a statement that waits for a lock sees articles as they were.
        await self._database.execute_many(REMOVE_ARTICLES, removed)
        await self._database.execute_many(UPDATE_LATEST, [{"author": row["author"]} for row in removed])
        total = {"author": ALL_AUTHORS, "removed": sum(by_author.values())}
        await self._database.execute(REMOVE_ARTICLES, total)

    async def delete_user(self, user_id: UserId) -> None:
        """Delete the counts of a user whose articles and favorites were deleted."""
        await self._database.execute(DELETE_AUTHOR, {"user_id": user_id})
        await self._database.execute(DELETE_READER, {"user_id": user_id})

    async def _adjust(self, row: type[DeclarativeBase], key: str, deltas: Mapping[Any, int]) -> None:
        # Sorted, so that two transactions lock the counts in one order.
        increases = [{key: value, "articles": n} for value, n in sorted(deltas.items()) if n > 0]
        decreases = [{"value": value, "decrease": -n} for value, n in sorted(deltas.items()) if n < 0]
        await self._database.execute_many(upsert(self._database.dialect, row, _added), increases)
        await self._database.execute_many(_decrease(row, key), decreases)


@cache
def _decrease(row: type[DeclarativeBase], key: str) -> PreparedStatement:
    table = row.metadata.tables[row.__tablename__]
    return prepare(
        update(table)
        .where(table.c[key] == bindparam("value"))
        .values(articles=table.c.articles - bindparam("decrease"))
    )


def _added(stored: Any, new: Any) -> Mapping[str, Any]:
    values = {"articles": stored.articles + new.articles}
    if "latest_at" in stored:
        # NULL after the author's last article was deleted.
        is_later = func.coalesce(new.latest_at > stored.latest_at, True)
        values["latest_at"] = case((is_later, new.latest_at), else_=stored.latest_at)
    return values
