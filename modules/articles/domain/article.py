"""The article, its errors and its repository."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from modules.articles.contracts import ArticleId
from modules.articles.domain.values import Body, Description, TagList, Title, slug_stem
from modules.kernel.domain.clock import next_timestamp, to_iso
from modules.kernel.domain.errors import Conflict, Forbidden, NotFound, Stale
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import Position


class ArticleNotFound(NotFound):
    """No article that the user sees has or had this slug."""

    subject = "article"


class StaleArticle(Stale):
    """The article has been modified since the caller read it."""

    subject = "article"


class NotTheAuthor(Forbidden):
    """Only the author may edit or delete an article."""

    subject = "article"


class SlugTaken(Conflict):
    """All candidate slugs are taken; with a 41-bit random suffix this is practically impossible."""

    subject = "slug"


@dataclass(frozen=True, slots=True)
class Draft:
    """An article to insert."""

    author_id: UserId
    title: Title
    description: Description
    body: Body
    tags: TagList
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ArticleChanges:
    """The changes to an article. None leaves a field unchanged."""

    title: Title | None = None
    description: Description | None = None
    body: Body | None = None
    tags: TagList | None = None

    def title_with_new_stem(self, title: str) -> Title | None:
        """Return the new title if its slug has another stem than that of the present title, else None."""
        if self.title is None or slug_stem(self.title.text) == slug_stem(title):
            return None
        return self.title


@dataclass(frozen=True, slots=True)
class Article:
    """An article."""

    id: ArticleId
    slug: str
    author_id: UserId
    title: str
    description: str
    body: str
    tags: tuple[str, ...]
    created_at: datetime
    updated_at: datetime

    def require_author(self, user_id: UserId) -> None:
        """Raise `NotTheAuthor` unless this user is the author."""
        if user_id != self.author_id:
            raise NotTheAuthor

    def export_personal_data(self) -> Mapping[str, object]:
        """Return the article as JSON for its author's data export."""
        return {
            "slug": self.slug,
            "title": self.title,
            "description": self.description,
            "body": self.body,
            "tagList": list(self.tags),
            "createdAt": to_iso(self.created_at),
            "updatedAt": to_iso(self.updated_at),
        }

    def edited(self, changes: ArticleChanges, now: datetime) -> "Article":
        """Return the article with these changes. The repository changes the slug."""
        return replace(
            self,
            title=changes.title.text if changes.title else self.title,
            description=changes.description.text if changes.description else self.description,
            body=changes.body.text if changes.body else self.body,
            tags=self.tags if changes.tags is None else changes.tags.texts,
            updated_at=next_timestamp(self.updated_at, now),
        )


class ArticleRepository(Protocol):
    """Stores articles and favorites. A slug that an article had before finds it, too."""

    async def add(self, draft: Draft) -> ArticleId:
        """Insert an article with the first slug of its title that no article has or had, and return its id.

        Raises `SlugTaken`.
        """
        ...

    async def get_for_update(self, slug: str, editor_id: UserId) -> Article:
        """Return the article if this user sees it, and lock it until the transaction ends.

        Raises `ArticleNotFound`.
        """
        ...

    async def get_for_removal(self, slug: str) -> Article:
        """Return the article, restricted or not, and lock it as `get_for_update` does."""
        ...

    async def by_author(self, author_id: UserId) -> Sequence[Article]:
        """Return all articles of this author, oldest first."""
        ...

    async def page_by_author(
        self, author_id: UserId, after: Position | None, limit: int
    ) -> Sequence[Article]:
        """Return the first `limit` articles of this author after the position, oldest first."""
        ...

    async def save(self, article: Article, new_title: Title | None) -> None:
        """Update an article. With a new title, it gets the first slug of it that no other article has or had.

        Raises `SlugTaken`.
        """
        ...

    async def delete(self, article: Article) -> None:
        """Delete an article with its tags and favorites."""
        ...

    async def delete_by_user(self, user_id: UserId) -> Sequence[ArticleId]:
        """Delete all articles and favorites of this user, and return the ids of the articles."""
        ...

    async def add_favorite(self, slug: str, user_id: UserId) -> tuple[ArticleId, bool]:
        """Add the article to the user's favorites; return its id, and whether it was not a favorite before.

        Raises `ArticleNotFound`.
        """
        ...

    async def remove_favorite(self, slug: str, user_id: UserId) -> ArticleId:
        """Remove the article from the user's favorites, if it is one; return its id.

        Raises `ArticleNotFound`.
        """
        ...

    async def favorite_slugs_of(self, user_id: UserId) -> Sequence[str]:
        """Return the slugs of this user's favorites that the user sees, oldest article first."""
        ...
