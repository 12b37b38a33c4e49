"""The comment, what can be wrong with one, and where comments are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NewType, Protocol

from modules.articles.contracts import ArticleId
from modules.kernel.domain.errors import Forbidden, NotFound
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.domain.text import Length, multiline

CommentId = NewType("CommentId", int)


class ArticleNotFound(NotFound):
    """No article has this slug."""

    subject = "article"


class CommentNotFound(NotFound):
    """No comment has this id, or none on this article."""

    subject = "comment"


class NotTheAuthor(Forbidden):
    """Only its author may delete a comment."""

    subject = "comment"


@dataclass(frozen=True, slots=True)
class CommentBody:
    """What a comment says, kept as it was typed."""

    LENGTH: ClassVar = Length(1, 50_000)

    text: str

    def __post_init__(self) -> None:
        multiline("body", self.text, max_length=self.LENGTH.max)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on an article. It is never changed."""

    id: CommentId
    article_id: ArticleId
    author_id: UserId
    body: str
    created_at: datetime

    def require_author(self, user: UserId) -> None:
        """Raise `NotTheAuthor` unless this is the author."""
        if user != self.author_id:
            raise NotTheAuthor


class CommentRepository(Protocol):
    """Keeps comments."""

    async def add(self, article: ArticleId, author: UserId, text: CommentBody, at: datetime) -> Comment:
        """Keep a new comment and return it."""
        ...

    async def by_article(self, article: ArticleId, page: PageRequest | None = None) -> Sequence[Comment]:
        """Return the page's comments and the one behind them, or every comment, newest first."""
        ...

    async def get_for_update(self, article: ArticleId, comment: CommentId) -> Comment:
        """Return the comment, and keep others from changing it until the transaction ends.

        Raises `CommentNotFound` when this article has no such comment.
        """
        ...

    async def remove(self, comment: CommentId) -> None:
        """Forget a comment."""
        ...

    async def by_author(self, author: UserId) -> Sequence[Comment]:
        """Return every comment of this author's, the oldest first."""
        ...

    async def delete_by_author(self, author: UserId) -> None:
        """Forget every comment of this author's."""
        ...

    async def delete_by_article(self, article: ArticleId) -> None:
        """Forget every comment on the article."""
        ...
