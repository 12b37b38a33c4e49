"""Notifications as its callers see it, and the world around it."""

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

Json = dict[str, Any]


@dataclass
class Scene:
    """Notifications as its callers see it, and the world around it, in which jake writes."""

    alone: ModuleTestApp
    client: httpx2.AsyncClient
    articles: FakeArticleDirectory
    profiles: FakeProfileReader
    tokens: FakeTokenVerifier
    clock: FakeClock
    users: dict[str, UserId] = field(default_factory=dict)
    comments: int = 0

    def anew(self) -> "Scene":
        """Return the same with nobody in it: what happens there happens to users and articles of its own."""
        self.clock.at = NOON
        return replace(self, users={}, comments=0)

    def user(self, name: str) -> UserId:
        """Return this user's id; there is one from now on."""
        if name not in self.users:
            self.users[name] = self.profiles.add(name)
        return self.users[name]

    def article(self, slug: str) -> ArticleId:
        """Let there be an article by jake."""
        return self.articles.add(slug, author=self.user("jake"), title=slug.title())

    def after(self, minutes: int) -> None:
        """Let time pass."""
        self.clock.at += timedelta(minutes=minutes)

    async def favorite(self, article: ArticleId, name: str) -> None:
        """Let this user favorite an article."""
        await self.alone.publish(ArticleFavorited(article, self.user(name)))

    async def comment(self, article: ArticleId, name: str) -> None:
        """Let this user comment on an article."""
        self.comments += 1
        await self.alone.publish(CommentAdded(article, self.comments, self.user(name)))

    def token(self, name: str) -> str:
        """Return a new token of this user."""
        return self.tokens.issue(self.user(name))

    async def call(self, method: str, path: str, name: str | None = None) -> httpx2.Response:
        """Send a request as this user, or as nobody."""
        headers = {} if name is None else {"Authorization": f"Token {self.token(name)}"}
        return await self.client.request(method, f"/api{path}", headers=headers)

    async def inbox(self, name: str, query: str = "") -> Json:
        """Return a page of what this user has."""
        answer = await self.call("GET", f"/notifications{query}", name)
        assert answer.status_code == 200, answer.text
        page: Json = answer.json()
        return page

    async def published(self, name: str, query: str = "") -> list[str]:
        """Return what this user has, in short: who did what to which article."""
        return [
            f"{one['actor']['username']} {one['kind']} {one['article']['slug']}"
            for one in (await self.inbox(name, query))["notifications"]
        ]


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Scene]:
    """Open a scene on a database in a file, which other processes could have, too."""
    database, clock = Database(f"sqlite+aiosqlite:///{folder}/notifications.db"), FakeClock()
    profiles, tokens = FakeProfileReader(), FakeTokenVerifier()
    articles = FakeArticleDirectory(database, profiles)
    offers: dict[type, object] = {
        ArticleDirectory: articles,
        ProfileReader: profiles,
        TokenVerifier: tokens,
    }
    async with boot_module(MODULE, offers, database=database, clock=clock) as alone:
        transport = httpx2.ASGITransport(alone.application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Scene(alone, client, articles, profiles, tokens, clock)
