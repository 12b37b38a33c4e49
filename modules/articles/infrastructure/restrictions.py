"""The repository of restrictions in the database."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from modules.articles.contracts import ArticleId
from modules.articles.infrastructure.counts import ArticleCounts, CountedArticle
from modules.articles.infrastructure.tables import RestrictionRow, articles, favorites, restrictions, tags
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.visibility import audience_name
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import Columns, in_ids, upsert
from modules.kernel.infrastructure.persistence.statements import prepare

# In the order of ids, so that two transactions do not deadlock.
LOCK = prepare(
    select(articles.c.id, articles.c.author_id, articles.c.created_at, articles.c.restricted)
    .where(in_ids(articles.c.id, "ids"))
    .order_by(articles.c.id)
    .with_for_update(key_share=True)
)
OF_POLICY = (in_ids(restrictions.c.article_id, "ids"), restrictions.c.policy == bindparam("policy"))
DELETE = prepare(delete(restrictions).where(*OF_POLICY).returning(restrictions.c.article_id))
STILL_RESTRICTED = prepare(
    select(restrictions.c.article_id).distinct().where(in_ids(restrictions.c.article_id, "ids"))
)
# Tags and favorites repeat it.
SET_RESTRICTED = [
    prepare(update(table).where(in_ids(article_id, "ids")).values(restricted=bindparam("value")))
    for table, article_id in (
        (articles, articles.c.id),
        (tags, tags.c.article_id),
        (favorites, favorites.c.article_id),
    )
]
AUDIENCES = prepare(select(restrictions.c.article_id, restrictions.c.audience).where(*OF_POLICY))


class SqlRestrictions:
    """Stores restrictions in `articles_restriction`, and updates the counts, which are of public articles."""

    def __init__(self, database: Database, counts: ArticleCounts) -> None:
        self._database = database
        self._counts = counts

    async def add(self, ids: Collection[ArticleId], policy: str, audience: str) -> Sequence[ArticleId]:
        async with self._database.transaction():
            locked = await self._database.fetch_all(LOCK, {"ids": ids})
            public = [row for row in locked if not row.restricted]
            public_ids = [ArticleId(row.id) for row in public]
            await self._set_restricted(public_ids, value=True)
            await self._counts.remove_tags_and_favorites(public_ids)
            name = audience_name(policy, audience)
            rows = [
                {"article_id": row.id, "policy": policy, "audience": name, "author_id": row.author_id}
                for row in locked
            ]
            statement = upsert(self._database.dialect, RestrictionRow, _replace_audience)
            await self._database.execute_many(statement, rows)
            await self._counts.remove_articles(Counter(UserId(row.author_id) for row in public))
            return public_ids

    async def delete(self, ids: Collection[ArticleId], policy: str) -> Sequence[ArticleId]:
        async with self._database.transaction():
            locked = await self._database.fetch_all(LOCK, {"ids": ids})
            lifted = set(await self._database.fetch_values(DELETE, {"ids": ids, "policy": policy}))
            lifted -= set(await self._database.fetch_values(STILL_RESTRICTED, {"ids": lifted}))
            public = [row for row in locked if row.id in lifted]
            public_ids = [ArticleId(row.id) for row in public]
            await self._set_restricted(public_ids, value=False)
            await self._counts.add_tags_and_favorites(public_ids)
            await self._counts.add_articles(
                [CountedArticle(UserId(row.author_id), (), row.created_at) for row in public]
            )
            return public_ids

    async def _set_restricted(self, ids: Sequence[ArticleId], *, value: bool) -> None:
        for statement in SET_RESTRICTED:
            await self._database.execute(statement, {"ids": ids, "value": value})

    async def audiences(self, ids: Collection[ArticleId], policy: str) -> Mapping[ArticleId, str]:
        rows = await self._database.fetch_all(AUDIENCES, {"ids": ids, "policy": policy})
        prefix = audience_name(policy, "")
        return {ArticleId(row.article_id): row.audience.removeprefix(prefix) for row in rows}


def _replace_audience(_stored: Columns, new: Columns) -> Mapping[str, Any]:
    return {"audience": new.audience}
