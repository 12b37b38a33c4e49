"""The demo data of several modules."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, inspect, text

from conduit_app.commands.demo import DemoError, fill_demo
from conduit_app.composition import Composition
from modules.kernel.container import ModuleContainer
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.module import Module
from tests.client import Api
from tests.conftest import app_instance as any_app
from tests.conftest import settings as empty
from tests.demo.conftest import ARTICLES, UNTIL, NoProgress

# An empty database instead of a copy of the demo.
settings = empty
app_instance = any_app

# Each stored count, and the query that counts the rows. Author 0 stands for all authors.
COUNTS = {
    "SELECT id, favorites_count FROM articles_article": (
        "SELECT id, count(user_id) FROM articles_article"
        " LEFT JOIN articles_favorite ON article_id = id GROUP BY id"
    ),
    "SELECT author_id, articles, latest_at FROM articles_author_stats": (
        "SELECT author_id, count(*), max(created_at) FROM articles_article GROUP BY author_id"
        " UNION ALL SELECT 0, count(*), max(created_at) FROM articles_article"
    ),
    "SELECT tag, articles FROM articles_tag_stats": "SELECT tag, count(*) FROM articles_tag GROUP BY tag",
    "SELECT user_id, articles FROM articles_reader_stats": (
        "SELECT user_id, count(*) FROM articles_favorite GROUP BY user_id"
    ),
}


async def indexes(database: Database) -> set[str | None]:
    """Return the names of all indexes."""

    def names(connection: Connection) -> set[str | None]:
        tables = inspect(connection).get_multi_indexes()
        return {index["name"] for table in tables.values() for index in table}

    async with database.connection() as connection:
        return await connection.run_sync(names)


async def test_modules_insert_their_data_in_dependency_order(composition: Composition) -> None:
    demo = await fill_demo(composition, 1, NoProgress(), UNTIL)
    assert list(demo.made) == ["users", "articles"]
    assert len(demo.made["articles"]) == 1


async def test_database_with_a_user_is_rejected(composition: Composition, api: Api) -> None:
    await api.as_user("anna").token()
    with pytest.raises(DemoError, match="users_account"):
        await fill_demo(composition, 1, NoProgress(), UNTIL)
    assert (await api.get("/articles")).json()["articlesCount"] == 0


async def test_demo_leaves_the_schema_unchanged(composition: Composition) -> None:
    before = await indexes(composition.database)
    await fill_demo(composition, 1, NoProgress(), UNTIL)
    assert await indexes(composition.database) == before


async def test_failure_names_the_module_and_restores_indexes(composition: Composition) -> None:
    async def fail(_container: object, _demo: Demo) -> None:
        raise Unavailable("database", "is full")

    broken = Module(name="broken", container=ModuleContainer, demo=fail)
    containers = {**composition.containers, "broken": ModuleContainer()}
    with pytest.raises(DemoError, match="database is full while broken made its part: remove"):
        await fill_demo(
            replace(composition, modules=[*composition.modules, broken], containers=containers),
            1,
            NoProgress(),
            UNTIL,
        )
    assert "ix_articles_article_created_at_id" in await indexes(composition.database)


async def test_stored_counts_equal_the_counted_rows(
    composition: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several batches, of which the later ones update the counts of the earlier ones.
    monkeypatch.setattr("modules.articles.demo.articles.TRANSACTION_SIZE", 25)
    await fill_demo(composition, ARTICLES, NoProgress(), UNTIL)
    async with composition.database.connection() as connection:
        for stored, rows in COUNTS.items():
            counted = (await connection.execute(text(stored))).all()
            assert counted, stored
            assert sorted(counted) == sorted((await connection.execute(text(rows))).all()), stored


async def test_module_without_demo_data_is_skipped(composition: Composition) -> None:
    silent = Module(name="silent", container=ModuleContainer)
    demo = await fill_demo(replace(composition, modules=[silent]), 1, NoProgress(), UNTIL)
    assert demo.made == {}
