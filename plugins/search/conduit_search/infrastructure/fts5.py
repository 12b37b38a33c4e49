"""Words on SQLite: FTS5, https://sqlite.org/fts5.html."""

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
# The weights are those of the columns; the better, the smaller a number bm25 gives.
BEST = text(
    "SELECT rowid FROM search_words WHERE search_words MATCH :query"
    " ORDER BY bm25(search_words, 10, 5, 5, 3, 1), rowid DESC LIMIT :limit OFFSET :offset"
)
COUNT = text("SELECT count(*) FROM search_words WHERE search_words MATCH :query")


class Fts5Words:
    """Keeps words in the virtual table `search_words`, by the articles' ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, documents: Sequence[Document]) -> None:
        """Keep the words of documents, in place of those that are kept."""
        await self.remove([one.article for one in documents])
        rows = [
            {
                "id": one.article,
                "title": " ".join(one.title),
                "tags": " ".join(one.tags),
                "author": " ".join(one.author),
                "description": " ".join(one.description),
                "body": " ".join(one.body),
            }
            for one in documents
        ]
        if rows:
            async with self._database.transaction() as session:
                await session.execute(INSERT, rows)

    async def remove(self, articles: Collection[ArticleId]) -> None:
        """Forget the words of articles, if they are there."""
        if articles:
            async with self._database.transaction() as session:
                await session.execute(DELETE, [{"id": article} for article in articles])

    async def best(self, query: Query, page: PageRequest) -> Sequence[ArticleId]:
        """Return a page of the articles that have every term, by rank, and then the newer one first."""
        page_parameters = {"query": _match(query), "limit": page.limit, "offset": page.offset}
        async with self._database.snapshot() as session:
            return [ArticleId(article) for article in await session.scalars(BEST, page_parameters)]

    async def count(self, query: Query) -> int:
        """Return how many articles have every term."""
        async with self._database.snapshot() as session:
            return await session.scalar(COUNT, {"query": _match(query)}) or 0


def _match(query: Query) -> str:
    # Each a string of FTS5, in which nothing has a meaning; terms hold letters, numbers and marks only.
    return " ".join(f'"{term.key}"{"*" if term.is_prefix else ""}' for term in query.terms)
