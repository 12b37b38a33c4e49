"""Timestamps and order with a stopped clock."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from conduit_app.composition import Composition, SharedServices, compose, resolve_order
from conduit_app.discovery import discover
from conduit_app.settings import Settings
from modules.kernel.domain.clock import truncate_to_ms
from modules.kernel.infrastructure.persistence.database import Database
from tests.client import Api
from tests.conftest import SECRET


@dataclass(frozen=True, slots=True)
class StoppedClock:
    """A clock that always returns the same time."""

    moment: datetime

    def now(self) -> datetime:
        """Return the fixed time."""
        return self.moment


@pytest.fixture
async def composition(settings: Settings) -> AsyncIterator[Composition]:
    """Return a composition with a stopped clock."""
    clock = StoppedClock(truncate_to_ms(datetime.now(UTC)))
    database = Database(settings.database_url)
    yield compose(resolve_order(discover()), SharedServices(database, (SECRET,), clock))
    await database.dispose()


async def test_updates_within_one_millisecond_increase_updated_at(api: Api) -> None:
    article = await api.as_user("jake").publish()
    stamps = [article["updatedAt"]]
    for body in ("They fly.", "They fly high.", "They land."):
        path = f"/articles/{article['slug']}"
        response = await api.as_user("jake").put(path, {"article": {"body": body}})
        stamps.append(response.json()["article"]["updatedAt"])
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize("path", ["/articles", "/articles/feed"])
async def test_articles_of_one_millisecond_are_listed_newest_first(api: Api, path: str) -> None:
    for title, author in (("First", "jake"), ("Second", "lena"), ("Third", "jake"), ("Fourth", "lena")):
        await api.as_user(author).publish(title)
        await api.as_user("anna").follow(author)
    articles = (await api.as_user("anna").get(path)).json()["articles"]
    assert len({article["createdAt"] for article in articles}) == 1
    assert [article["title"] for article in articles] == ["Fourth", "Third", "Second", "First"]


async def test_comments_of_one_millisecond_are_listed_newest_first(api: Api) -> None:
    article = await api.as_user("jake").publish()
    for body in ("First", "Second", "Third"):
        await api.as_user("jake").comment(article, body)
    comments = (await api.get(f"/articles/{article['slug']}/comments")).json()["comments"]
    assert [comment["body"] for comment in comments] == ["Third", "Second", "First"]
