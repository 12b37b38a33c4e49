"""The read model of articles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from modules.articles.contracts import ArticleId, ArticlePreview
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, Position
from modules.kernel.domain.views import view_class

MAX_LISTED_TAGS = 1_000
"""The number of tags in a list: anyone may invent tags, and all of them would be megabytes."""


@view_class
class ArticleView(ArticlePreview):
    """An article with its body, as one viewer sees it."""

    body: str


@view_class
class ArticleList:
    """A page of articles, newest first, with the total count and the position of the next page."""

    articles: Sequence[ArticlePreview]
    articles_count: int
    next: Position | None = None


@dataclass(frozen=True, slots=True)
class Criteria:
    """The filters of a list; an article must match all that are set. Users are given by username."""

    tag: str | None = None
    author: str | None = None
    favorited: str | None = None


class ArticleReader(Protocol):
    """Reads articles as one viewer, or an anonymous one, sees them."""

    async def article(self, slug: str, viewer: UserId | None) -> ArticleView:
        """Return the article that has or had this slug; raise `ArticleNotFound`."""
        ...

    async def article_by_id(self, article_id: ArticleId, viewer: UserId | None) -> ArticleView:
        """Return the article with this id; raise `ArticleNotFound`."""
        ...

    async def articles(self, criteria: Criteria, page: PageRequest, viewer: UserId | None) -> ArticleList:
        """Return a page of the articles that match the criteria; an unknown username matches none."""
        ...

    async def feed(self, reader_id: UserId, page: PageRequest) -> ArticleList:
        """Return a page of the articles by the users whom the reader follows."""
        ...

    async def tags(self) -> Sequence[str]:
        """Return the most used tags, up to `MAX_LISTED_TAGS`, most used first."""
        ...
