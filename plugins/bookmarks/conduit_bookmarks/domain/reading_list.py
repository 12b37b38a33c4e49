"""What readers do with their reading list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from modules.articles.contracts import ArticleDeleted, ArticleDirectory, ArticleId, ArticlePreview
from modules.kernel.domain.clock import Clock
from modules.kernel.domain.errors import NotFound
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import MAX_LIMIT, PageRequest
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.users.contracts import UserDeleted


class ArticleNotFound(NotFound):
    """No article has this slug."""

    subject = "article"


@dataclass(frozen=True, slots=True)
class BookmarkedArticles:
    """One page of a reading list, and how many articles there are on all pages."""

    articles: Sequence[ArticlePreview]
    articles_count: int


class BookmarkRepository(Protocol):
    """Keeps which articles readers have bookmarked, and when."""

    async def add(self, reader: UserId, article: ArticleId, at: datetime) -> None:
        """Keep a bookmark; one that is there already stays as it is."""
        ...

    async def remove(self, reader: UserId, article: ArticleId) -> None:
        """Forget a bookmark, if it is there."""
        ...

    async def delete_by_article(self, article: ArticleId) -> None:
        """Forget everybody's bookmark of the article."""
        ...

    async def remove_of_reader(self, reader: UserId) -> None:
        """Forget all bookmarks of the reader."""
        ...

    async def newest(self, reader: UserId, page: PageRequest) -> Sequence[ArticleId]:
        """Return a page of the articles that the reader has bookmarked, the latest bookmark first."""
        ...

    async def count(self, reader: UserId) -> int:
        """Return how many articles the reader has bookmarked."""
        ...


class ReadingList:
    """The use cases of bookmarks. Each shows articles as the reader sees them."""

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
        """Bookmark an article; twice is once, at the first time. Raises `ArticleNotFound`."""
        async with self._unit_of_work.transaction():
            article = await self._held(slug)
            await self._bookmarks.add(reader, article, self._clock.now())
            return await self._shown(article, reader)

    async def remove(self, slug: str, reader: UserId) -> ArticlePreview:
        """Take a bookmark away, if there is one. Raises `ArticleNotFound`."""
        async with self._unit_of_work.transaction():
            article = await self._held(slug)
            await self._bookmarks.remove(reader, article)
            return await self._shown(article, reader)

    async def articles(self, reader: UserId, page: PageRequest) -> BookmarkedArticles:
        """Return a page of the reader's bookmarked articles, the latest bookmark first."""
        async with self._unit_of_work.snapshot():
            ids = await self._bookmarks.newest(reader, page)
            count = await self._bookmarks.count(reader)
            shown = await self._articles.previews(ids, reader)
        # A snapshot of PostgreSQL is one of each statement: an article may be deleted between two of
        # them. One that was deleted while this module was switched off is not there either.
        return BookmarkedArticles([shown[article] for article in ids if article in shown], count)

    async def on_article_deleted(self, event: ArticleDeleted) -> None:
        """Let go of the bookmarks of an article that is gone."""
        # Inside the publisher's transaction on purpose: no bookmark outlives its article.
        await self._bookmarks.delete_by_article(ArticleId(event.article_id))

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Let go of the bookmarks of a reader who is gone."""
        await self._bookmarks.remove_of_reader(UserId(event.user_id))

    async def export_personal_data(self, reader: UserId) -> Mapping[str, object]:
        """Return what a reader has bookmarked, the latest bookmark first."""
        async with self._unit_of_work.snapshot():
            bookmarks: list[ArticleId] = []
            while page := await self._bookmarks.newest(reader, PageRequest(MAX_LIMIT, len(bookmarks))):
                bookmarks += page
            shown = await self._articles.previews(bookmarks, reader)
        return {"bookmarks": [shown[article].slug for article in bookmarks if article in shown]}

    async def _held(self, slug: str) -> ArticleId:
        # Held: the article could be deleted at this moment, and its bookmarks must go with it.
        held = await self._articles.lock({slug})
        if slug not in held:
            raise ArticleNotFound
        return held[slug]

    async def _shown(self, article: ArticleId, reader: UserId) -> ArticlePreview:
        return (await self._articles.previews({article}, reader))[article]
