"""Writes to a read-only or full database get a 503 (RFC 9110, 15.6.4); reads succeed."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.client import Api
from tests.conftest import AppInstance, running_app, settings_on


@pytest.fixture
async def app_instance(migrated: Path, tmp_path: Path) -> AsyncIterator[AppInstance]:
    """Return an application on a file of its own, without free pages of other tests."""
    settings = settings_on(Path(shutil.copy(migrated, tmp_path / "conduit.db")))
    async with running_app(settings, lambda: None) as app_instance:
        yield app_instance


async def pragma(app_instance: AppInstance, setting: str) -> None:
    """Set a pragma on the write connection."""
    writer = await app_instance.composition.database.pools["write"].acquire()
    raw: Any = await writer.connection.get_raw_connection()
    # Outside a transaction, because none can begin.
    raw.dbapi_connection.driver.execute(f"PRAGMA {setting}")
    writer.release()


# Causes SQLITE_READONLY and SQLITE_FULL.
@pytest.mark.parametrize(
    ("broken", "repaired"),
    [("query_only=ON", "query_only=OFF"), ("max_page_count=1", "max_page_count=1073741823")],
    ids=["read-only", "full"],
)
async def test_writes_get_503_until_the_database_is_writable(
    app_instance: AppInstance, broken: str, repaired: str
) -> None:
    api = Api(app_instance.application)
    jake = api.as_user("jake")
    article = await jake.publish("Before")
    await pragma(app_instance, broken)
    try:
        large = {"article": {"title": "Large", "description": "Of many pages", "body": "x" * 400_000}}
        rejected = [await jake.post("/articles", large) for _ in range(2)]
        read = await api.get(f"/articles/{article['slug']}")
    finally:
        await pragma(app_instance, repaired)
    for response in rejected:
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        assert response.json() == {"errors": {"database": ["is not available"]}}
    assert read.json()["article"]["slug"] == "before"
    assert (await jake.post("/articles", large)).status_code == 201
    assert (await api.get("/articles")).json()["articlesCount"] == 2
