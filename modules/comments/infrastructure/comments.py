"""The repository of comments in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, bindparam, case, delete, func, insert, select

from modules.articles.contracts import ArticleId
from modules.comments.domain.comment import (
    DEFAULT_PAGE,
    MAX_PAGE_BYTES,
    Comment,
    CommentBody,
    CommentId,
    CommentNotFound,
)
from modules.comments.infrastructure.tables import comments
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
from modules.kernel.infrastructure.persistence.statements import prepare

# As many bodies of this size as a page has are within its budget.
SHORT_BYTES = MAX_PAGE_BYTES // DEFAULT_PAGE.limit

INSERT = prepare(insert(comments).returning(comments.c.id))
WITHOUT_BODY = [column for column in comments.c if column is not comments.c.body]
BYTES = octet_length(comments.c.body)
IS_AFTER = after_position(comments.c.created_at, comments.c.id)
LOCK = prepare(
    select(comments)
    .where(comments.c.id == bindparam("comment_id"), comments.c.article_id == bindparam("article_id"))
    .with_for_update()
)
LOCK_FOR_REMOVAL = prepare(select(comments).where(comments.c.id == bindparam("comment_id")).with_for_update())
DELETE = prepare(delete(comments).where(comments.c.id == bindparam("comment_id")))
BY_AUTHOR = prepare(
    select(comments)
    .where(comments.c.author_id == bindparam("author_id"), comments.c.id > bindparam("after"))
    .order_by(comments.c.id)
    .limit(LIMIT)
)
DELETE_BY_AUTHOR = prepare(delete(comments).where(comments.c.author_id == bindparam("author_id")))
DELETE_BY_ARTICLES = prepare(delete(comments).where(in_ids(comments.c.article_id, "article_ids")))


def _newest(*columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """Return the newest comments on an article: these columns, and those without the body."""
    return (
        select(*WITHOUT_BODY, *columns)
        .where(comments.c.article_id == bindparam("article_id"))
        .order_by(comments.c.created_at.desc(), comments.c.id.desc())
        .limit(LIMIT)
    )


def _page(sizes: CTE) -> Select[*tuple[Any, ...]]:
    """Return a page's comments; the body of those beyond the budget is NULL, so that it is not loaded."""
    newest_first = (sizes.c.created_at.desc(), sizes.c.id.desc())
    total = func.sum(sizes.c.bytes).over(order_by=newest_first).label("total")
    totals = select(*(sizes.c[column.key] for column in WITHOUT_BODY), total).cte("totals")
    # Not a join, for which PostgreSQL may scan the table.
    body = select(comments.c.body).where(comments.c.id == totals.c.id).scalar_subquery()
    return select(
        *(totals.c[column.key] for column in WITHOUT_BODY),
        case((totals.c.total <= MAX_PAGE_BYTES, body)).label("body"),
    ).order_by(totals.c.created_at.desc(), totals.c.id.desc())


SIZES = _newest(BYTES.label("bytes"))
PAGE = prepare(_page(SIZES.offset(OFFSET).cte("sizes")))
PAGE_AFTER = prepare(_page(SIZES.where(IS_AFTER).cte("sizes")))
# Takes a third of the time; the body of a long comment is NULL.
SHORT = _newest(case((BYTES <= SHORT_BYTES, comments.c.body)).label("body"))
SHORT_PAGE = prepare(SHORT.offset(OFFSET))
SHORT_PAGE_AFTER = prepare(SHORT.where(IS_AFTER))


class SqlComments:
    """Stores comments in `comments_comment`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, article_id: ArticleId, author_id: UserId, body: CommentBody, created_at: datetime
    ) -> Comment:
        row = {"article_id": article_id, "author_id": author_id, "body": body.text, "created_at": created_at}
        comment_id = CommentId(await self._database.fetch_value(INSERT, row))
        return Comment(comment_id, article_id, author_id, body.text, created_at)

    async def by_article(
        self, article_id: ArticleId, page: PageRequest = DEFAULT_PAGE
    ) -> tuple[Sequence[Comment], Position | None]:
        short, any_size = (SHORT_PAGE, PAGE) if page.after is None else (SHORT_PAGE_AFTER, PAGE_AFTER)
        parameters = {"article_id": article_id, **page_parameters(page)}
        rows = within_budget = await self._database.fetch_all(short, parameters)
        if None in [row.body for row in rows]:
            rows = await self._database.fetch_all(any_size, parameters)
            within_budget = list(takewhile(lambda row: row.body is not None, rows))
        found = [_comment(row) for row in within_budget[: page.limit]]
        if len(found) == len(rows):
            return found, None
        return found, Position(found[-1].created_at, found[-1].id)

    async def get_for_update(self, article_id: ArticleId, comment_id: CommentId) -> Comment:
        row = await self._database.fetch_one(LOCK, {"article_id": article_id, "comment_id": comment_id})
        if row is None:
            raise CommentNotFound
        return _comment(row)

    async def get_for_removal(self, comment_id: CommentId) -> Comment:
        row = await self._database.fetch_one(LOCK_FOR_REMOVAL, {"comment_id": comment_id})
        if row is None:
            raise CommentNotFound
        return _comment(row)

    async def delete(self, comment_id: CommentId) -> None:
        await self._database.execute(DELETE, {"comment_id": comment_id})

    async def by_author(self, author_id: UserId, after: CommentId, limit: int) -> Sequence[Comment]:
        parameters = {"author_id": author_id, "after": after, "rows": limit}
        return [_comment(row) for row in await self._database.fetch_all(BY_AUTHOR, parameters)]

    async def delete_by_author(self, author_id: UserId) -> None:
        await self._database.execute(DELETE_BY_AUTHOR, {"author_id": author_id})

    async def delete_by_articles(self, article_ids: Collection[ArticleId]) -> None:
        await self._database.execute(DELETE_BY_ARTICLES, {"article_ids": article_ids})


def _comment(row: Any) -> Comment:
    return Comment(
        id=CommentId(row.id),
        article_id=ArticleId(row.article_id),
        author_id=UserId(row.author_id),
        body=row.body,
        created_at=row.created_at,
    )
