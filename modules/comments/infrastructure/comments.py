"""The repository of comments in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import CTE, Row, Select, bindparam, case, delete, func, insert, select

from modules.articles.contracts import ArticleId
from modules.comments.domain.comment import (
    DEFAULT_PAGE,
    MAX_PAGE_BYTES,
    Comment,
    CommentBody,
    CommentId,
    CommentNotFound,
)
from modules.comments.infrastructure.tables import CommentRow, comments
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, Position
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, octet_length
from modules.kernel.infrastructure.persistence.pagination import (
    LIMIT,
    OFFSET,
    after_position,
    page_parameters,
)

INSERT = insert(comments).returning(comments.c.id)
SIZES = (
    select(comments.c.id, comments.c.created_at, octet_length(comments.c.body).label("bytes"))
    .where(comments.c.article_id == bindparam("article_id"))
    .order_by(comments.c.created_at.desc(), comments.c.id.desc())
    .limit(LIMIT)
)
DELETE_BY_ARTICLES = delete(comments).where(in_ids(comments.c.article_id, "article_ids"))


def _page(sizes: CTE) -> Select[*tuple[Any, ...]]:
    """Return a page's comments; the body of those beyond the budget is NULL, so that it is not loaded."""
    newest_first = (sizes.c.created_at.desc(), sizes.c.id.desc())
    total = func.sum(sizes.c.bytes).over(order_by=newest_first).label("total")
    totals = select(sizes.c.id, total).cte("totals")
    columns = [column for column in comments.c if column is not comments.c.body]
    body = case((totals.c.total <= MAX_PAGE_BYTES, comments.c.body)).label("body")
    return (
        select(*columns, body)
        .join(totals, totals.c.id == comments.c.id)
        .order_by(comments.c.created_at.desc(), comments.c.id.desc())
    )


PAGE = _page(SIZES.offset(OFFSET).cte("sizes"))
PAGE_AFTER = _page(SIZES.where(after_position(comments.c.created_at, comments.c.id)).cte("sizes"))


class SqlComments:
    """Stores comments in `comments_comment`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, article_id: ArticleId, author_id: UserId, body: CommentBody, created_at: datetime
    ) -> Comment:
        row = {"article_id": article_id, "author_id": author_id, "body": body.text, "created_at": created_at}
        async with self._database.transaction() as session:
            key = await session.scalar(INSERT, row)
        return Comment(CommentId(key), article_id, author_id, body.text, created_at)

    async def by_article(
        self, article_id: ArticleId, page: PageRequest = DEFAULT_PAGE
    ) -> tuple[Sequence[Comment], Position | None]:
        statement = PAGE if page.after is None else PAGE_AFTER
        parameters = {"article_id": article_id, **page_parameters(page)}
        async with self._database.snapshot() as session:
            rows = (await session.execute(statement, parameters)).all()
        within_budget = list(takewhile(lambda row: row.body is not None, rows))[: page.limit]
        found = [_comment(row) for row in within_budget]
        if len(found) == len(rows):
            return found, None
        return found, Position(found[-1].created_at, found[-1].id)

    async def get_for_update(self, article_id: ArticleId, comment_id: CommentId) -> Comment:
        statement = (
            select(CommentRow)
            .where(CommentRow.id == comment_id, CommentRow.article_id == article_id)
            .with_for_update()
        )
        async with self._database.transaction() as session:
            row = await session.scalar(statement)
        if row is None:
            raise CommentNotFound
        return _comment(row)

    async def delete(self, comment_id: CommentId) -> None:
        async with self._database.transaction() as session:
            await session.execute(delete(CommentRow).where(CommentRow.id == comment_id))

    async def by_author(self, author_id: UserId, after: CommentId, limit: int) -> Sequence[Comment]:
        own = select(CommentRow).where(CommentRow.author_id == author_id, CommentRow.id > after)
        statement = own.order_by(CommentRow.id).limit(limit)
        async with self._database.snapshot() as session:
            return [_comment(row) for row in await session.scalars(statement)]

    async def delete_by_author(self, author_id: UserId) -> None:
        async with self._database.transaction() as session:
            await session.execute(delete(CommentRow).where(CommentRow.author_id == author_id))

    async def delete_by_articles(self, article_ids: Collection[ArticleId]) -> None:
        async with self._database.transaction() as session:
            await session.execute(DELETE_BY_ARTICLES, {"article_ids": article_ids})


def _comment(row: CommentRow | Row[*tuple[Any, ...]]) -> Comment:
    return Comment(
        id=CommentId(row.id),
        article_id=ArticleId(row.article_id),
        author_id=UserId(row.author_id),
        body=row.body,
        created_at=row.created_at,
    )
