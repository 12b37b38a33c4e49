"""The word index on PostgreSQL: tsvector, https://www.postgresql.org/docs/current/datatype-textsearch.html."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import text

from conduit_search.domain.query import Query
from conduit_search.domain.searching import Document
from modules.articles.contracts import ArticleId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.infrastructure.persistence.database import Database

UPSERT = text(
    "INSERT INTO search_words (article_id, words) VALUES (:id, CAST(:words AS tsvector))"
    " ON CONFLICT (article_id) DO UPDATE SET words = excluded.words"
)
DELETE = text("DELETE FROM search_words WHERE article_id = :id")
# The weights of D, C, B and A. Flag 1 divides by the document's length, so that long articles do not win.
RANKED = text(
    "SELECT article_id FROM search_words WHERE words @@ CAST(:query AS tsquery)"
    " ORDER BY ts_rank(CAST('{0.1, 0.3, 0.5, 1}' AS real[]), words, CAST(:query AS tsquery), 1) DESC,"
    " article_id DESC LIMIT :limit OFFSET :offset"
)
COUNT = text("SELECT count(*) FROM search_words WHERE words @@ CAST(:query AS tsquery)")


class TsvectorWords:
    """Stores words in `search_words`, as one tsvector per article.

    Tsvectors are built here and not by `to_tsvector`: tokenization must not depend on the engine, the
    server's configuration or its locale.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def upsert(self, documents: Sequence[Document]) -> None:
        if documents:
            rows = [{"id": document.article_id, "words": _vector(document)} for document in documents]
            async with self._database.transaction() as session:
                await session.execute(UPSERT, rows)

    async def delete(self, ids: Collection[ArticleId]) -> None:
        if ids:
            async with self._database.transaction() as session:
                await session.execute(DELETE, [{"id": article_id} for article_id in ids])

    async def purge(self) -> None:
        """Do nothing: VACUUM removes deleted rows."""

    async def ranked(self, query: Query, page: PageRequest) -> Sequence[ArticleId]:
        parameters = {"query": _query(query), "limit": page.limit, "offset": page.offset}
        async with self._database.snapshot() as session:
            return [ArticleId(id_) for id_ in await session.scalars(RANKED, parameters)]

    async def count(self, query: Query) -> int:
        async with self._database.snapshot() as session:
            return await session.scalar(COUNT, {"query": _query(query)}) or 0


def _vector(document: Document) -> str:
    """Return the document in the syntax of a tsvector: 'dragon':1A,7D 'fire':2B."""
    parts = (
        ("A", document.title),
        ("B", [*document.tags, *document.author]),
        ("C", document.description),
        ("D", document.body),
    )
    # PostgreSQL ignores what exceeds its limits: 255 positions of each word, up to position 16,383.
    positions: defaultdict[str, list[str]] = defaultdict(list)
    weighted = ((weight, key) for weight, keys in parts for key in keys)
    for position, (weight, key) in enumerate(weighted, start=1):
        positions[key].append(f"{position}{weight}")
    # Keys contain letters, numbers and marks only: there is nothing to escape.
    return " ".join(f"'{key}':{','.join(places)}" for key, places in positions.items())


def _query(query: Query) -> str:
    return " & ".join(f"'{term.key}'{':*' if term.is_prefix else ''}" for term in query.terms)
