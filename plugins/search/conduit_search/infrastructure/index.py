"""The full-text index: the indexed articles, and their words in the engine's word index."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from sqlalchemy import bindparam, case, delete, select

from conduit_search.domain.query import Query
from conduit_search.domain.searching import Document, Hits
from conduit_search.infrastructure.tables import DocumentRow
from modules.articles.contracts import ArticleId
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import Columns, in_ids, upsert
from modules.kernel.infrastructure.persistence.pagination import LIMIT
from modules.kernel.infrastructure.persistence.statements import prepare

documents_table = DocumentRow.metadata.tables[DocumentRow.__tablename__]

IN_IDS = in_ids(documents_table.c.article_id, "ids")
UPDATED_AT = prepare(select(documents_table.c.article_id, documents_table.c.updated_at).where(IN_IDS))
DELETE = prepare(delete(documents_table).where(IN_IDS))
ALL_IDS = prepare(select(documents_table.c.article_id))
BY_AUTHOR = prepare(
    select(documents_table.c.article_id)
    .where(
        documents_table.c.author_id == bindparam("author_id"),
        documents_table.c.article_id > bindparam("after"),
    )
    .order_by(documents_table.c.article_id)
    .limit(LIMIT)
)


class WordIndex(Protocol):
    """The words of documents, as one engine stores them."""

    async def upsert(self, documents: Sequence[Document]) -> None:
        """Insert or replace the words of documents."""
        ...

    async def delete(self, ids: Collection[ArticleId]) -> None:
        """Delete the words of articles, if they are in the index."""
        ...

    async def purge(self) -> None:
        """Remove what the words of deleted and replaced documents have left in the storage."""
        ...

    async def ranked(self, query: Query, page: PageRequest) -> Sequence[ArticleId]:
        """Return a page of the articles with every term, ordered by rank and then newest first."""
        ...

    async def count(self, query: Query) -> int:
        """Return the number of articles with every term."""
        ...


class SqlSearchIndex:
    """Stores indexed articles in `search_document`, and their words in a `WordIndex`."""

    def __init__(self, database: Database, word_index: WordIndex) -> None:
        self._database = database
        self._word_index = word_index

    async def upsert(self, documents: Sequence[Document]) -> None:
        if not documents:
            return
        rows = [
            {
                "article_id": document.article_id,
                "author_id": document.author_id,
                "updated_at": document.updated_at,
            }
            for document in documents
        ]
        ids = [document.article_id for document in documents]
        async with self._database.transaction():
            # Locks the rows until the commit, so that two transactions index the same article one by one.
            await self._database.execute_many(upsert(self._database.dialect, DocumentRow, _keep_newer), rows)
            indexed = await self._database.fetch_all(UPDATED_AT, {"ids": ids})
            times = {row.article_id: row.updated_at for row in indexed}
            await self._word_index.upsert(
                [document for document in documents if document.updated_at == times[document.article_id]]
            )

    async def delete(self, ids: Collection[ArticleId]) -> None:
        async with self._database.transaction():
            await self._database.execute(DELETE, {"ids": ids})
            await self._word_index.delete(ids)

    async def purge(self) -> None:
        await self._word_index.purge()

    async def find(self, query: Query, page: PageRequest) -> Hits:
        async with self._database.snapshot():
            return Hits(await self._word_index.ranked(query, page), await self._word_index.count(query))

    async def by_author(self, author_id: UserId, after: ArticleId, limit: int) -> Sequence[ArticleId]:
        parameters = {"author_id": author_id, "after": after, "rows": limit}
        return await self._database.fetch_values(BY_AUTHOR, parameters)

    async def all_ids(self) -> Sequence[ArticleId]:
        return await self._database.fetch_values(ALL_IDS)


def _keep_newer(old: Columns, new: Columns) -> Mapping[str, object]:
    latest = case((new["updated_at"] > old["updated_at"], new["updated_at"]), else_=old["updated_at"])
    return {"updated_at": latest}
