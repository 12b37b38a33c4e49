"""What readers do with comments."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from modules.articles.contracts import ArticleDeleted, ArticleDirectory, ArticleId
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
    """Comments on one article, newest first, and where the next page begins."""

    comments: Sequence[CommentView]
    next: Position | None = None


class CommentService:
    """The use cases of comments."""

    def __init__(  # noqa: PLR0913, PLR0917 - one for each thing outside of the rules, given by the container
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
        """Return an article's comments, a page of them or all; raise `ArticleNotFound`."""
        async with self._unit_of_work.snapshot():
            article = _found(slug, await self._articles.ids({slug}))
            comments = await self._comments.by_article(article, page)
            shown, following = (comments, None) if page is None else split_page(comments, page)
            return CommentList(await self._views(shown, viewer), following)

    async def say(self, slug: str, text: CommentBody, author: UserId) -> CommentView:
        """Comment on an article; raise `ArticleNotFound`."""
        async with self._unit_of_work.transaction():
            # Held: the article could be deleted at this moment, and its comments must go with it.
            article = _found(slug, await self._articles.lock({slug}))
            comment = await self._comments.add(article, author, text, self._clock.now())
            await self._events.publish(CommentAdded(article, comment.id, author))
            views = await self._views([comment], author)
            if not views:
                # Deleted since the token was looked at.
                raise TokenInvalid
            return views[0]

    async def take_back(self, slug: str, comment: CommentId, editor: UserId) -> None:
        """Delete a comment of one's own; raise `ArticleNotFound`, `CommentNotFound` or `NotTheAuthor`."""
        async with self._unit_of_work.transaction():
            article = _found(slug, await self._articles.ids({slug}))
            found = await self._comments.get_for_update(article, comment)
            found.require_author(editor)
            await self._comments.remove(found.id)

    async def on_article_deleted(self, event: ArticleDeleted) -> None:
        """Let go of the comments on an article that is gone."""
        # Inside the publisher's transaction on purpose: a comment must never outlive its article.
        await self._comments.delete_by_article(ArticleId(event.article_id))

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Let go of the comments of somebody who is gone."""
        await self._comments.delete_by_author(UserId(event.user_id))

    async def export_personal_data(self, user: UserId) -> Mapping[str, object]:
        """Return what a user has said."""
        async with self._unit_of_work.snapshot():
            comments = await self._comments.by_author(user)
            articles = await self._articles.previews({comment.article_id for comment in comments}, user)
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
        # One whose author was deleted while this module was switched off is not shown.
        return [
            CommentView(comment, authors[comment.author_id])
            for comment in comments
            if comment.author_id in authors
        ]


def _found(slug: str, ids: Mapping[str, ArticleId]) -> ArticleId:
    if slug not in ids:
        raise ArticleNotFound
    return ids[slug]
