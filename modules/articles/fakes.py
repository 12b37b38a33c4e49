"""In-memory fakes of the contracts of articles, for tests of other modules."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from modules.articles.contracts import ArticleContent, ArticleId, ArticlePreview
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import NOON, AmbientUnitOfWork
from modules.profiles.contracts import Profile, ProfileReader

FIRST_USER = UserId(1)


@dataclass(frozen=True, slots=True)
class _Article:
    slug: str
    author_id: UserId
    title: str
    description: str
    tags: Sequence[str]
    body: str
    created_at: datetime
    edited_at: datetime | None = None
    old_slugs: tuple[str, ...] = ()
    favorited_by: set[UserId] = field(default_factory=set)
    seen_by: Collection[UserId] | None = None

    def is_visible_to(self, viewer: UserId | None) -> bool:
        return self.seen_by is None or viewer == self.author_id or viewer in self.seen_by


class FakeArticleDirectory:
    """An article directory in memory. Its changes are not rolled back.

    It locks articles with the given unit of work, and reads authors' profiles from the given reader;
    without one, the author with the id 7 is called user7.
    """

    def __init__(self, unit_of_work: AmbientUnitOfWork, profiles: ProfileReader | None = None) -> None:
        self._unit_of_work = unit_of_work
        self._profiles = profiles
        self._articles: dict[ArticleId, _Article] = {}
        self._last_id = 0

    def add(  # noqa: PLR0913 - each test passes what matters to it; the rest has defaults
        self,
        slug: str,
        *,
        author: UserId = FIRST_USER,
        title: str = "Dragons",
        description: str = "On dragons",
        tags: Sequence[str] = (),
        body: str = "It burns.",
        at: datetime = NOON,
    ) -> ArticleId:
        """Add an article published at this time, and return its id."""
        self._last_id += 1
        article = _Article(slug, author, title, description, tags, body, at)
        self._articles[ArticleId(self._last_id)] = article
        return ArticleId(self._last_id)

    def edit(self, article_id: ArticleId, *, title: str, at: datetime) -> None:
        """Change the title of an article at this time. The slug stays; no event is published."""
        self._articles[article_id] = replace(self._articles[article_id], title=title, edited_at=at)

    def change_slug(self, article_id: ArticleId, slug: str) -> None:
        """Give an article another slug. Its old one still finds it; no event is published."""
        article = self._articles[article_id]
        old_slugs = (*article.old_slugs, article.slug)
        self._articles[article_id] = replace(article, slug=slug, old_slugs=old_slugs)

    def favorite(self, article_id: ArticleId, user_id: UserId) -> None:
        """Add an article to a user's favorites."""
        self._articles[article_id].favorited_by.add(user_id)

    def restrict(self, article_id: ArticleId, *, seen_by: Collection[UserId] = ()) -> None:
        """Restrict an article to its author and these users. No event is published."""
        self._articles[article_id] = replace(self._articles[article_id], seen_by=seen_by)

    def make_public(self, article_id: ArticleId) -> None:
        """Lift the restriction of an article. No event is published."""
        self._articles[article_id] = replace(self._articles[article_id], seen_by=None)

    async def remove(self, article_id: ArticleId) -> None:
        """Delete an article, once no other transaction has locked it. No event is published."""
        async with self._unit_of_work.transaction():
            del self._articles[article_id]

    async def ids(self, slugs: Collection[str], viewer: UserId | None = None) -> Mapping[str, ArticleId]:
        return {
            slug: id_
            for id_, article in self._visible(viewer).items()
            for slug in (article.slug, *article.old_slugs)
            if slug in slugs
        }

    async def lock(self, slugs: Collection[str], viewer: UserId | None = None) -> Mapping[str, ArticleId]:
        # The open transaction is the lock: `remove` waits for one of its own.
        self._unit_of_work.require_transaction()
        return await self.ids(slugs, viewer)

    async def lock_authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        self._unit_of_work.require_transaction()
        return await self.authors(ids)

    async def authors(self, ids: Collection[ArticleId]) -> Mapping[ArticleId, UserId]:
        return {id_: self._articles[id_].author_id for id_ in ids if id_ in self._articles}

    async def previews(
        self, ids: Collection[ArticleId], viewer: UserId | None
    ) -> Mapping[ArticleId, ArticlePreview]:
        articles = {id_: article for id_, article in self._visible(viewer).items() if id_ in ids}
        authors = await self._authors(articles.values(), viewer)
        return {
            id_: ArticlePreview(
                slug=article.slug,
                title=article.title,
                description=article.description,
                tag_list=tuple(article.tags),
                created_at=article.created_at,
                updated_at=article.edited_at or article.created_at,
                favorited=viewer in article.favorited_by,
                favorites_count=len(article.favorited_by),
                author=authors[article.author_id],
            )
            for id_, article in articles.items()
            if article.author_id in authors
        }

    async def contents(
        self, ids: Collection[ArticleId], *, max_body_length: int
    ) -> Mapping[ArticleId, ArticleContent]:
        articles = {id_: article for id_, article in self._visible(None).items() if id_ in ids}
        authors = await self._authors(articles.values(), None)
        return {
            id_: ArticleContent(
                slug=article.slug,
                title=article.title,
                description=article.description,
                body=article.body[:max_body_length],
                tag_list=tuple(article.tags),
                created_at=article.created_at,
                updated_at=article.edited_at or article.created_at,
                author_id=article.author_id,
                author=authors[article.author_id].username,
            )
            for id_, article in articles.items()
            if article.author_id in authors
        }

    async def hidden(self, ids: Collection[ArticleId], viewer: UserId | None) -> Collection[ArticleId]:
        visible = self._visible(viewer)
        return {id_ for id_ in ids if id_ in self._articles and id_ not in visible}

    def _visible(self, viewer: UserId | None) -> Mapping[ArticleId, _Article]:
        return {id_: article for id_, article in self._articles.items() if article.is_visible_to(viewer)}

    async def _authors(
        self, articles: Collection[_Article], viewer: UserId | None
    ) -> Mapping[UserId, Profile]:
        ids = {article.author_id for article in articles}
        if self._profiles is None:
            return {id_: Profile(_default_name(id_), None, None, following=False) for id_ in ids}
        return await self._profiles.profiles(ids, viewer)

    async def newest(
        self, limit: int, *, tag: str | None = None, author: str | None = None
    ) -> Sequence[ArticleId]:
        authors = None if author is None else await self._ids_of(author)
        matching = [
            (article.created_at, id_)
            for id_, article in self._visible(None).items()
            if (tag is None or tag in article.tags) and (authors is None or article.author_id in authors)
        ]
        return [id_ for _, id_ in sorted(matching, reverse=True)[:limit]]

    async def _ids_of(self, author: str) -> Collection[UserId]:
        if self._profiles is None:
            ids = {article.author_id for article in self._articles.values()}
            return {id_ for id_ in ids if _default_name(id_) == author}
        return set((await self._profiles.by_username({author})).values())

    async def all_ids(self) -> Sequence[ArticleId]:
        return [
            id_
            for _, id_ in sorted((article.created_at, id_) for id_, article in self._visible(None).items())
        ]


class FakeArticleRestrictions:
    """Restrictions in memory, of the articles in a fake directory. No event is published.

    A restricted article is visible to its author only: the fake knows no audiences.
    """

    def __init__(self, articles: FakeArticleDirectory) -> None:
        self._articles = articles
        self._audiences: dict[tuple[ArticleId, str], str] = {}

    async def restrict(self, ids: Collection[ArticleId], policy: str, audience: str) -> None:
        for article_id in await self._articles.authors(ids):
            self._audiences[article_id, policy] = audience
            self._articles.restrict(article_id)

    async def lift(self, ids: Collection[ArticleId], policy: str) -> None:
        for article_id in await self._articles.authors(ids):
            lifted = self._audiences.pop((article_id, policy), None)
            if lifted is not None and all(article_id != id_ for id_, _ in self._audiences):
                self._articles.make_public(article_id)

    async def restricted(self, ids: Collection[ArticleId], policy: str) -> Mapping[ArticleId, str]:
        return {id_: self._audiences[id_, policy] for id_ in ids if (id_, policy) in self._audiences}


def _default_name(author: UserId) -> str:
    return f"user{author}"
