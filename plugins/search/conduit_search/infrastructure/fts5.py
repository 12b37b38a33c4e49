"""The word index on SQLite: FTS5, https://sqlite.org/fts5.html."""

import sqlite3
from collections.abc import Collection, Sequence

from sqlalchemy import text

from conduit_search.domain.query import Query
from conduit_search.domain.searching import Document
from modules.articles.contracts import ArticleId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.infrastructure.persistence.database import Database

INSERT = text(
    "INSERT INTO search_words (rowid, title, tags, author, description, body)"
    " VALUES (:id, :title, :tags, :author, :description, :body)"
)
DELETE = text("DELETE FROM search_words WHERE rowid = :id")
# One weight per column. A smaller bm25 is a better match.
RANKED = text(
    "SELECT rowid FROM search_words WHERE search_words MATCH :query"
    " ORDER BY bm25(search_words, 10, 5, 5, 3, 1), rowid DESC LIMIT :limit OFFSET :offset"
)
COUNT = text("SELECT count(*) FROM search_words WHERE search_words MATCH :query")
# Since SQLite 3.42; stored in the table, and set by the migration if SQLite was new enough then.
HAS_SECURE_DELETE = sqlite3.sqlite_version_info >= (3, 42)
SECURE_DELETE = text("INSERT INTO search_words(search_words, rank) VALUES ('secure-delete', 1)")
# Merges at most so many pages; a negative number begins to merge everything.
MERGE = text("INSERT INTO search_words(search_words, rank) VALUES ('merge', :pages)")
MERGED_PAGES = 500
TOTAL_CHANGES = text("SELECT total_changes()")
# A merge that changes less has found nothing to do: https://sqlite.org/fts5.html#the_merge_command.
CHANGES_OF_AN_IDLE_MERGE = 2


class Fts5Words:
    """Stores words in the virtual table `search_words`, by article id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def upsert(self, documents: Sequence[Document]) -> None:
        await self.delete([document.article_id for document in documents])
        rows = [
            {
                "id": document.article_id,
                "title": " ".join(document.title),
                "tags": " ".join(document.tags),
                "author": " ".join(document.author),
                "description": " ".join(document.description),
                "body": " ".join(document.body),
            }
            for document in documents
        ]
        if rows:
            async with self._database.long_transaction() as session:
                await session.execute(INSERT, rows)

    async def delete(self, ids: Collection[ArticleId]) -> None:
        if ids:
            async with self._database.long_transaction() as session:
                await session.execute(DELETE, [{"id": article_id} for article_id in ids])

    async def purge(self) -> None:
        # One transaction for each step: on SQLite a transaction blocks all other writers.
        if HAS_SECURE_DELETE:
            async with self._database.long_transaction() as session:
                await session.execute(SECURE_DELETE)
        changes = await self._merge(-MERGED_PAGES)
        while changes >= CHANGES_OF_AN_IDLE_MERGE:
            changes = await self._merge(MERGED_PAGES)

    async def _merge(self, pages: int) -> int:
        """Merge some pages of the index; return the number of changed rows."""
        async with self._database.long_transaction() as session:
            before: int = await session.scalar(TOTAL_CHANGES) or 0
            await session.execute(MERGE, {"pages": pages})
            return (await session.scalar(TOTAL_CHANGES) or 0) - before

    async def ranked(self, query: Query, page: PageRequest) -> Sequence[ArticleId]:
        parameters = {"query": _match(query), "limit": page.limit, "offset": page.offset}
        async with self._database.snapshot() as session:
            return [ArticleId(id_) for id_ in await session.scalars(RANKED, parameters)]

    async def count(self, query: Query) -> int:
        async with self._database.snapshot() as session:
            return await session.scalar(COUNT, {"query": _match(query)}) or 0


def _match(query: Query) -> str:
    # Quoted, so that no term is an operator. Terms contain letters, numbers and marks only.
    return " ".join(f'"{term.key}"{"*" if term.is_prefix else ""}' for term in query.terms)
