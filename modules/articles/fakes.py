"""The contract of articles in memory, for tests of modules that need it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from modules.articles.contracts import ArticleContent, ArticleId, ArticlePreview
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import NOON, AmbientUnitOfWork
from modules.profiles.contracts import ProfileReader


@dataclass(frozen=True, slots=True)
class _Article:
    slug: str
    author: UserId
    title: str
    description: str
    tags: Sequence[str]
    body: str
    at: datetime
    edited_at: datetime | None = None
    favorited_by: set[UserId] = field(default_factory=set)


class FakeArticleDirectory:
    """Knows the articles that were added to it. What is added or removed stays so: nothing rolls it back.

    Holds articles in the given transactions, and takes their authors' profiles from the given reader.
    """

    def __init__(self, unit_of_work: AmbientUnitOfWork, profiles: ProfileReader) -> None:
        self._unit_of_work = unit_of_work
        self._profiles = profiles
        self._articles: dict[ArticleId, _Article] = {}
        self._latest = 0

    def add(  # noqa: PLR0913 - each test says what matters to it, and the rest has defaults
        self,
        slug: str,
        *,
        author: UserId,
        title: str = "Dragons",
        description: str = "On dragons",
        tags: Sequence[str] = (),
        body: str = "It burns.",
        at: datetime = NOON,
    ) -> ArticleId:
        """Let there be an article, published at this time, and return the new id."""
        self._latest += 1
        article = _Article(slug, author, title, description, tags, body, at)
        self._articles[ArticleId(self._latest)] = article
        return ArticleId(self._latest)

    def edit(self, article: ArticleId, *, title: str, at: datetime) -> None:
        """Let the author give an article another title, at this time. The slug stays; no event is told."""
        self._articles[article] = replace(self._articles[article], title=title, edited_at=at)

    def favorite(self, article: ArticleId, user: UserId) -> None:
        """Let a user favorite an article."""
        self._articles[article].favorited_by.add(user)

    async def remove(self, article: ArticleId) -> None:
        """Let an article be gone, when no other transaction holds it any more. No event is told."""
        async with self._unit_of_work.transaction():
            del self._articles[article]

    async def ids(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        """Return the ids of those of the articles that exist, by slug."""
        return {article.slug: id_ for id_, article in self._articles.items() if article.slug in slugs}

    async def lock(self, slugs: Collection[str]) -> Mapping[str, ArticleId]:
        """Return what `ids` returns, and keep these articles from being deleted meanwhile."""
        # Nothing to do for that: `remove` waits for its own transaction.
        self._unit_of_work.require_transaction()
        return await self.ids(slugs)

    async def lock_authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        """Return who wrote those of the articles that exist, and hold these as `lock` does."""
        self._unit_of_work.require_transaction()
        return {id_: self._articles[id_].author for id_ in ids if id_ in self._articles}

    async def previews(
        self, ids: Collection[ArticleId], viewer: UserId | None
    ) -> Mapping[ArticleId, ArticlePreview]:
        """Return those of the articles that exist, by id, as the viewer sees them."""
        found = {id_: self._articles[id_] for id_ in ids if id_ in self._articles}
        authors = await self._profiles.profiles({article.author for article in found.values()}, viewer)
        return {
            id_: ArticlePreview(
                slug=article.slug,
                title=article.title,
                description=article.description,
                tag_list=tuple(article.tags),
                created_at=article.at,
                updated_at=article.edited_at or article.at,
                favorited=viewer in article.favorited_by,
                favorites_count=len(article.favorited_by),
                author=authors[article.author],
            )
            for id_, article in found.items()
        }

    async def contents(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, ArticleContent]:
        """Return those of the articles that exist, by id, with their bodies."""
        found = {id_: self._articles[id_] for id_ in ids if id_ in self._articles}
        authors = await self._profiles.profiles({article.author for article in found.values()}, None)
        return {
            id_: ArticleContent(
                slug=article.slug,
                title=article.title,
                description=article.description,
                body=article.body,
                tag_list=tuple(article.tags),
                created_at=article.at,
                updated_at=article.edited_at or article.at,
                author_id=article.author,
                author=authors[article.author].username,
            )
            for id_, article in found.items()
        }

    async def newest(
        self, limit: int, *, tag: str | None = None, author: str | None = None
    ) -> Sequence[ArticleId]:
        """Return the newest articles, newest first: of all, or with this tag and by this username."""
        authors = None if author is None else set((await self._profiles.by_username({author})).values())
        found = [
            (article.at, id_)
            for id_, article in self._articles.items()
            if (tag is None or tag in article.tags) and (authors is None or article.author in authors)
        ]
        return [id_ for _, id_ in sorted(found, reverse=True)[:limit]]

    async def all_ids(self) -> Sequence[ArticleId]:
        """Return every article, the oldest first."""
        return [id_ for _, id_ in sorted((article.at, id_) for id_, article in self._articles.items())]
