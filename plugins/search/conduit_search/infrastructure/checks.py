"""The consistency checks of search. A deletion is in the index until its event is handled."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sqlalchemy import column, select, table

from conduit_search.domain.searching import Indexer
from conduit_search.infrastructure.index import SqlSearchIndex
from conduit_search.infrastructure.tables import DocumentRow
from modules.articles.contracts import ArticleDirectory, ArticleEdited, ArticleId
from modules.kernel.domain.consistency import ConsistencyCheck, Difference
from modules.kernel.infrastructure.consistency import retrying, scan
from modules.kernel.infrastructure.persistence.database import Database

documents: Any = DocumentRow.__table__


def consistency_checks(
    database: Database, index: SqlSearchIndex, indexer: Indexer, articles: ArticleDirectory
) -> Sequence[ConsistencyCheck]:
    """Return the check of the index."""
    return [IndexCheck(database, index, indexer, articles)]


class IndexCheck:
    """Compares indexed articles with the articles, and with the index of their words."""

    columns = ("search_document.article_id", "search_document.author_id")
    problem = "entries of restricted articles, or without their article, author or words"

    def __init__(
        self, database: Database, index: SqlSearchIndex, indexer: Indexer, articles: ArticleDirectory
    ) -> None:
        self._database = database
        self._index = index
        self._indexer = indexer
        self._articles = articles
        # A row of FTS5 has the article's id as its rowid.
        key = "rowid" if database.dialect == "sqlite" else "article_id"
        self._words = table("search_words", column(key, documents.c.article_id.type)).c[key]

    async def differences(self) -> AsyncIterator[Difference]:
        async for wrong in scan(self._database, [documents.c.article_id, self._words], self._wrong):
            for article_id, problem in wrong.items():
                yield Difference(f"article {article_id} {problem}")

    async def repair(self) -> int:
        repaired = 0
        async for wrong in scan(self._database, [documents.c.article_id, self._words], self._wrong):
            for article_id in wrong:
                await retrying(self._index_again, article_id)
            repaired += len(wrong)
        return repaired

    async def _index_again(self, article_id: ArticleId) -> None:
        index = await self._indexer.on_article_edited(ArticleEdited(article_id))
        async with self._database.transaction():
            # First, as every transaction that changes the index does.
            await self._articles.lock_authors([article_id])
            await self._index.delete([article_id])
            await index()

    async def _wrong(self, ids: Sequence[int]) -> Mapping[ArticleId, str]:
        stored = select(documents.c.article_id, documents.c.author_id).where(documents.c.article_id.in_(ids))
        async with self._database.snapshot() as session:
            indexed: dict[int, int] = dict((await session.execute(stored)).all())
            with_words = set(await session.scalars(select(self._words).where(self._words.in_(ids))))
        article_ids = [ArticleId(id_) for id_ in ids]
        authors = await self._articles.authors(article_ids)
        hidden = await self._articles.hidden(article_ids, viewer=None)
        problems: dict[ArticleId, str] = {}
        for article_id in article_ids:
            if article_id not in authors:
                problems[article_id] = "is missing"
            elif article_id in hidden:
                problems[article_id] = "is restricted"
            elif indexed.get(article_id) != authors[article_id]:
                problems[article_id] = "has another author"
            elif article_id not in with_words:
                problems[article_id] = "has no words"
        return problems
