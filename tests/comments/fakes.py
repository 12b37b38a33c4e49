"""The port of comments in memory."""

from collections.abc import Sequence
from datetime import datetime

from modules.articles.contracts import ArticleId
from modules.comments.domain.comment import Comment, CommentBody, CommentId, CommentNotFound
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.fakes import FakeUnitOfWork


class FakeComments:
    """Keeps comments in a dictionary."""

    def __init__(self, unit_of_work: FakeUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self._latest = 0
        self.kept: dict[CommentId, Comment] = {}

    async def add(self, article: ArticleId, author: UserId, text: CommentBody, at: datetime) -> Comment:
        self._unit_of_work.require_transaction()
        self._latest += 1
        comment = Comment(CommentId(self._latest), article, author, text.text, at)
        self.kept[comment.id] = comment
        return comment

    async def by_article(self, article: ArticleId, page: PageRequest | None = None) -> Sequence[Comment]:
        self._unit_of_work.require_open()
        found = [comment for comment in self.kept.values() if comment.article_id == article]
        found.sort(key=lambda comment: (comment.created_at, comment.id), reverse=True)
        if page is None:
            return found
        after_position = [
            comment
            for comment in found
            if page.after is None or (comment.created_at, comment.id) < (page.after.at, page.after.id)
        ]
        return after_position[page.offset : page.offset + page.limit + 1]

    async def get_for_update(self, article: ArticleId, comment: CommentId) -> Comment:
        self._unit_of_work.require_transaction()
        found = self.kept.get(comment)
        if found is None or found.article_id != article:
            raise CommentNotFound
        return found

    async def remove(self, comment: CommentId) -> None:
        self._unit_of_work.require_transaction()
        del self.kept[comment]

    async def by_author(self, author: UserId) -> Sequence[Comment]:
        self._unit_of_work.require_open()
        return [comment for comment in self.kept.values() if comment.author_id == author]

    async def delete_by_author(self, author: UserId) -> None:
        self._unit_of_work.require_transaction()
        self.kept = {key: comment for key, comment in self.kept.items() if comment.author_id != author}

    async def delete_by_article(self, article: ArticleId) -> None:
        self._unit_of_work.require_transaction()
        self.kept = {key: comment for key, comment in self.kept.items() if comment.article_id != article}
