"""A database that cannot be written to is a 503 (RFC 9110, 15.6.4); reads go on, and writing recovers."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.client import Api
from tests.conftest import AppInstance, running_app, settings_on


@pytest.fixture
async def app_instance(migrated: Path, tmp_path: Path) -> AsyncIterator[AppInstance]:
    """Return a Conduit on a file without room: what larger tests leave free in theirs could be filled."""
    settings = settings_on(Path(shutil.copy(migrated, tmp_path / "conduit.db")))
    async with running_app(settings, lambda: None) as app_instance:
        yield app_instance


async def pragma(app_instance: AppInstance, setting: str) -> None:
    """Set something on the one connection that writes."""
    writer, _ = app_instance.composition.database.engines
    async with writer.connect() as connection:
        pooled: Any = await connection.get_raw_connection()
        # Not in a transaction: it could not begin.
        pooled.dbapi_connection.driver.execute(f"PRAGMA {setting}")


# What SQLite says of a file that is read-only, and of a disk that is full: SQLITE_READONLY, SQLITE_FULL.
@pytest.mark.parametrize(
    ("broken", "mended"),
    [("query_only=ON", "query_only=OFF"), ("max_page_count=1", "max_page_count=1073741823")],
    ids=["read-only", "full"],
)
async def test_writing_is_refused_until_it_is_possible_again(
    app_instance: AppInstance, broken: str, mended: str
) -> None:
    api = Api(app_instance.application)
    jake = api.as_user("jake")
    article = await jake.publish("Before")
    await pragma(app_instance, broken)
    try:
        large = {"article": {"title": "Large", "description": "Of many pages", "body": "x" * 400_000}}
        refused = [await jake.post("/articles", large) for _ in range(2)]
        read = await api.get(f"/articles/{article['slug']}")
    finally:
        await pragma(app_instance, mended)
    for response in refused:
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        assert response.json() == {"errors": {"database": ["is not available"]}}
    assert read.json()["article"]["slug"] == "before"
    assert (await jake.post("/articles", large)).status_code == 201
    assert (await api.get("/articles")).json()["articlesCount"] == 2
