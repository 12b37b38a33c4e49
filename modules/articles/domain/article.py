"""The article, what can be wrong with one, and where articles are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from modules.articles.contracts import ArticleId
from modules.articles.domain.values import Body, Description, TagList, Title
from modules.kernel.domain.clock import next_timestamp, to_iso
from modules.kernel.domain.errors import Conflict, Forbidden, NotFound, Stale
from modules.kernel.domain.identity import UserId


class ArticleNotFound(NotFound):
    """No article has this slug."""

    subject = "article"


class StaleArticle(Stale):
    """The article is not the one that the caller has seen."""

    subject = "article"


class NotTheAuthor(Forbidden):
    """Only its author may change or delete an article."""

    subject = "article"


class SlugTaken(Conflict):
    """Every slug that was tried is taken. Chance makes this as good as impossible."""

    subject = "slug"


@dataclass(frozen=True, slots=True)
class Draft:
    """An article that is about to exist."""

    author: UserId
    title: Title
    description: Description
    body: Body
    tags: TagList
    at: datetime


@dataclass(frozen=True, slots=True)
class ArticleChanges:
    """What an author wants changed; None leaves a field as it is."""

    title: Title | None = None
    description: Description | None = None
    body: Body | None = None
    tags: TagList | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """An article as its author may change it."""

    id: ArticleId
    slug: str
    author_id: UserId
    title: str
    description: str
    body: str
    tags: tuple[str, ...]
    created_at: datetime
    updated_at: datetime

    def require_author(self, user: UserId) -> None:
        """Raise `NotTheAuthor` unless this is the author."""
        if user != self.author_id:
            raise NotTheAuthor

    def export_personal_data(self) -> Mapping[str, object]:
        """Return what its author is told of it, as JSON has it."""
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
        """Return the article after these changes. Its slug is given by where it is kept."""
        return replace(
            self,
            title=changes.title.text if changes.title else self.title,
            description=changes.description.text if changes.description else self.description,
            body=changes.body.text if changes.body else self.body,
            tags=self.tags if changes.tags is None else changes.tags.texts,
            updated_at=next_timestamp(self.updated_at, now),
        )


class ArticleRepository(Protocol):
    """Keeps articles and who favorites them."""

    async def add(self, draft: Draft) -> ArticleId:
        """Keep a new article under the first of its title's slugs that is free."""
        ...

    async def get_for_update(self, slug: str) -> Article:
        """Return the article, and keep others from changing it until the transaction ends.

        Raises `ArticleNotFound`.
        """
        ...

    async def by_author(self, author: UserId) -> Sequence[Article]:
        """Return every article of this author's, the oldest first."""
        ...

    async def save(self, article: Article, new_title: Title | None) -> None:
        """Keep a changed article, under another slug if its title is new."""
        ...

    async def remove(self, article: Article) -> None:
        """Forget an article, its tags and who favorites it."""
        ...

    async def add_favorite(self, slug: str, user: UserId) -> tuple[ArticleId, bool]:
        """Keep that this user favorites the article; return the article's id, and whether that is new.

        Raises `ArticleNotFound`.
        """
        ...

    async def remove_favorite(self, slug: str, user: UserId) -> ArticleId:
        """Forget that this user favorites the article, if that is so; return the article's id.

        Raises `ArticleNotFound`.
        """
        ...

    async def delete_favorites_by(self, user: UserId) -> None:
        """Forget all that this user favorites."""
        ...

    async def favorite_slugs_of(self, user: UserId) -> Sequence[str]:
        """Return the slugs of all that this user favorites, in the order of the articles."""
        ...
