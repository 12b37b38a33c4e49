"""Fakes of the ports of articles."""

from collections.abc import Sequence
from dataclasses import replace

from modules.articles.contracts import ArticleId
from modules.articles.domain.article import Article, ArticleNotFound, Draft
from modules.articles.domain.reading import ArticleList, ArticleView, Criteria
from modules.articles.domain.values import Title
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, Position
from modules.kernel.fakes import FakeUnitOfWork
from modules.profiles.contracts import Profile


class FakeArticles:
    """An in-memory article repository and reader."""

    def __init__(self, unit_of_work: FakeUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self._last_id = 0
        self.stored: dict[ArticleId, Article] = {}
        self.favorites: dict[ArticleId, set[UserId]] = {}

    async def add(self, draft: Draft) -> ArticleId:
        self._unit_of_work.require_transaction()
        self._last_id += 1
        key = ArticleId(self._last_id)
        self.stored[key] = Article(
            id=key,
            slug=next(draft.title.slugs()),
            author_id=draft.author_id,
            title=draft.title.text,
            description=draft.description.text,
            body=draft.body.text,
            tags=draft.tags.texts,
            created_at=draft.created_at,
            updated_at=draft.created_at,
        )
        self.favorites[key] = set()
        return key

    async def get_for_update(self, slug: str, _editor_id: UserId) -> Article:
        self._unit_of_work.require_transaction()
        return self._by_slug(slug)

    async def get_for_removal(self, slug: str) -> Article:
        self._unit_of_work.require_transaction()
        return self._by_slug(slug)

    async def save(self, article: Article, new_title: Title | None) -> None:
        self._unit_of_work.require_transaction()
        slug = article.slug if new_title is None else next(new_title.slugs())
        self.stored[article.id] = replace(article, slug=slug)

    async def delete(self, article: Article) -> None:
        self._unit_of_work.require_transaction()
        del self.stored[article.id], self.favorites[article.id]

    async def add_favorite(self, slug: str, user_id: UserId) -> tuple[ArticleId, bool]:
        self._unit_of_work.require_transaction()
        article = self._by_slug(slug)
        is_new = user_id not in self.favorites[article.id]
        self.favorites[article.id].add(user_id)
        return article.id, is_new

    async def remove_favorite(self, slug: str, user_id: UserId) -> ArticleId:
        self._unit_of_work.require_transaction()
        article = self._by_slug(slug)
        self.favorites[article.id].discard(user_id)
        return article.id

    async def by_author(self, author_id: UserId) -> Sequence[Article]:
        self._unit_of_work.require_open()
        return [article for article in self.stored.values() if article.author_id == author_id]

    async def page_by_author(
        self, author_id: UserId, after: Position | None, limit: int
    ) -> Sequence[Article]:
        articles = sorted(
            await self.by_author(author_id), key=lambda article: (article.created_at, article.id)
        )
        if after is not None:
            articles = [
                article for article in articles if (article.created_at, article.id) > (after.at, after.id)
            ]
        return articles[:limit]

    async def delete_by_user(self, user_id: UserId) -> Sequence[ArticleId]:
        deleted = await self.by_author(user_id)
        for article in deleted:
            await self.delete(article)
        for user_ids in self.favorites.values():
            user_ids.discard(user_id)
        return [article.id for article in deleted]

    async def favorite_slugs_of(self, user_id: UserId) -> Sequence[str]:
        self._unit_of_work.require_open()
        return [self.stored[key].slug for key, user_ids in self.favorites.items() if user_id in user_ids]

    async def article(self, slug: str, viewer: UserId | None) -> ArticleView:
        return await self.article_by_id(self._by_slug(slug).id, viewer)

    async def article_by_id(self, article_id: ArticleId, viewer: UserId | None) -> ArticleView:
        self._unit_of_work.require_open()
        article = self.stored[article_id]
        return ArticleView(
            slug=article.slug,
            title=article.title,
            description=article.description,
            tag_list=article.tags,
            created_at=article.created_at,
            updated_at=article.updated_at,
            favorited=viewer in self.favorites[article_id],
            favorites_count=len(self.favorites[article_id]),
            author=Profile(f"user {article.author_id}", None, None, following=False),
            body=article.body,
        )

    async def articles(self, criteria: Criteria, page: PageRequest, viewer: UserId | None) -> ArticleList:
        raise NotImplementedError

    async def feed(self, reader_id: UserId, page: PageRequest) -> ArticleList:
        raise NotImplementedError

    async def tags(self) -> Sequence[str]:
        raise NotImplementedError

    def _by_slug(self, slug: str) -> Article:
        for article in self.stored.values():
            if article.slug == slug:
                return article
        raise ArticleNotFound
