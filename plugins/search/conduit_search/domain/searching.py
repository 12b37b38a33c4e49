"""The use cases of search: finding articles, and updating the index."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from conduit_search.contracts import PublicArticlesIndexed, RenamedAuthorIndexed
from conduit_search.domain.highlights import MAX_HIGHLIGHTED_LENGTH, Highlights, highlights
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
    ArticlesMadePublic,
    ArticlesRestricted,
)
from modules.kernel.domain.batches import batches
from modules.kernel.domain.errors import Unavailable
from modules.kernel.domain.events import Effect, EventPublisher
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.kernel.domain.views import view_class
from modules.users.contracts import UserRenamed

# In characters of a body: a tsvector of PostgreSQL holds at most a megabyte of distinct words.
MAX_BODY_LENGTH = 100_000
# Articles per transaction, and characters of their bodies together, unless the first alone has more: on
# SQLite a transaction blocks all other writers, and replacing the words of the longest takes 50 ms.
BATCH_SIZE = 20
MAX_BATCH_LENGTH = 200_000
# Of one process: a search for a frequent word ranks all matches, and must leave readers to others.
MAX_CONCURRENT_SEARCHES = 2
# How long a search may wait for its turn and read.
SEARCH_TIMEOUT_SECONDS = 3.0


class SearchBusy(Unavailable):
    """Too many searches are running, or this one takes too long."""

    subject = "search"


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

    async def purge(self) -> None:
        """Remove what deleted and replaced documents have left in the index's storage."""
        ...

    async def find(self, query: Query, page: PageRequest) -> Hits:
        """Return a page of the articles with every term, ordered by rank and then newest first."""
        ...

    async def by_author(self, author_id: UserId, after: ArticleId, limit: int) -> Sequence[ArticleId]:
        """Return the first `limit` indexed articles of the author whose ids are greater, in order."""
        ...

    async def all_ids(self) -> Sequence[ArticleId]:
        """Return all indexed articles."""
        ...


@view_class
class SearchHit(ArticlePreview):
    """A matching article, as one viewer sees it."""

    highlights: Highlights


@view_class
class SearchResults:
    """One page of matching articles, best match first, and the total number."""

    articles: Sequence[SearchHit]
    count: int


class Search:
    """Finds articles, for a few callers at a time."""

    def __init__(self, unit_of_work: UnitOfWork, index: SearchIndex, articles: ArticleDirectory) -> None:
        self._unit_of_work = unit_of_work
        self._index = index
        self._articles = articles
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_SEARCHES)

    async def find(self, query: Query, page: PageRequest, viewer: UserId | None) -> SearchResults:
        """Return a page of the articles that have every word of the query; raise `SearchBusy`."""
        async with AsyncExitStack() as slot:
            try:
                async with asyncio.timeout(SEARCH_TIMEOUT_SECONDS):
                    await slot.enter_async_context(self._slots)
                    hits, previews, contents = await self._read(query, page, viewer)
            except TimeoutError as error:
                raise SearchBusy from error
            # A deleted article stays in the index until its event is handled.
            ids = [id_ for id_ in hits.articles if id_ in previews and id_ in contents]
            # In a thread: a hundred long bodies take a second.
            marked = await asyncio.to_thread(_highlights, query, [contents[id_] for id_ in ids])
        articles = [_hit(previews[id_], texts) for id_, texts in zip(ids, marked, strict=True)]
        return SearchResults(articles, hits.count)

    async def _read(
        self, query: Query, page: PageRequest, viewer: UserId | None
    ) -> tuple[Hits, Mapping[ArticleId, ArticlePreview], Mapping[ArticleId, ArticleContent]]:
        async with self._unit_of_work.snapshot():
            hits = await self._index.find(query, page)
            previews = await self._articles.previews(hits.articles, viewer)
            contents = await self._articles.contents(hits.articles, max_body_length=MAX_HIGHLIGHTED_LENGTH)
        return hits, previews, contents


def _tokenized(contents: Mapping[ArticleId, ArticleContent]) -> Mapping[ArticleId, Document]:
    return {article_id: document(article_id, contents[article_id]) for article_id in contents}


def _hit(preview: ArticlePreview, highlights: Highlights) -> SearchHit:
    return SearchHit(
        preview.slug,
        preview.title,
        preview.description,
        preview.tag_list,
        preview.created_at,
        preview.updated_at,
        preview.favorited,
        preview.favorites_count,
        preview.author,
        highlights,
    )


def _highlights(query: Query, contents: Iterable[ArticleContent]) -> Sequence[Highlights]:
    return [highlights(query, content) for content in contents]


