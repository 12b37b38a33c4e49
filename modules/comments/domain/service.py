"""The use cases of comments."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from modules.articles.contracts import ArticleDirectory, ArticleId, ArticlesDeleted
from modules.comments.contracts import CommentAdded
from modules.comments.domain.comment import (
    ArticleNotFound,
    Comment,
    CommentBody,
    CommentId,
    CommentRepository,
)
from modules.kernel.domain.clock import Clock, to_iso
from modules.kernel.domain.events import EventPublisher
from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.domain.pagination import PageRequest, Position, split_page
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.profiles.contracts import Profile, ProfileReader
from modules.users.contracts import UserDeleted


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment as one viewer sees it."""

    comment: Comment
    author: Profile


@dataclass(frozen=True, slots=True)
class CommentList:
    """The comments on an article, newest first, and the position of the next page."""

    comments: Sequence[CommentView]
    next: Position | None = None


class CommentService:
    """The use cases of comments."""

    def __init__(  # noqa: PLR0913, PLR0917 - one per port, injected by the container
        self,
        unit_of_work: UnitOfWork,
        comments: CommentRepository,
        articles: ArticleDirectory,
        profiles: ProfileReader,
        events: EventPublisher,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._comments = comments
        self._articles = articles
        self._profiles = profiles
        self._events = events
        self._clock = clock

    async def comments(
        self, slug: str, viewer: UserId | None, page: PageRequest | None = None
    ) -> CommentList:
        """Return the comments on an article, a page of them or all; raise `ArticleNotFound`."""
        async with self._unit_of_work.snapshot():
            article_id = _require_article(slug, await self._articles.ids({slug}))
            comments = await self._comments.by_article(article_id, page)
            page_comments, next_page = (comments, None) if page is None else split_page(comments, page)
            return CommentList(await self._views(page_comments, viewer), next_page)

    async def add(self, slug: str, body: CommentBody, author_id: UserId) -> CommentView:
        """Comment on an article; raise `ArticleNotFound`, or `TokenInvalid` when the author was deleted."""
        async with self._unit_of_work.transaction():
            # Locked: a concurrent deletion of the article must delete this comment, too.
            article_id = _require_article(slug, await self._articles.lock({slug}))
            comment = await self._comments.add(article_id, author_id, body, self._clock.now())
            await self._events.publish(CommentAdded(article_id, comment.id, author_id))
            views = await self._views([comment], author_id)
            if not views:
                # The author was deleted after the token was verified.
                raise TokenInvalid
            return views[0]

    async def delete(self, slug: str, comment_id: CommentId, editor_id: UserId) -> None:
        """Delete a comment as its author; raise `ArticleNotFound`, `CommentNotFound` or `NotTheAuthor`."""
        async with self._unit_of_work.transaction():
            article_id = _require_article(slug, await self._articles.ids({slug}))
            comment = await self._comments.get_for_update(article_id, comment_id)
            comment.require_author(editor_id)
            await self._comments.delete(comment.id)

    async def on_articles_deleted(self, event: ArticlesDeleted) -> None:
        """Delete the comments on deleted articles."""
        # Inside the publisher's transaction on purpose: a comment must never outlive its article.
        await self._comments.delete_by_articles([ArticleId(id_) for id_ in event.article_ids])

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Delete the comments of a deleted user."""
        await self._comments.delete_by_author(UserId(event.user_id))

    async def export_personal_data(self, user_id: UserId) -> Mapping[str, object]:
        """Return a user's comments."""
        async with self._unit_of_work.snapshot():
            comments = await self._comments.by_author(user_id)
            articles = await self._articles.previews({comment.article_id for comment in comments}, user_id)
        return {
            "comments": [
                {
                    "id": comment.id,
                    "article": articles[comment.article_id].slug,
                    "body": comment.body,
                    "createdAt": to_iso(comment.created_at),
                }
                for comment in comments
                if comment.article_id in articles
            ]
        }

    async def _views(self, comments: Collection[Comment], viewer: UserId | None) -> Sequence[CommentView]:
        authors = await self._profiles.profiles({comment.author_id for comment in comments}, viewer)
        # Omits comments whose author was deleted while this module was disabled.
        return [
            CommentView(comment, authors[comment.author_id])
            for comment in comments
            if comment.author_id in authors
        ]


def _require_article(slug: str, ids: Mapping[str, ArticleId]) -> ArticleId:
    if slug not in ids:
        raise ArticleNotFound
    return ids[slug]
