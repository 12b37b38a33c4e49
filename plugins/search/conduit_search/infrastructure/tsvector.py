"""Words on PostgreSQL: text search types, https://www.postgresql.org/docs/current/datatype-textsearch.html."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import text

from conduit_search.domain.query import Query
from conduit_search.domain.searching import Document
from modules.articles.contracts import ArticleId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.infrastructure.persistence.database import Database

PUT = text(
    "INSERT INTO search_words (article_id, words) VALUES (:id, CAST(:words AS tsvector))"
    " ON CONFLICT (article_id) DO UPDATE SET words = excluded.words"
)
DELETE = text("DELETE FROM search_words WHERE article_id = :id")
# The weights are those of D, C, B and A. 1: a long article is no better than a short one for being long.
BEST = text(
    "SELECT article_id FROM search_words WHERE words @@ CAST(:query AS tsquery)"
    " ORDER BY ts_rank(CAST('{0.1, 0.3, 0.5, 1}' AS real[]), words, CAST(:query AS tsquery), 1) DESC,"
    " article_id DESC LIMIT :limit OFFSET :offset"
)
COUNT = text("SELECT count(*) FROM search_words WHERE words @@ CAST(:query AS tsquery)")


class TsvectorWords:
    """Keeps words in `search_words` as a tsvector of each article.

    The tsvectors are written here, not by `to_tsvector`: what a word is must not depend on the engine,
    on the server's configuration, or on its locale.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, documents: Sequence[Document]) -> None:
        """Keep the words of documents, in place of those that are kept."""
        if documents:
            rows = [{"id": one.article, "words": _vector(one)} for one in documents]
            async with self._database.transaction() as session:
                await session.execute(PUT, rows)

    async def remove(self, articles: Collection[ArticleId]) -> None:
        """Forget the words of articles, if they are there."""
        if articles:
            async with self._database.transaction() as session:
                await session.execute(DELETE, [{"id": article} for article in articles])

    async def best(self, query: Query, page: PageRequest) -> Sequence[ArticleId]:
        """Return a page of the articles that have every term, by rank, and then the newer one first."""
        page_parameters = {"query": _query(query), "limit": page.limit, "offset": page.offset}
        async with self._database.snapshot() as session:
            return [ArticleId(article) for article in await session.scalars(BEST, page_parameters)]

    async def count(self, query: Query) -> int:
        """Return how many articles have every term."""
        async with self._database.snapshot() as session:
            return await session.scalar(COUNT, {"query": _query(query)}) or 0


def _vector(document: Document) -> str:
    """Return the document as a tsvector is written: 'dragon':1A,7D 'fire':2B."""
    parts = (
        ("A", document.title),
        ("B", [*document.tags, *document.author]),
        ("C", document.description),
        ("D", document.body),
    )
    # PostgreSQL keeps what it has room for, and passes over the rest: 255 places of each word, up to 16,383.
    positions: defaultdict[str, list[str]] = defaultdict(list)
    weighted = ((weight, key) for weight, keys in parts for key in keys)
    for position, (weight, key) in enumerate(weighted, start=1):
        positions[key].append(f"{position}{weight}")
    # Keys hold letters, numbers and marks only: there is nothing to escape.
    return " ".join(f"'{key}':{','.join(places)}" for key, places in positions.items())


def _query(query: Query) -> str:
    return " & ".join(f"'{term.key}'{':*' if term.is_prefix else ''}" for term in query.terms)
