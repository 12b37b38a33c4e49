"""What other modules may know of articles."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NewType, Protocol, runtime_checkable

from modules.kernel.domain.events import Event
from modules.kernel.domain.identity import UserId
from modules.profiles.contracts import Profile

ArticleId = NewType("ArticleId", int)


@dataclass(frozen=True, slots=True)
class ArticlePublished(Event):
    """There is a new article."""

    article_id: int


@dataclass(frozen=True, slots=True)
class ArticleEdited(Event):
    """An article's author has changed it."""

    article_id: int


@dataclass(frozen=True, slots=True)
class ArticleDeleted(Event):
    """An article is gone; whoever keeps something about it lets go of it."""

    article_id: int


@dataclass(frozen=True, slots=True)
class ArticleFavorited(Event):
    """A user favorites an article, who did not before."""

    article_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class ArticlePreview:
    """An article as lists show it to one viewer: without its body."""

    slug: str
    title: str
    description: str
    tag_list: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    favorited: bool
    favorites_count: int
    author: Profile


@dataclass(frozen=True, slots=True)
class ArticleContent:
    """An article as it was written, whoever looks at it."""

    slug: str
    title: str
    description: str
    body: str
    tag_list: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    author_id: UserId
    author: str
    """The author's username."""


@runtime_checkable
class ArticleDirectory(Protocol):
    """Looks articles up."""

    async def ids(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        """Return the ids of those of the articles that exist, by slug."""
        ...

    async def lock(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        """Return what `ids` returns, and keep these articles from being deleted meanwhile.

        Until the open transaction ends, that is: what is written about them by then is still there
        when `ArticleDeleted` is told. Raises `RuntimeError` when no transaction is open.
        """
        ...

    async def lock_authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        """Return who wrote those of the articles that exist, by id, and hold these as `lock` does.

        Raises `RuntimeError` when no transaction is open.
        """
        ...

    async def previews(
        self, ids: Collection[ArticleId], viewer: UserId | None
    ) -> Mapping[ArticleId, ArticlePreview]:
        """Return those of the articles that exist, by id, as the viewer sees them."""
        ...

    async def contents(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, ArticleContent]:
        """Return those of the articles that exist, by id, with their bodies."""
        ...

    async def newest(
        self, limit: int, *, tag: str | None = None, author: str | None = None
    ) -> Sequence[ArticleId]:
        """Return the newest articles, newest first: of all, or with this tag and by this username."""
        ...

    async def all_ids(self) -> Sequence[ArticleId]:
        """Return every article, the oldest first."""
        ...
