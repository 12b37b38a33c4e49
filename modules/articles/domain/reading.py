"""What readers see of articles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from modules.articles.contracts import ArticleId, ArticlePreview
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, Position


@dataclass(frozen=True, slots=True)
class ArticleView(ArticlePreview):
    """A whole article as one viewer sees it."""

    body: str


@dataclass(frozen=True, slots=True)
class ArticleList:
    """One page of articles, newest first, how many there are on all pages, and where the next one begins."""

    articles: Sequence[ArticlePreview]
    articles_count: int
    next: Position | None = None


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which articles are wanted; all that is set must hold. Users are named by their usernames."""

    tag: str | None = None
    author: str | None = None
    favorited: str | None = None


class ArticleReader(Protocol):
    """Reads articles as one viewer, or nobody, sees them."""

    async def article(self, slug: str, viewer: UserId | None) -> ArticleView:
        """Return the article; raise `ArticleNotFound` if no article has this slug."""
        ...

    async def article_by_id(self, article: ArticleId, viewer: UserId | None) -> ArticleView:
        """Return the article; raise `ArticleNotFound` if there is none."""
        ...

    async def articles(self, criteria: Criteria, page: PageRequest, viewer: UserId | None) -> ArticleList:
        """Return a page of the articles that meet the criteria; a name that nobody has meets none."""
        ...

    async def feed(self, reader: UserId, page: PageRequest) -> ArticleList:
        """Return a page of the articles by those whom the reader follows."""
        ...

    async def tags(self) -> Sequence[str]:
        """Return the tags in use, the most used first."""
        ...
