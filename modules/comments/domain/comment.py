"""The comment, its errors and its repository."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NewType, Protocol

from modules.articles.contracts import ArticleId
from modules.kernel.domain.errors import Forbidden, NotFound
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, Position
from modules.kernel.domain.text import Length, multiline
from modules.kernel.domain.views import view_class

CommentId = NewType("CommentId", int)

DEFAULT_PAGE = PageRequest(500, max_limit=500)
"""The page of comments when a caller does not say how many: all comments of most articles."""

MAX_PAGE_BYTES = 1_048_576
"""The most bytes of bodies in a page: a hundred of the longest have 20 MB."""

MAX_PROFILE_BYTES = 4_194_304
"""The most bytes of authors' profiles in a page: every comment repeats its author's, of up to 48 kB."""


class ArticleNotFound(NotFound):
    """No article that the user sees has this slug."""

    subject = "article"


class CommentNotFound(NotFound):
    """The article has no comment with this id."""

    subject = "comment"


class NotTheAuthor(Forbidden):
    """Only the author may delete a comment."""

    subject = "comment"


@dataclass(frozen=True, slots=True)
class CommentBody:
    """The text of a comment, stored verbatim."""

    LENGTH: ClassVar = Length(1, 50_000)

    text: str

    def __post_init__(self) -> None:
        multiline("body", self.text, max_length=self.LENGTH.max)


@view_class
class Comment:
    """A comment on an article. It is immutable."""

    id: CommentId
    article_id: ArticleId
    author_id: UserId
    body: str
    created_at: datetime

    def require_author(self, user_id: UserId) -> None:
        """Raise `NotTheAuthor` unless this user is the author."""
        if user_id != self.author_id:
            raise NotTheAuthor


class CommentRepository(Protocol):
    """Stores comments."""

    async def add(
        self, article_id: ArticleId, author_id: UserId, body: CommentBody, created_at: datetime
    ) -> Comment:
        """Insert a comment and return it."""
        ...

    async def by_article(
        self, article_id: ArticleId, page: PageRequest = DEFAULT_PAGE
    ) -> tuple[Sequence[Comment], Position | None]:
        """Return a page of the comments on an article, newest first, and the position of the next page.

        A page has at most `MAX_PAGE_BYTES` of bodies. The position is None on the last page.
        """
        ...

    async def get_for_update(self, article_id: ArticleId, comment_id: CommentId) -> Comment:
        """Return the comment, and lock it until the transaction ends.

        Raises `CommentNotFound` when the article has no such comment.
        """
        ...

    async def get_for_removal(self, comment_id: CommentId) -> Comment:
        """Return the comment on any article, and lock it as `get_for_update` does."""
        ...

    async def delete(self, comment_id: CommentId) -> None:
        """Delete a comment."""
        ...

    async def by_author(self, author_id: UserId, after: CommentId, limit: int) -> Sequence[Comment]:
        """Return the first `limit` comments of this author whose ids are greater, in order."""
        ...

    async def delete_by_author(self, author_id: UserId) -> None:
        """Delete all comments of this author."""
        ...

    async def delete_by_articles(self, article_ids: Collection[ArticleId]) -> None:
        """Delete all comments on these articles."""
        ...
