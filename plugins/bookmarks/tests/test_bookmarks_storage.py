"""The bookmark repository, on a migrated SQLite file."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect

from conduit_app.migrations.runner import check_models, downgrade, migrate
from conduit_bookmarks.domain.reading_list import ReadingList
from conduit_bookmarks.infrastructure.bookmarks import SqlBookmarks
from conduit_bookmarks.module import MODULE
from modules.articles.contracts import ArticleId
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.fakes import NOON, FakeClock, StatementRecorder
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.fakes import FakeProfileReader

ANNA = UserId(7)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/bookmarks.db")
    await migrate(database, [MODULE])
    yield database
    await database.dispose()


async def test_migrations_match_models_and_are_reversible(database: Database) -> None:
    await check_models(database, MODULE)
    await downgrade(database, MODULE)
    async with database.connection() as connection:
        assert await connection.run_sync(_tables) == {"bookmarks_alembic_version"}
    await migrate(database, [MODULE])
    await check_models(database, MODULE)


async def test_concurrently_added_bookmark_is_stored_once(database: Database) -> None:
    bookmarks = SqlBookmarks(database)
    await asyncio.gather(*(bookmarks.add(ANNA, ArticleId(1), NOON) for _ in range(10)))
    assert await bookmarks.newest(ANNA) == [1]


async def test_page_takes_a_constant_number_of_statements(database: Database) -> None:
    articles = FakeArticleDirectory(database, profiles := FakeProfileReader())
    reading_list = ReadingList(database, SqlBookmarks(database), articles, FakeClock())
    jake = profiles.add("jake")
    statements = _count_statements(database)

    articles.add("article-1", author=jake)
    await reading_list.add("article-1", ANNA)
    statements.clear()
    assert len((await reading_list.articles(ANNA, PageRequest())).articles) == 1
    statements_for_one = len(statements)

    for number in range(2, 21):
        articles.add(f"article-{number}", author=jake)
        await reading_list.add(f"article-{number}", ANNA)
    statements.clear()
    assert len((await reading_list.articles(ANNA, PageRequest())).articles) == 20
    assert len(statements) == statements_for_one == 1


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _count_statements(database: Database) -> list[str]:
    recorder = StatementRecorder()
    database.observers.append(recorder)
    return recorder.statements
