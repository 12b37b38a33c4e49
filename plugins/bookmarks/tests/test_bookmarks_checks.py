"""The consistency checks of bookmarks."""

from pathlib import Path

from conduit_app.migrations.runner import migrate
from conduit_bookmarks.infrastructure.bookmarks import SqlBookmarks
from conduit_bookmarks.infrastructure.checks import consistency_checks
from conduit_bookmarks.module import MODULE
from modules.articles.contracts import ArticleId
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.fakes import FakeProfileReader

MISSING_ARTICLE, MISSING_USER = ArticleId(404), UserId(404)


async def test_bookmarks_of_missing_articles_and_users_are_found_and_deleted(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/bookmarks.db")
    await migrate(database, [MODULE])
    profiles, bookmarks = FakeProfileReader(), SqlBookmarks(database)
    articles, anna = FakeArticleDirectory(database, profiles), profiles.add("anna")
    dragons = articles.add("dragons", author=anna)
    for reader, article_id in ((anna, dragons), (anna, MISSING_ARTICLE), (MISSING_USER, dragons)):
        await bookmarks.add(reader, article_id, NOON)

    checks = consistency_checks(database, articles, profiles)
    found = [difference.text for check in checks async for difference in check.differences()]
    assert found == ["article 404: 1", "user 404: 1"]
    assert [await check.repair() for check in checks] == [1, 1]
    assert [difference for check in checks async for difference in check.differences()] == []
    assert (len(await bookmarks.newest(anna)), await bookmarks.newest(MISSING_USER)) == (1, [])
    await database.dispose()
