"""Bookmarks in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import FromClause, delete, func, select

from conduit_bookmarks.infrastructure.tables import BookmarkRow
from modules.articles.contracts import ArticleId
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, insert_or_ignore

bookmarks: FromClause = BookmarkRow.__table__


class SqlBookmarks:
    """Stores bookmarks in `bookmarks_bookmark`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, reader: UserId, article_id: ArticleId, at: datetime) -> None:
        row = {"article_id": article_id, "user_id": reader, "created_at": at}
        async with self._database.transaction() as session:
            await session.execute(insert_or_ignore(session, BookmarkRow), row)

    async def delete(self, reader: UserId, article_id: ArticleId) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                delete(BookmarkRow).where(BookmarkRow.article_id == article_id, BookmarkRow.user_id == reader)
            )

    async def delete_by_articles(self, article_ids: Collection[ArticleId]) -> None:
        statement = delete(BookmarkRow).where(in_ids(bookmarks.c.article_id, "article_ids"))
        async with self._database.transaction() as session:
            await session.execute(statement, {"article_ids": article_ids})

    async def delete_by_reader(self, reader: UserId) -> None:
        async with self._database.transaction() as session:
            await session.execute(delete(BookmarkRow).where(BookmarkRow.user_id == reader))

    async def newest(self, reader: UserId, page: PageRequest) -> Sequence[ArticleId]:
        statement = (
            select(BookmarkRow.article_id)
            .where(BookmarkRow.user_id == reader)
            .order_by(BookmarkRow.created_at.desc(), BookmarkRow.article_id.desc())
            .limit(page.limit)
            .offset(page.offset)
        )
        async with self._database.snapshot() as session:
            return [ArticleId(id_) for id_ in await session.scalars(statement)]

    async def count(self, reader: UserId) -> int:
        statement = select(func.count()).select_from(BookmarkRow).where(BookmarkRow.user_id == reader)
        async with self._database.snapshot() as session:
            return await session.scalar(statement) or 0
