"""Bookmarks in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from conduit_bookmarks.infrastructure.tables import BookmarkRow
from modules.articles.contracts import ArticleId
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, insert_or_ignore
from modules.kernel.infrastructure.persistence.statements import prepare

bookmarks = BookmarkRow.metadata.tables[BookmarkRow.__tablename__]
BY_READER = bookmarks.c.user_id == bindparam("reader")
DELETE = prepare(delete(bookmarks).where(bookmarks.c.article_id == bindparam("article_id"), BY_READER))
DELETE_BY_ARTICLES = prepare(delete(bookmarks).where(in_ids(bookmarks.c.article_id, "article_ids")))
DELETE_BY_READER = prepare(delete(bookmarks).where(BY_READER))
NEWEST = prepare(
    select(bookmarks.c.article_id)
    .where(BY_READER)
    .order_by(bookmarks.c.created_at.desc(), bookmarks.c.article_id.desc())
)


class SqlBookmarks:
    """Stores bookmarks in `bookmarks_bookmark`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, reader: UserId, article_id: ArticleId, at: datetime) -> None:
        row = {"article_id": article_id, "user_id": reader, "created_at": at}
        await self._database.execute(insert_or_ignore(self._database.dialect, BookmarkRow), row)

    async def delete(self, reader: UserId, article_id: ArticleId) -> None:
        await self._database.execute(DELETE, {"reader": reader, "article_id": article_id})

    async def delete_by_articles(self, article_ids: Collection[ArticleId]) -> None:
        await self._database.execute(DELETE_BY_ARTICLES, {"article_ids": article_ids})

    async def delete_by_reader(self, reader: UserId) -> None:
        await self._database.execute(DELETE_BY_READER, {"reader": reader})

    async def newest(self, reader: UserId) -> Sequence[ArticleId]:
        return await self._database.fetch_values(NEWEST, {"reader": reader})
