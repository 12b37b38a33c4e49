"""The word index on SQLite: FTS5, https://sqlite.org/fts5.html."""

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
            async with self._database.transaction() as session:
                await session.execute(INSERT, rows)

    async def delete(self, ids: Collection[ArticleId]) -> None:
        if ids:
            async with self._database.transaction() as session:
                await session.execute(DELETE, [{"id": article_id} for article_id in ids])

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
