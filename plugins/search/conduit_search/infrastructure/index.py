"""The index: which articles are in it, and, of the engine's kind, their words."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import case, delete, select

from conduit_search.domain.query import Query
from conduit_search.domain.searching import Document, Hits
from conduit_search.infrastructure.tables import DocumentRow
from modules.articles.contracts import ArticleId
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import Columns, in_ids, upsert

stored: Any = DocumentRow.__table__


class WordIndex(Protocol):
    """Keeps the words of documents as one engine does it."""

    async def put(self, documents: Sequence[Document]) -> None:
        """Keep the words of documents, in place of those that are kept."""
        ...

    async def remove(self, articles: Collection[ArticleId]) -> None:
        """Forget the words of articles, if they are there."""
        ...

    async def best(self, query: Query, page: PageRequest) -> Sequence[ArticleId]:
        """Return a page of the articles that have every term, by rank, and then the newer one first."""
        ...

    async def count(self, query: Query) -> int:
        """Return how many articles have every term."""
        ...


class SqlSearchIndex:
    """Keeps which articles are indexed in `search_document`, and their words in a `WordIndex`."""

    def __init__(self, database: Database, word_index: WordIndex) -> None:
        self._database = database
        self._words = word_index

    async def put(self, documents: Sequence[Document]) -> None:
        """Keep documents, in place of older ones; one that is older than what is kept is passed over."""
        if not documents:
            return
        rows = [
            {"article_id": one.article, "author_id": one.author_id, "updated_at": one.updated_at}
            for one in documents
        ]
        ids = [one.article for one in documents]
        async with self._database.transaction() as session:
            # From here on the rows are locked: whoever indexes the same articles comes before or after.
            await session.execute(upsert(session, DocumentRow, _newer), rows)
            kept = select(stored.c.article_id, stored.c.updated_at).where(in_ids(stored.c.article_id, "ids"))
            times = {row.article_id: row.updated_at for row in await session.execute(kept, {"ids": ids})}
            await self._words.put([one for one in documents if one.updated_at == times[one.article]])

    async def remove(self, articles: Collection[ArticleId]) -> None:
        """Forget articles, if they are there."""
        gone = delete(stored).where(in_ids(stored.c.article_id, "ids"))
        async with self._database.transaction() as session:
            await session.execute(gone, {"ids": list(articles)})
            await self._words.remove(articles)

    async def find(self, query: Query, page: PageRequest) -> Hits:
        """Return articles that have every term, the best first: by rank, and then the newer one."""
        async with self._database.snapshot():
            return Hits(await self._words.best(query, page), await self._words.count(query))

    async def by_authors(self, authors: Collection[UserId]) -> Sequence[ArticleId]:
        """Return the articles of these authors that are kept."""
        statement = (
            select(stored.c.article_id)
            .where(in_ids(stored.c.author_id, "authors"))
            .order_by(stored.c.article_id)
        )
        async with self._database.snapshot() as session:
            found = await session.scalars(statement, {"authors": list(authors)})
            return [ArticleId(article) for article in found]

    async def all_ids(self) -> Sequence[ArticleId]:
        """Return all articles that are kept."""
        async with self._database.snapshot() as session:
            return [ArticleId(article) for article in await session.scalars(select(stored.c.article_id))]


def _newer(old: Columns, new: Columns) -> Mapping[str, object]:
    later = case((new["updated_at"] > old["updated_at"], new["updated_at"]), else_=old["updated_at"])
    return {"updated_at": later}
