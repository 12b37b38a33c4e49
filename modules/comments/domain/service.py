"""The use cases of comments."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from modules.articles.contracts import ArticleDirectory, ArticleId, ArticlesDeleted
from modules.comments.contracts import CommentAdded
from modules.comments.domain.comment import (
    DEFAULT_PAGE,
    MAX_PROFILE_BYTES,
    ArticleNotFound,
    Comment,
    CommentBody,
    CommentId,
    CommentRepository,
)
from modules.kernel.domain.clock import Clock, to_iso
from modules.kernel.domain.events import EventPublisher
from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.domain.pagination import PageRequest, Position
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.kernel.domain.views import view_class
from modules.profiles.contracts import Profile, ProfileReader
from modules.users.contracts import UserDeleted

# Each comment may have 50,000 characters.
EXPORT_BATCH_SIZE = 50


@view_class
class CommentView:
    """A comment as one viewer sees it. It is immutable, so both of its times are equal."""

    id: CommentId
    created_at: datetime
    updated_at: datetime
    body: str
    author: Profile


@view_class
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
        self, slug: str, viewer: UserId | None, page: PageRequest = DEFAULT_PAGE
    ) -> CommentList:
        """Return a page of the comments on an article, newest first; raise `ArticleNotFound`."""
        async with self._unit_of_work.snapshot():
            article_id = _require_article(slug, await self._articles.ids({slug}, viewer))
            comments, next_page = await self._comments.by_article(article_id, page)
            views = await self._views(comments, viewer)
        shown = list(_within_budget(views))
        if len(shown) < len(views):
            next_page = Position(shown[-1].created_at, shown[-1].id)
        return CommentList(shown, next_page)

    async def add(self, slug: str, body: CommentBody, author_id: UserId) -> CommentView:
        """Comment on an article; raise `ArticleNotFound`, or `TokenInvalid` when the author was deleted."""
        async with self._unit_of_work.transaction():
            # Locked: a concurrent deletion of the article must delete this comment, too.
            article_id = _require_article(slug, await self._articles.lock({slug}, author_id))
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
            article_id = _require_article(slug, await self._articles.ids({slug}, editor_id))
            comment = await self._comments.get_for_update(article_id, comment_id)
            comment.require_author(editor_id)
            await self._comments.delete(comment.id)

    async def remove(self, comment_id: CommentId) -> None:
        """Delete a comment of any author, as an operator; raise `CommentNotFound`."""
        async with self._unit_of_work.transaction():
            comment = await self._comments.get_for_removal(comment_id)
            await self._comments.delete(comment.id)

    async def on_articles_deleted(self, event: ArticlesDeleted) -> None:
        """Delete the comments on deleted articles."""
        # Inside the publisher's transaction on purpose: a comment must never outlive its article.
        await self._comments.delete_by_articles([ArticleId(id_) for id_ in event.article_ids])

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Delete the comments of a deleted user."""
        await self._comments.delete_by_author(UserId(event.user_id))

    async def export_personal_data(self, user_id: UserId) -> Mapping[str, object]:
        """Return a user's comments, oldest first."""
        return {"comments": self._export_comments(user_id)}

    async def _export_comments(self, user_id: UserId) -> AsyncIterator[Mapping[str, object]]:
        last = CommentId(0)
        while True:
            async with self._unit_of_work.snapshot():
                comments = await self._comments.by_author(user_id, last, EXPORT_BATCH_SIZE)
                ids = {comment.article_id for comment in comments}
                articles = await self._articles.previews(ids, user_id)
            if not comments:
                return
            last = comments[-1].id
            for comment in comments:
                article = articles.get(comment.article_id)
                yield {
                    "id": comment.id,
                    # None if it is hidden from the user, or was deleted while this module was disabled.
                    "article": article and article.slug,
                    "body": comment.body,
                    "createdAt": to_iso(comment.created_at),
                }

    async def _views(self, comments: Collection[Comment], viewer: UserId | None) -> Sequence[CommentView]:
        authors = await self._profiles.profiles({comment.author_id for comment in comments}, viewer)
        # Omits comments whose author was deleted while this module was disabled.
        return [
            CommentView(
                comment.id, comment.created_at, comment.created_at, comment.body, authors[comment.author_id]
            )
            for comment in comments
            if comment.author_id in authors
        ]


def _within_budget(views: Iterable[CommentView]) -> Iterator[CommentView]:
    """Yield the first comments, at least one, whose authors' profiles have at most `MAX_PROFILE_BYTES`."""
    remaining = MAX_PROFILE_BYTES
    for number, view in enumerate(views):
        author = view.author
        remaining -= len((author.bio or "").encode()) + len((author.image or "").encode())
        if number > 0 and remaining < 0:
            return
        yield view


def _require_article(slug: str, ids: Mapping[str, ArticleId]) -> ArticleId:
    if slug not in ids:
        raise ArticleNotFound
    return ids[slug]
