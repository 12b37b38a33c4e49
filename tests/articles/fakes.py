"""The ports of articles in memory."""

from collections.abc import Sequence
from dataclasses import replace

from modules.articles.contracts import ArticleId
from modules.articles.domain.article import Article, ArticleNotFound, Draft
from modules.articles.domain.reading import ArticleList, ArticleView, Criteria
from modules.articles.domain.values import Title
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.fakes import FakeUnitOfWork
from modules.profiles.contracts import Profile


class FakeArticles:
    """Keeps articles in a dictionary and shows them: repository and reader in one."""

    def __init__(self, unit_of_work: FakeUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self._latest = 0
        self.kept: dict[ArticleId, Article] = {}
        self.favorites: dict[ArticleId, set[UserId]] = {}

    async def add(self, draft: Draft) -> ArticleId:
        self._unit_of_work.require_transaction()
        self._latest += 1
        key = ArticleId(self._latest)
        self.kept[key] = Article(
            id=key,
            slug=next(draft.title.slugs()),
            author_id=draft.author,
            title=draft.title.text,
            description=draft.description.text,
            body=draft.body.text,
            tags=draft.tags.texts,
            created_at=draft.at,
            updated_at=draft.at,
        )
        self.favorites[key] = set()
        return key

    async def get_for_update(self, slug: str) -> Article:
        self._unit_of_work.require_transaction()
        return self._found(slug)

    async def save(self, article: Article, new_title: Title | None) -> None:
        self._unit_of_work.require_transaction()
        slug = article.slug if new_title is None else next(new_title.slugs())
        self.kept[article.id] = replace(article, slug=slug)

    async def remove(self, article: Article) -> None:
        self._unit_of_work.require_transaction()
        del self.kept[article.id], self.favorites[article.id]

    async def add_favorite(self, slug: str, user: UserId) -> tuple[ArticleId, bool]:
        self._unit_of_work.require_transaction()
        article = self._found(slug)
        is_new = user not in self.favorites[article.id]
        self.favorites[article.id].add(user)
        return article.id, is_new

    async def remove_favorite(self, slug: str, user: UserId) -> ArticleId:
        self._unit_of_work.require_transaction()
        article = self._found(slug)
        self.favorites[article.id].discard(user)
        return article.id

    async def by_author(self, author: UserId) -> Sequence[Article]:
        self._unit_of_work.require_open()
        return [article for article in self.kept.values() if article.author_id == author]

    async def delete_favorites_by(self, user: UserId) -> None:
        self._unit_of_work.require_transaction()
        for users in self.favorites.values():
            users.discard(user)

    async def favorite_slugs_of(self, user: UserId) -> Sequence[str]:
        self._unit_of_work.require_open()
        return [self.kept[article].slug for article, users in self.favorites.items() if user in users]

    async def article(self, slug: str, viewer: UserId | None) -> ArticleView:
        return await self.article_by_id(self._found(slug).id, viewer)

    async def article_by_id(self, article: ArticleId, viewer: UserId | None) -> ArticleView:
        self._unit_of_work.require_open()
        found = self.kept[article]
        return ArticleView(
            slug=found.slug,
            title=found.title,
            description=found.description,
            tag_list=found.tags,
            created_at=found.created_at,
            updated_at=found.updated_at,
            favorited=viewer in self.favorites[article],
            favorites_count=len(self.favorites[article]),
            author=Profile(f"user {found.author_id}", None, None, following=False),
            body=found.body,
        )

    async def articles(self, criteria: Criteria, page: PageRequest, viewer: UserId | None) -> ArticleList:
        raise NotImplementedError

    async def feed(self, reader: UserId, page: PageRequest) -> ArticleList:
        raise NotImplementedError

    async def tags(self) -> Sequence[str]:
        raise NotImplementedError

    def _found(self, slug: str) -> Article:
        for article in self.kept.values():
            if article.slug == slug:
                return article
        raise ArticleNotFound
