"""How the parts of a demonstration are put together."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from conduit_app.composition import Composition
from conduit_app.demonstration import DemonstrationError, demonstrate
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.demo import Demo
from modules.kernel.domain.errors import Unavailable
from modules.kernel.module import Module
from tests.client import Api
from tests.conftest import settings as empty
from tests.demo.conftest import Silence

# A database with nothing in it, instead of a demonstration.
settings = empty
SCHEMA = text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")


async def test_modules_make_their_parts_in_the_order_of_their_needs(composition: Composition) -> None:
    demo = await demonstrate(composition, 1, Silence())
    assert list(demo.made) == ["users", "articles"]
    assert len(demo.made["articles"]) == 1


async def test_a_database_with_a_user_is_left_alone(composition: Composition, api: Api) -> None:
    await api.as_user("anna").token()
    with pytest.raises(DemonstrationError, match="users_account"):
        await demonstrate(composition, 1, Silence())
    assert (await api.get("/articles")).json()["articlesCount"] == 0


async def test_a_demonstration_leaves_the_schema_as_it_was(composition: Composition, migrated: Path) -> None:
    await demonstrate(composition, 1, Silence())
    async with composition.database.snapshot() as session:
        after = set(await session.scalars(SCHEMA))
    with closing(sqlite3.connect(migrated)) as before:
        assert after == {statement for (statement,) in before.execute(str(SCHEMA))}


async def test_a_part_that_cannot_be_made_says_which_and_what_to_do(composition: Composition) -> None:
    async def fail(_container: object, _demo: Demo) -> None:
        raise Unavailable("database", "is full")

    broken = Module(name="broken", container=ModuleContainer, demo=fail)
    containers = {**composition.containers, "broken": ModuleContainer()}
    with pytest.raises(DemonstrationError, match="database is full while broken made its part: remove"):
        await demonstrate(
            replace(composition, modules=[*composition.modules, broken], containers=containers), 1, Silence()
        )
    async with composition.database.snapshot() as session:
        assert "ix_articles_article_created_at_id" in "".join(await session.scalars(SCHEMA))


async def test_a_module_that_has_no_part_is_passed_over(composition: Composition) -> None:
    silent = Module(name="silent", container=ModuleContainer)
    demo = await demonstrate(replace(composition, modules=[silent]), 1, Silence())
    assert demo.made == {}
