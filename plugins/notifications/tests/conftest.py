"""Notifications by itself, on fakes of the modules that it needs."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from notifications_scene import Scene

from conduit_app.testkit import module_alone
from conduit_notifications.module import MODULE
from modules.articles.contracts import ArticleDirectory
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.fakes import FakeClock, FakeTokenVerifier
from modules.kernel.infrastructure.database import Database
from modules.profiles.contracts import ProfileReader
from modules.profiles.fakes import FakeProfileReader


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Return a scene on a database in a file, which other processes could have, too."""
    database, clock = Database(f"sqlite+aiosqlite:///{tmp_path}/notifications.db"), FakeClock()
    profiles, tokens = FakeProfileReader(), FakeTokenVerifier()
    articles = FakeArticleDirectory(database, profiles)
    offers: dict[type, object] = {
        ArticleDirectory: articles,
        ProfileReader: profiles,
        TokenVerifier: tokens,
    }
    async with module_alone(MODULE, offers, database=database, clock=clock) as alone:
        transport = httpx2.ASGITransport(alone.application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Scene(alone, client, articles, profiles, tokens, clock)
