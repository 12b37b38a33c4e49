"""The reading list: the bookmarks of one reader."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from modules.articles.contracts import ArticleDirectory, ArticleId, ArticlePreview, ArticlesDeleted
from modules.kernel.domain.batches import batches
from modules.kernel.domain.clock import Clock
from modules.kernel.domain.errors import NotFound
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import MAX_LIMIT, PageRequest
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.kernel.domain.views import view_class
from modules.users.contracts import UserDeleted


class ArticleNotFound(NotFound):
    """No article that the reader sees has this slug."""

    subject = "article"


@view_class
class BookmarkedArticles:
    """One page of a reading list, and the total number of articles."""

    articles: Sequence[ArticlePreview]
    articles_count: int


class BookmarkRepository(Protocol):
    """Stores which articles readers have bookmarked, and when."""

    async def add(self, reader: UserId, article_id: ArticleId, at: datetime) -> None:
        """Insert a bookmark; an existing one is left as it is."""
        ...

    async def delete(self, reader: UserId, article_id: ArticleId) -> None:
        """Delete a bookmark, if it exists."""
        ...

    async def delete_by_articles(self, article_ids: Collection[ArticleId]) -> None:
        """Delete all readers' bookmarks of these articles."""
        ...

    async def delete_by_reader(self, reader: UserId) -> None:
        """Delete all bookmarks of the reader."""
        ...

    async def newest(self, reader: UserId) -> Sequence[ArticleId]:
        """Return the articles that the reader has bookmarked, the latest bookmark first."""
        ...


class ReadingList:
    """The use cases of bookmarks. They return articles as the reader sees them."""

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        bookmarks: BookmarkRepository,
        articles: ArticleDirectory,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._bookmarks = bookmarks
        self._articles = articles
        self._clock = clock

    async def add(self, slug: str, reader: UserId) -> ArticlePreview:
        """Bookmark an article. Idempotent: the first bookmark's time stays. Raises `ArticleNotFound`."""
        async with self._unit_of_work.transaction():
            article_id = await self._lock(slug, reader)
            await self._bookmarks.add(reader, article_id, self._clock.now())
            return await self._preview(article_id, reader)

    async def remove(self, slug: str, reader: UserId) -> ArticlePreview:
        """Remove a bookmark. Idempotent. Raises `ArticleNotFound`."""
        async with self._unit_of_work.transaction():
            article_id = await self._lock(slug, reader)
            await self._bookmarks.delete(reader, article_id)
            return await self._preview(article_id, reader)

    async def articles(self, reader: UserId, page: PageRequest) -> BookmarkedArticles:
        """Return a page of the reader's bookmarked articles, the latest bookmark first."""
        async with self._unit_of_work.snapshot():
            visible = await self._visible(reader)
            ids = visible[page.offset : page.offset + page.limit]
            previews = await self._articles.previews(ids, reader)
        # Bookmarks of articles that were deleted while this module was disabled have no preview.
        return BookmarkedArticles([previews[id_] for id_ in ids if id_ in previews], len(visible))

    async def on_articles_deleted(self, event: ArticlesDeleted) -> None:
        """Delete the bookmarks of deleted articles."""
        # Inside the publisher's transaction on purpose: no bookmark outlives its article.
        await self._bookmarks.delete_by_articles([ArticleId(id_) for id_ in event.article_ids])

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Delete the bookmarks of a deleted user."""
        await self._bookmarks.delete_by_reader(UserId(event.user_id))

    async def export_personal_data(self, reader: UserId) -> Mapping[str, object]:
        """Return the slugs of a reader's bookmarked articles, the latest bookmark first."""
        slugs: list[str] = []
        async with self._unit_of_work.snapshot():
            # A page at a time: previews have texts of their authors' choice.
            for ids in batches(await self._visible(reader), MAX_LIMIT):
                previews = await self._articles.previews(ids, reader)
                slugs += [previews[id_].slug for id_ in ids if id_ in previews]
        return {"bookmarks": slugs}

    async def _visible(self, reader: UserId) -> Sequence[ArticleId]:
        """Return the bookmarked articles that the reader sees, the latest bookmark first."""
        ids = await self._bookmarks.newest(reader)
        hidden = await self._articles.hidden(ids, reader)
        return [id_ for id_ in ids if id_ not in hidden]

    async def _lock(self, slug: str, reader: UserId) -> ArticleId:
        # A concurrent deletion of the article waits, and then deletes this bookmark too.
        ids = await self._articles.lock({slug}, reader)
        if slug not in ids:
            raise ArticleNotFound
        return ids[slug]

    async def _preview(self, article_id: ArticleId, reader: UserId) -> ArticlePreview:
        previews = await self._articles.previews({article_id}, reader)
        # An article whose author is gone is shown to nobody.
        if article_id not in previews:
            raise ArticleNotFound
        return previews[article_id]
