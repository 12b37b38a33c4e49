"""A fake of the port of comments."""

from collections.abc import Collection, Sequence
from datetime import datetime

from modules.articles.contracts import ArticleId
from modules.comments.domain.comment import DEFAULT_PAGE, Comment, CommentBody, CommentId, CommentNotFound
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, Position, split_page
from modules.kernel.fakes import FakeUnitOfWork


class FakeComments:
    """An in-memory comment repository."""

    def __init__(self, unit_of_work: FakeUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self._last_id = 0
        self.stored: dict[CommentId, Comment] = {}

    async def add(
        self, article_id: ArticleId, author_id: UserId, body: CommentBody, created_at: datetime
    ) -> Comment:
        self._unit_of_work.require_transaction()
        self._last_id += 1
        comment = Comment(CommentId(self._last_id), article_id, author_id, body.text, created_at)
        self.stored[comment.id] = comment
        return comment

    async def by_article(
        self, article_id: ArticleId, page: PageRequest = DEFAULT_PAGE
    ) -> tuple[Sequence[Comment], Position | None]:
        self._unit_of_work.require_open()
        comments = [comment for comment in self.stored.values() if comment.article_id == article_id]
        comments.sort(key=lambda comment: (comment.created_at, comment.id), reverse=True)
        after_position = [
            comment
            for comment in comments
            if page.after is None or (comment.created_at, comment.id) < (page.after.at, page.after.id)
        ]
        return split_page(after_position[page.offset : page.offset + page.limit + 1], page)

    async def get_for_update(self, article_id: ArticleId, comment_id: CommentId) -> Comment:
        self._unit_of_work.require_transaction()
        comment = self.stored.get(comment_id)
        if comment is None or comment.article_id != article_id:
            raise CommentNotFound
        return comment

    async def get_for_removal(self, comment_id: CommentId) -> Comment:
        self._unit_of_work.require_transaction()
        if comment_id not in self.stored:
            raise CommentNotFound
        return self.stored[comment_id]

    async def delete(self, comment_id: CommentId) -> None:
        self._unit_of_work.require_transaction()
        del self.stored[comment_id]

    async def by_author(self, author_id: UserId, after: CommentId, limit: int) -> Sequence[Comment]:
        self._unit_of_work.require_open()
        own = [comment for comment in self.stored.values() if comment.author_id == author_id]
        return [comment for comment in own if comment.id > after][:limit]

    async def delete_by_author(self, author_id: UserId) -> None:
        self._unit_of_work.require_transaction()
        self.stored = {key: comment for key, comment in self.stored.items() if comment.author_id != author_id}

    async def delete_by_articles(self, article_ids: Collection[ArticleId]) -> None:
        self._unit_of_work.require_transaction()
        self.stored = {
            key: comment for key, comment in self.stored.items() if comment.article_id not in article_ids
        }
