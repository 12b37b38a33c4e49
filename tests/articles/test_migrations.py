"""The migrations of articles that existed before a rule changed, on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import JSON, DateTime, column, insert, select, table

from conduit_app.migrations.runner import migrate
from modules.articles.infrastructure.tables import slugs
from modules.articles.module import MODULE as ARTICLES
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.database import Database
from tests import postgresql

ARTICLE_TABLE = table(
    "articles_article",
    column("id"),
    *(column(name) for name in ("slug", "author_id", "title", "description", "favorites_count", "body")),
    column("tag_list", JSON()),
    *(column(name, DateTime(timezone=True)) for name in ("created_at", "updated_at")),
)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Return an empty database, on either engine."""
    if request.param == "sqlite":
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/conduit.db")
        yield database
        await database.dispose()
    else:
        with postgresql.new_database() as url:
            database = Database(url)
            yield database
            await database.dispose()


def article(slug: str, *tags: str) -> dict[str, object]:
    """Return the row of an article."""
    texts = dict.fromkeys(("title", "description", "body"), slug)
    numbers = {"author_id": 1, "favorites_count": 0}
    return {"slug": slug, "tag_list": list(tags), "created_at": NOON, "updated_at": NOON, **texts, **numbers}


async def test_stored_slugs_find_their_articles(database: Database) -> None:
    await migrate(database, [ARTICLES], revision="0002")
    async with database.transaction() as session:
        await session.execute(insert(ARTICLE_TABLE), [article("dragons"), article("knights")])
    await migrate(database, [ARTICLES])
    async with database.snapshot() as session:
        assert (
            await session.execute(select(slugs.c.slug, slugs.c.article_id).order_by(slugs.c.slug))
        ).all() == [
            ("dragons", 1),
            ("knights", 2),
        ]
