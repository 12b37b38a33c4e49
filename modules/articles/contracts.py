"""The contract of articles: what other modules may import."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NewType, Protocol, runtime_checkable

from modules.kernel.domain.events import Event
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.views import view_class
from modules.profiles.contracts import Profile

CONTRACT_VERSION = "1.1"

ArticleId = NewType("ArticleId", int)

MAX_DELETED_ARTICLES = 500
MAX_RESTRICTED_ARTICLES = 500


@dataclass(frozen=True, slots=True)
class ArticlePublished(Event):
    """An article was published."""

    article_id: int


@dataclass(frozen=True, slots=True)
class ArticleEdited(Event):
    """An article was edited by its author."""

    article_id: int


@dataclass(frozen=True, slots=True)
class ArticlesDeleted(Event):
    """Articles of one author were deleted. Subscribers must delete their data about them.

    One event has at most `MAX_DELETED_ARTICLES`: many articles are deleted with their author's account.
    """

    author_id: int
    article_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArticlesRestricted(Event):
    """Public articles were restricted: not everyone sees them any more.

    One event has at most `MAX_RESTRICTED_ARTICLES`.
    """

    first_article_id: int
    """As the aggregate: that of a policy would be one queue."""

    article_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArticlesMadePublic(Event):
    """The last restrictions of articles were lifted: everyone sees them.

    One event has at most `MAX_RESTRICTED_ARTICLES`.
    """

    first_article_id: int
    article_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArticleFavorited(Event):
    """A user favorited an article. Favoriting it again publishes nothing."""

    article_id: int
    user_id: int


@view_class
class ArticlePreview:
    """An article in a list, as one viewer sees it: without its body."""

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
    """A public article with its body, or the beginning of it."""

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
    """Read access to articles for other modules.

    Methods with a viewer omit the articles that the viewer does not see. An anonymous viewer sees the public
    ones: those that no `ArticleRestrictions` restrict. The others return public articles, except `authors`
    and `lock_authors`: what exists need not be visible.
    """

    async def ids(self, slugs: Collection[str], viewer: UserId | None = None) -> Mapping[str, ArticleId]:
        """Return the ids of the visible articles, by the given slugs, which they have or had before."""
        ...

    async def lock(self, slugs: Collection[str], viewer: UserId | None = None) -> Mapping[str, ArticleId]:
        """Return what `ids` returns, and lock these articles against deletion.

        The lock is released when the open transaction ends. Rows about the articles that it inserts are
        visible to the subscribers of `ArticlesDeleted`. Raises `RuntimeError` when no transaction is open.
        """
        ...

    async def lock_authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        """Return the author ids of the existing articles, by id, and lock the articles as `lock` does.

        Raises `RuntimeError` when no transaction is open.
        """
        ...

    async def authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        """Return the author ids of the existing articles, by id."""
        ...

    async def previews(
        self, ids: Collection[ArticleId], viewer: UserId | None
    ) -> Mapping[ArticleId, ArticlePreview]:
        """Return the visible articles, by id, as the viewer sees them."""
        ...

    async def hidden(self, ids: Collection[ArticleId], viewer: UserId | None) -> Collection[ArticleId]:
        """Return those of the existing articles that the viewer does not see."""
        ...

    async def contents(
        self, ids: Collection[ArticleId], *, max_body_length: int
    ) -> Mapping[ArticleId, ArticleContent]:
        """Return the public articles, by id, with the first `max_body_length` characters of their bodies.

        A body has up to 500,000: pass few ids, or a small maximum.
        """
        ...

    async def newest(
        self, limit: int, *, tag: str | None = None, author: str | None = None
    ) -> Sequence[ArticleId]:
        """Return the ids of the newest public articles, newest first, by tag and by author's username."""
        ...

    async def all_ids(self) -> Sequence[ArticleId]:
        """Return the ids of all public articles, oldest first."""
        ...


@runtime_checkable
class ArticleRestrictions(Protocol):
    """Restricts who sees articles, by the policies of other modules.

    A restricted article is visible to its author, and to users in the audience of each of its restrictions.
    For everyone else it does not exist. A policy has the name of its module, whose manifest says which of
    the policy's audiences a user is in: see `AudienceSource`.

    Restrict or lift all articles of a transaction in one call, and late: the counts that it changes are
    locked until the commit. Those of a new article already are when a handler of `ArticlePublished` runs.
    """

    async def restrict(self, ids: Collection[ArticleId], policy: str, audience: str) -> None:
        """Restrict the existing articles to an audience of the policy, which replaces its earlier one.

        Publishes `ArticlesRestricted` about those that were public.
        """
        ...

    async def lift(self, ids: Collection[ArticleId], policy: str) -> None:
        """Lift the restrictions of these articles by the policy, if there are any.

        Publishes `ArticlesMadePublic` about those that have no other restriction.
        """
        ...

    async def restricted(self, ids: Collection[ArticleId], policy: str) -> Mapping[ArticleId, str]:
        """Return the audiences, by id, to which the policy restricts articles."""
        ...
