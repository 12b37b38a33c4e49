"""The use cases of search: finding articles, and updating the index."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from conduit_search.domain.highlights import Highlights, highlights
from conduit_search.domain.query import Query
from conduit_search.domain.words import normalize
from modules.articles.contracts import (
    ArticleContent,
    ArticleDirectory,
    ArticleEdited,
    ArticleId,
    ArticlePreview,
    ArticlePublished,
    ArticlesDeleted,
)
from modules.kernel.domain.batches import batches
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.users.contracts import UserRenamed

# In characters of a body: a tsvector of PostgreSQL holds at most a megabyte of distinct words.
MAX_BODY_LENGTH = 100_000
# Articles per transaction: on SQLite a transaction blocks all other writers.
BATCH_SIZE = 100


@dataclass(frozen=True, slots=True)
class Document:
    """An article as it is indexed: the words of each part, in the order of their weights."""

    article_id: ArticleId
    author_id: UserId
    updated_at: datetime
    title: Sequence[str]
    tags: Sequence[str]
    author: Sequence[str]
    description: Sequence[str]
    body: Sequence[str]


def document(article_id: ArticleId, content: ArticleContent) -> Document:
    """Return the document of an article."""
    return Document(
        article_id,
        content.author_id,
        content.updated_at,
        title=normalize(content.title),
        tags=normalize(" ".join(content.tag_list)),
        author=normalize(content.author),
        description=normalize(content.description),
        body=normalize(content.body[:MAX_BODY_LENGTH]),
    )


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of matching articles, best match first, and the total number."""

    articles: Sequence[ArticleId]
    count: int


class SearchIndex(Protocol):
    """The full-text index of articles."""

    async def upsert(self, documents: Sequence[Document]) -> None:
        """Insert or update documents. A document older than the indexed one is ignored."""
        ...

    async def delete(self, ids: Collection[ArticleId]) -> None:
        """Delete articles from the index, if they are in it."""
        ...

    async def find(self, query: Query, page: PageRequest) -> Hits:
        """Return a page of the articles with every term, ordered by rank and then newest first."""
        ...

    async def by_authors(self, authors: Collection[UserId]) -> Sequence[ArticleId]:
        """Return the indexed articles of these authors."""
        ...

    async def all_ids(self) -> Sequence[ArticleId]:
        """Return all indexed articles."""
        ...


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A matching article, as one viewer sees it."""

    preview: ArticlePreview
    highlights: Highlights


@dataclass(frozen=True, slots=True)
class SearchResults:
    """One page of matching articles, best match first, and the total number."""

    articles: Sequence[SearchHit]
    count: int


class Search:
    """Finds articles."""

    def __init__(self, unit_of_work: UnitOfWork, index: SearchIndex, articles: ArticleDirectory) -> None:
        self._unit_of_work = unit_of_work
        self._index = index
        self._articles = articles

    async def find(self, query: Query, page: PageRequest, viewer: UserId | None) -> SearchResults:
        """Return a page of the articles that have every word of the query."""
        async with self._unit_of_work.snapshot():
            hits = await self._index.find(query, page)
            previews = await self._articles.previews(hits.articles, viewer)
            contents = await self._articles.contents(hits.articles)
        # A deleted article stays in the index until its event is handled.
        ids = [id_ for id_ in hits.articles if id_ in previews and id_ in contents]
        # In a thread: a hundred long bodies take a second.
        marked = await asyncio.to_thread(_highlights, query, [contents[id_] for id_ in ids])
        articles = [SearchHit(previews[id_], texts) for id_, texts in zip(ids, marked, strict=True)]
        return SearchResults(articles, hits.count)


def _documents(contents: Mapping[ArticleId, ArticleContent]) -> Sequence[Document]:
    # Sorted, so that two transactions lock the same articles in one order and do not deadlock.
    return [document(article_id, contents[article_id]) for article_id in sorted(contents)]


def _highlights(query: Query, contents: Iterable[ArticleContent]) -> Sequence[Highlights]:
    return [highlights(query, content) for content in contents]


class Indexer:
    """Updates the index from the articles."""

    def __init__(self, unit_of_work: UnitOfWork, index: SearchIndex, articles: ArticleDirectory) -> None:
        self._unit_of_work = unit_of_work
        self._index = index
        self._articles = articles

    async def on_article_published(self, event: ArticlePublished) -> None:
        """Index an article."""
        await self._index_contents([ArticleId(event.article_id)])

    async def on_article_edited(self, event: ArticleEdited) -> None:
        """Index an article again."""
        await self._index_contents([ArticleId(event.article_id)])

    async def on_articles_deleted(self, event: ArticlesDeleted) -> None:
        """Delete articles from the index."""
        await self._index.delete([ArticleId(id_) for id_ in event.article_ids])

    async def on_user_renamed(self, event: UserRenamed) -> None:
        """Index the articles of a user again, for the author's new name."""
        async with self._unit_of_work.transaction():
            for batch in batches(await self._index.by_authors([UserId(event.user_id)]), BATCH_SIZE):
                await self._index_contents(batch)

    async def rebuild(self) -> int:
        """Index every article, delete the others from the index, and return the number of articles.

        Safe during searches and writes, and safe to repeat after an interruption.
        """
        # The index first: an article published in between is in neither list, or only in `articles`.
        indexed = await self._index.all_ids()
        articles = await self._articles.all_ids()
        for batch in batches(set(indexed) - set(articles), BATCH_SIZE):
            await self._index.delete(batch)
        for batch in batches(articles, BATCH_SIZE):
            await self._index_contents(batch)
        return len(articles)

    async def _index_contents(self, ids: Collection[ArticleId]) -> None:
        async with self._unit_of_work.transaction():
            # A concurrent deletion waits, and its event then deletes the article from the index again.
            authors = await self._articles.lock_authors(ids)
            contents = await self._articles.contents(list(authors))
            # In a thread: the longest body takes a twentieth of a second.
            await self._index.upsert(await asyncio.to_thread(_documents, contents))