class Indexer:
    """Updates the index from the public articles.

    Articles are read and tokenized before the transaction that changes the index.
    """

    def __init__(
        self, unit_of_work: UnitOfWork, index: SearchIndex, articles: ArticleDirectory, events: EventPublisher
    ) -> None:
        self._unit_of_work = unit_of_work
        self._index = index
        self._articles = articles
        self._events = events

    async def on_article_published(self, event: ArticlePublished) -> Effect:
        """Index an article."""
        _, index = await self._prepare([ArticleId(event.article_id)])
        return index

    async def on_article_edited(self, event: ArticleEdited) -> Effect:
        """Index an article again."""
        _, index = await self._prepare([ArticleId(event.article_id)])
        return index

    async def on_articles_deleted(self, event: ArticlesDeleted) -> None:
        """Delete articles from the index."""
        await self._index.delete([ArticleId(id_) for id_ in event.article_ids])

    async def on_articles_restricted(self, event: ArticlesRestricted) -> None:
        """Delete articles that not everyone sees from the index."""
        # In the publisher's transaction on purpose: the number of hits must not show the words of an article.
        await self._index.delete([ArticleId(id_) for id_ in event.article_ids])

    async def on_articles_made_public(self, event: ArticlesMadePublic) -> Effect:
        """Index the first of these articles."""
        return await self._prepare_remaining(event.article_ids)

    async def on_public_articles_indexed(self, event: PublicArticlesIndexed) -> Effect:
        """Index the next of these articles."""
        return await self._prepare_remaining(event.remaining_ids)

    async def on_user_renamed(self, event: UserRenamed) -> Effect:
        """Index the first articles of a user again, for the author's new name."""
        return await self._prepare_batch(UserId(event.user_id), after=ArticleId(0))

    async def on_renamed_author_indexed(self, event: RenamedAuthorIndexed) -> Effect:
        """Index the next articles of a renamed author."""
        return await self._prepare_batch(UserId(event.author_id), ArticleId(event.last_article_id))

    async def rebuild(self) -> int:
        """Index every public article, delete the others from the index, and return the number of articles.

        Safe during searches and writes, and safe to repeat after an interruption.
        """
        # The index first: an article published in between is in neither list, or only in `articles`.
        indexed = await self._index.all_ids()
        articles = await self._articles.all_ids()
        for ids in batches(set(indexed) - set(articles), BATCH_SIZE):
            async with self._unit_of_work.transaction():
                # Locked: what was restricted may have been made public and indexed since it was read.
                existing = await self._articles.lock_authors(ids)
                hidden = await self._articles.hidden(existing.keys(), viewer=None)
                await self._index.delete([id_ for id_ in ids if id_ not in existing or id_ in hidden])
        remaining: Sequence[ArticleId] = articles
        while remaining:
            batch, index = await self._prepare(remaining[:BATCH_SIZE])
            await index()
            remaining = remaining[len(batch) :]
        await self._index.purge()
        return len(articles)

    async def _prepare_remaining(self, ids: Sequence[int]) -> Effect:
        batch, index = await self._prepare([ArticleId(id_) for id_ in ids[:BATCH_SIZE]])
        remaining = tuple(ids[len(batch) :])

        async def index_and_continue() -> None:
            await index()
            if remaining:
                await self._events.publish(PublicArticlesIndexed(batch[-1], remaining))

        return index_and_continue

    async def _prepare_batch(self, author_id: UserId, after: ArticleId) -> Effect:
        ids = await self._index.by_author(author_id, after, BATCH_SIZE)
        batch, index = await self._prepare(ids)

        async def index_and_continue() -> None:
            await index()
            if batch:
                # In the same transaction, so that an interruption neither skips nor repeats a batch.
                await self._events.publish(RenamedAuthorIndexed(batch[-1], author_id))

        return index_and_continue

    async def _prepare(self, ids: Sequence[ArticleId]) -> tuple[Sequence[ArticleId], Effect]:
        """Return the first ids, as many as a batch may have, and the function that indexes their articles."""
        found = await self._articles.contents(ids, max_body_length=MAX_BODY_LENGTH)
        batch = list(_batch(ids, found))
        contents = {id_: found[id_] for id_ in batch if id_ in found}
        # In a thread: the longest body takes a twentieth of a second.
        documents = await asyncio.to_thread(_tokenized, contents)

        async def index() -> None:
            async with self._unit_of_work.transaction():
                # A concurrent deletion waits, and its event then deletes the article from the index again.
                authors = await self._articles.lock_authors(batch)
                current = await self._articles.previews(authors.keys(), viewer=None)
                changed = [id_ for id_ in current if not _is_of(contents.get(id_), current[id_])]
                # Rare, and tokenized in the transaction: they must not change a second time.
                latest = {**documents, **await self._documents(changed)} if changed else documents
                # Sorted, so that two transactions lock the same articles in one order: no deadlock.
                await self._index.upsert([latest[id_] for id_ in sorted(current)])

        return batch, index

    async def _documents(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, Document]:
        contents = await self._articles.contents(ids, max_body_length=MAX_BODY_LENGTH)
        return await asyncio.to_thread(_tokenized, contents)


def _batch(ids: Sequence[ArticleId], contents: Mapping[ArticleId, ArticleContent]) -> Iterator[ArticleId]:
    remaining = MAX_BATCH_LENGTH
    for id_ in ids:
        length = len(contents[id_].body) if id_ in contents else 0
        if id_ != ids[0] and length > remaining:
            return
        remaining -= length
        yield id_


def _is_of(content: ArticleContent | None, preview: ArticlePreview) -> bool:
    if content is None:
        # Made public after the contents were read.
        return False
    return (content.updated_at, content.author) == (preview.updated_at, preview.author.username)
