"""Comments in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select

from modules.articles.contracts import ArticleId
from modules.comments.domain.comment import Comment, CommentBody, CommentId, CommentNotFound
from modules.comments.infrastructure.tables import CommentRow
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.pagination import (
    LIMIT,
    OFFSET,
    after_position,
    page_parameters,
)

# Built once, of the table and not the mapped class: mapping rows to objects costs more than reading them.
comment = CommentRow.metadata.tables[CommentRow.__tablename__]
ADD = insert(comment).returning(comment.c.id)
OF_ARTICLE = (
    select(comment)
    .where(comment.c.article_id == bindparam("article"))
    .order_by(comment.c.created_at.desc(), comment.c.id.desc())
)
PAGE = OF_ARTICLE.limit(LIMIT).offset(OFFSET)
PAGE_AFTER = OF_ARTICLE.where(after_position(comment.c.created_at, comment.c.id)).limit(LIMIT)


class SqlComments:
    """Keeps comments in `comments_comment`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, article: ArticleId, author: UserId, text: CommentBody, at: datetime) -> Comment:
        """Keep a new comment and return it."""
        row = {"article_id": article, "author_id": author, "body": text.text, "created_at": at}
        async with self._database.transaction() as session:
            key = await session.scalar(ADD, row)
        return Comment(CommentId(key), article, author, text.text, at)

    async def by_article(self, article: ArticleId, page: PageRequest | None = None) -> Sequence[Comment]:
        """Return the page's comments and the one behind them, or every comment, newest first."""
        asked: dict[str, object] = {"article": article}
        if page is None:
            statement = OF_ARTICLE
        else:
            statement = PAGE if page.after is None else PAGE_AFTER
            asked |= page_parameters(page)
        async with self._database.snapshot() as session:
            return [_comment(row) for row in await session.execute(statement, asked)]

    async def get_for_update(self, article: ArticleId, comment: CommentId) -> Comment:
        """Return the comment, and keep others from changing it until the transaction ends.

        Raises `CommentNotFound` when this article has no such comment.
        """
        statement = (
            select(CommentRow)
            .where(CommentRow.id == comment, CommentRow.article_id == article)
            .with_for_update()
        )
        async with self._database.transaction() as session:
            row = await session.scalar(statement)
        if row is None:
            raise CommentNotFound
        return _comment(row)

    async def remove(self, comment: CommentId) -> None:
        """Forget a comment."""
        async with self._database.transaction() as session:
            await session.execute(delete(CommentRow).where(CommentRow.id == comment))

    async def by_author(self, author: UserId) -> Sequence[Comment]:
        """Return every comment of this author's, the oldest first."""
        statement = select(CommentRow).where(CommentRow.author_id == author).order_by(CommentRow.id)
        async with self._database.snapshot() as session:
            return [_comment(row) for row in await session.scalars(statement)]

    async def delete_by_author(self, author: UserId) -> None:
        """Forget every comment of this author's."""
        async with self._database.transaction() as session:
            await session.execute(delete(CommentRow).where(CommentRow.author_id == author))

    async def delete_by_article(self, article: ArticleId) -> None:
        """Forget every comment on the article."""
        async with self._database.transaction() as session:
            await session.execute(delete(CommentRow).where(CommentRow.article_id == article))


def _comment(row: CommentRow | Row[*tuple[Any, ...]]) -> Comment:
    return Comment(
        id=CommentId(row.id),
        article_id=ArticleId(row.article_id),
        author_id=UserId(row.author_id),
        body=row.body,
        created_at=row.created_at,
    )
