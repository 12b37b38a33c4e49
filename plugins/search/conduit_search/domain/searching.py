"""The use cases of search: finding articles, and keeping the index."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from conduit_search.domain.highlights import Highlights, highlights
from conduit_search.domain.query import Query
from conduit_search.domain.words import keys
from modules.articles.contracts import (
    ArticleContent,
    ArticleDeleted,
    ArticleDirectory,
    ArticleEdited,
    ArticleId,
    ArticlePreview,
    ArticlePublished,
)
from modules.kernel.domain.batches import batches
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.users.contracts import UserRenamed

# How much of a body is looked at, in characters: PostgreSQL has room for a megabyte of different words.
MAX_BODY_LENGTH = 100_000
# Articles that one transaction indexes: on SQLite nobody else writes meanwhile.
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Document:
    """An article as the index knows it: the words of each part, what weighs most first."""

    article: ArticleId
    author_id: UserId
    updated_at: datetime
    title: Sequence[str]
    tags: Sequence[str]
    author: Sequence[str]
    description: Sequence[str]
    body: Sequence[str]


def document(article: ArticleId, text: ArticleContent) -> Document:
    """Return an article as the index knows it."""
    return Document(
        article,
        text.author_id,
        text.updated_at,
        title=keys(text.title),
        tags=keys(" ".join(text.tag_list)),
        author=keys(text.author),
        description=keys(text.description),
        body=keys(text.body[:MAX_BODY_LENGTH]),
    )


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of what was found, the best first, and how many there are on all pages."""

    articles: Sequence[ArticleId]
    count: int


class SearchIndex(Protocol):
    """Knows which words are in which articles."""

    async def put(self, documents: Sequence[Document]) -> None:
        """Keep documents, in place of older ones; one that is older than what is kept is passed over."""
        ...

    async def remove(self, articles: Collection[ArticleId]) -> None:
        """Forget articles, if they are there."""
        ...

    async def find(self, query: Query, page: PageRequest) -> Hits:
        """Return articles that have every term, the best first: by rank, and then the newer one."""
        ...

    async def by_authors(self, authors: Collection[UserId]) -> Sequence[ArticleId]:
        """Return the articles of these authors that are kept."""
        ...

    async def all_ids(self) -> Sequence[ArticleId]:
        """Return all articles that are kept."""
        ...


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An article that was found, as one viewer sees it."""

    preview: ArticlePreview
    highlights: Highlights


@dataclass(frozen=True, slots=True)
class SearchResults:
    """One page of articles that were found, the best first, and how many there are on all pages."""

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
            texts = await self._articles.contents(hits.articles)
        # One that was deleted a moment ago may still be in the index.
        there = [article for article in hits.articles if article in previews and article in texts]
        # In a thread: a hundred long bodies take a second.
        shown = await asyncio.to_thread(_highlights, query, [texts[article] for article in there])
        found = [SearchHit(previews[article], one) for article, one in zip(there, shown, strict=True)]
        return SearchResults(found, hits.count)


def _documents(texts: Mapping[ArticleId, ArticleContent]) -> Sequence[Document]:
    # In order, so that two that index the same articles do not wait for each other.
    return [document(article, texts[article]) for article in sorted(texts)]


def _highlights(query: Query, texts: Iterable[ArticleContent]) -> Sequence[Highlights]:
    return [highlights(query, text) for text in texts]


class Indexer:
    """Keeps the index as the articles are."""

    def __init__(self, unit_of_work: UnitOfWork, index: SearchIndex, articles: ArticleDirectory) -> None:
        self._unit_of_work = unit_of_work
        self._index = index
        self._articles = articles

    async def on_article_published(self, event: ArticlePublished) -> None:
        """Index an article."""
        await self._index_now([ArticleId(event.article_id)])

    async def on_article_edited(self, event: ArticleEdited) -> None:
        """Index an article anew."""
        await self._index_now([ArticleId(event.article_id)])

    async def on_article_deleted(self, event: ArticleDeleted) -> None:
        """Forget an article."""
        await self._index.remove([ArticleId(event.article_id)])

    async def on_user_renamed(self, event: UserRenamed) -> None:
        """Index anew what a user has written."""
        async with self._unit_of_work.transaction():
            for some in batches(await self._index.by_authors([UserId(event.user_id)]), AT_ONCE):
                await self._index_now(some)

    async def rebuild(self) -> int:
        """Index every article, and forget those that are gone; return how many there are.

        Others may search and write meanwhile. What is interrupted can be begun again.
        """
        # The index first: an article that is published in between is in neither, or in articles only.
        kept = await self._index.all_ids()
        articles = await self._articles.all_ids()
        for gone in batches(set(kept) - set(articles), AT_ONCE):
            await self._index.remove(gone)
        for some in batches(articles, AT_ONCE):
            await self._index_now(some)
        return len(articles)

    async def _index_now(self, articles: Collection[ArticleId]) -> None:
        async with self._unit_of_work.transaction():
            # Held: what is deleted meanwhile is told after this, and forgotten again.
            held = await self._articles.lock_authors(articles)
            texts = await self._articles.contents(list(held))
            # In a thread: the longest body takes a twentieth of a second.
            await self._index.put(await asyncio.to_thread(_documents, texts))
