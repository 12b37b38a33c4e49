"""How the parts of a demonstration are put together."""

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
from tests.conftest import app_instance as either
from tests.conftest import settings as empty
from tests.demo.conftest import ARTICLES, ProbeTimeout

# A database with nothing in it, instead of a demonstration.
settings = empty
app_instance = either

# Each counter, and the same number counted among the rows. Author 0 is everybody.
COUNTERS = {
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

    def found(connection: Connection) -> set[str | None]:
        every = inspect(connection).get_multi_indexes()
        return {index["name"] for of_table in every.values() for index in of_table}

    async with database.connection() as connection:
        return await connection.run_sync(found)


async def test_modules_make_their_parts_in_the_order_of_their_needs(composition: Composition) -> None:
    demo = await fill_demo(composition, 1, ProbeTimeout())
    assert list(demo.made) == ["users", "articles"]
    assert len(demo.made["articles"]) == 1


async def test_a_database_with_a_user_is_left_alone(composition: Composition, api: Api) -> None:
    await api.as_user("anna").token()
    with pytest.raises(DemoError, match="users_account"):
        await fill_demo(composition, 1, ProbeTimeout())
    assert (await api.get("/articles")).json()["articlesCount"] == 0


async def test_a_demonstration_leaves_the_schema_as_it_was(composition: Composition) -> None:
    before = await indexes(composition.database)
    await fill_demo(composition, 1, ProbeTimeout())
    assert await indexes(composition.database) == before


async def test_a_part_that_cannot_be_made_says_which_and_what_to_do(composition: Composition) -> None:
    async def fail(_container: object, _demo: Demo) -> None:
        raise Unavailable("database", "is full")

    broken = Module(name="broken", container=ModuleContainer, demo=fail)
    containers = {**composition.containers, "broken": ModuleContainer()}
    with pytest.raises(DemoError, match="database is full while broken made its part: remove"):
        await fill_demo(
            replace(composition, modules=[*composition.modules, broken], containers=containers),
            1,
            ProbeTimeout(),
        )
    assert "ix_articles_article_created_at_id" in await indexes(composition.database)


async def test_counters_equal_the_rows_that_they_count(
    composition: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In several batches, of which the later ones add to what the earlier ones have counted.
    monkeypatch.setattr("modules.articles.demo.articles.TOGETHER", 25)
    await fill_demo(composition, ARTICLES, ProbeTimeout())
    async with composition.database.connection() as connection:
        for counter, rows in COUNTERS.items():
            counted = (await connection.execute(text(counter))).all()
            assert counted, counter
            assert sorted(counted) == sorted((await connection.execute(text(rows))).all()), counter


async def test_a_module_that_has_no_part_is_passed_over(composition: Composition) -> None:
    silent = Module(name="silent", container=ModuleContainer)
    demo = await fill_demo(replace(composition, modules=[silent]), 1, ProbeTimeout())
    assert demo.made == {}
