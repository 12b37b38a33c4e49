"""Notifications with fakes of the modules that it needs, and a client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from conduit_devtools.testkit import ModuleTestApp, boot_module
from conduit_notifications.module import MODULE
from modules.articles.contracts import ArticleDirectory, ArticleFavorited, ArticleId
from modules.articles.fakes import FakeArticleDirectory
from modules.comments.contracts import CommentAdded
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.fakes import NOON, FakeClock, FakeTokenVerifier
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.contracts import ProfileReader
from modules.profiles.fakes import FakeProfileReader
from modules.users.contracts import UserDirectory
from modules.users.fakes import FakeUserDirectory

Json = dict[str, Any]


@dataclass
class Context:
    """Notifications with fakes of the modules that it needs, a client, and the author jake."""

    module: ModuleTestApp
    client: httpx2.AsyncClient
    articles: FakeArticleDirectory
    directory: FakeUserDirectory
    profiles: FakeProfileReader
    tokens: FakeTokenVerifier
    clock: FakeClock
    users: dict[str, UserId] = field(default_factory=dict)
    comments: int = 0

    def reset(self) -> "Context":
        """Return a context of the same module that creates new users and articles."""
        self.clock.at = NOON
        return replace(self, users={}, comments=0)

    def user(self, name: str) -> UserId:
        """Return this user's id; the user is created on first use."""
        if name not in self.users:
            self.users[name] = self.profiles.add(name)
            assert self.directory.add(name) == self.users[name]
        return self.users[name]

    def article(self, slug: str) -> ArticleId:
        """Create an article by jake."""
        return self.articles.add(slug, author=self.user("jake"), title=slug.title())

    def advance(self, minutes: int) -> None:
        """Advance the clock."""
        self.clock.at += timedelta(minutes=minutes)

    async def favorite(self, article: ArticleId, name: str) -> None:
        """Favorite an article as this user."""
        await self.module.publish(ArticleFavorited(article, self.user(name)))

    async def comment(self, article: ArticleId, name: str) -> None:
        """Comment on an article as this user."""
        self.comments += 1
        await self.module.publish(CommentAdded(article, self.comments, self.user(name)))

    def token(self, name: str) -> str:
        """Return a new token of this user."""
        return self.tokens.issue(self.user(name))

    async def call(self, method: str, path: str, name: str | None = None) -> httpx2.Response:
        """Send a request as this user, or anonymously."""
        headers = {} if name is None else {"Authorization": f"Token {self.token(name)}"}
        return await self.client.request(method, f"/api{path}", headers=headers)

    async def page(self, name: str, query: str = "") -> Json:
        """Return a page of this user's notifications."""
        response = await self.call("GET", f"/notifications{query}", name)
        assert response.status_code == 200, response.text
        page: Json = response.json()
        return page

    async def summaries(self, name: str, query: str = "") -> list[str]:
        """Return this user's notifications as "actor kind slug"."""
        return [
            f"{entry['actor']['username']} {entry['kind']} {entry['article']['slug']}"
            for entry in (await self.page(name, query))["notifications"]
        ]


@asynccontextmanager
async def open_context(folder: Path) -> AsyncIterator[Context]:
    """Open a context on a database file, which other processes can share."""
    database, clock = Database(f"sqlite+aiosqlite:///{folder}/notifications.db"), FakeClock()
    profiles, tokens = FakeProfileReader(), FakeTokenVerifier()
    articles, directory = FakeArticleDirectory(database, profiles), FakeUserDirectory(database)
    offers: dict[type, object] = {
        UserDirectory: directory,
        ArticleDirectory: articles,
        ProfileReader: profiles,
        TokenVerifier: tokens,
    }
    async with boot_module(MODULE, offers, database=database, clock=clock) as module:
        transport = httpx2.ASGITransport(module.application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Context(module, client, articles, directory, profiles, tokens, clock)
