"""The use cases of articles."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from modules.articles.contracts import (
    MAX_DELETED_ARTICLES,
    ArticleEdited,
    ArticleFavorited,
    ArticleId,
    ArticlePublished,
    ArticlesDeleted,
)
from modules.articles.domain.article import (
    Article,
    ArticleChanges,
    ArticleRepository,
    Draft,
    StaleArticle,
)
from modules.articles.domain.reading import ArticleReader, ArticleView
from modules.articles.domain.values import Body, Description, TagList, Title
from modules.kernel.domain.batches import batches
from modules.kernel.domain.clock import Clock
from modules.kernel.domain.events import EventPublisher
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import Position
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.users.contracts import UserDeleted

# Each article may have 500,000 characters.
EXPORT_BATCH_SIZE = 10

Precondition = Callable[[Article], bool]
"""A predicate: whether an article is unedited since it was read."""


class ArticleService:
    """The use cases that change articles. Those of one article return it as the caller sees it afterwards."""

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        repository: ArticleRepository,
        reader: ArticleReader,
        events: EventPublisher,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._repository = repository
        self._reader = reader
        self._events = events
        self._clock = clock

    async def publish(
        self, author_id: UserId, title: Title, description: Description, body: Body, tags: TagList
    ) -> ArticleView:
        """Publish an article; raise `SlugTaken`."""
        async with self._unit_of_work.transaction():
            article_id = await self._repository.add(
                Draft(author_id, title, description, body, tags, self._clock.now())
            )
            await self._events.publish(ArticlePublished(article_id))
            return await self._reader.article_by_id(article_id, author_id)

    async def edit(
        self, slug: str, changes: ArticleChanges, editor_id: UserId, *, if_match: Precondition | None = None
    ) -> ArticleView:
        """Edit an article as its author.

        Raises `ArticleNotFound`, `NotTheAuthor`, `SlugTaken`, or `StaleArticle` when the precondition fails.
        """
        async with self._unit_of_work.transaction():
            article = await self._repository.get_for_update(slug, editor_id)
            article.require_author(editor_id)
            _require(if_match, article)
            edited = article.edited(changes, self._clock.now())
            await self._repository.save(edited, changes.title_with_new_stem(article.title))
            await self._events.publish(ArticleEdited(article.id))
            return await self._reader.article_by_id(article.id, editor_id)

    async def delete(self, slug: str, editor_id: UserId, *, if_match: Precondition | None = None) -> None:
        """Delete an article as its author, with its comments and favorites.

        Raises `ArticleNotFound`, `NotTheAuthor`, `StaleArticle` when the precondition fails, and any error
        raised by another module's handler.
        """
        async with self._unit_of_work.long_transaction():
            article = await self._repository.get_for_update(slug, editor_id)
            article.require_author(editor_id)
            _require(if_match, article)
            await self._delete(article)

    async def remove(self, slug: str) -> None:
        """Delete an article of any author, as an operator; raise `ArticleNotFound`."""
        async with self._unit_of_work.long_transaction():
            await self._delete(await self._repository.get_for_removal(slug))

    async def _delete(self, article: Article) -> None:
        await self._repository.delete(article)
        await self._publish_deletion(article.author_id, [article.id])

    async def favorite(self, slug: str, user_id: UserId) -> ArticleView:
        """Add an article to the user's favorites; raise `ArticleNotFound`. Idempotent."""
        async with self._unit_of_work.transaction():
            article_id, is_new = await self._repository.add_favorite(slug, user_id)
            if is_new:
                await self._events.publish(ArticleFavorited(article_id, user_id))
            return await self._reader.article_by_id(article_id, user_id)

    async def unfavorite(self, slug: str, user_id: UserId) -> ArticleView:
        """Remove an article from the user's favorites; raise `ArticleNotFound`. Idempotent."""
        async with self._unit_of_work.transaction():
            article_id = await self._repository.remove_favorite(slug, user_id)
            return await self._reader.article_by_id(article_id, user_id)

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Delete the articles and favorites of a deleted user."""
        user_id = UserId(event.user_id)
        async with self._unit_of_work.long_transaction():
            await self._publish_deletion(user_id, await self._repository.delete_by_user(user_id))

    async def export_personal_data(self, user_id: UserId) -> Mapping[str, object]:
        """Return a user's articles, oldest first, and favorites."""
        async with self._unit_of_work.snapshot():
            favorites = await self._repository.favorite_slugs_of(user_id)
        return {"articles": self._export_articles(user_id), "favorites": favorites}

    async def _export_articles(self, user_id: UserId) -> AsyncIterator[Mapping[str, object]]:
        after: Position | None = None
        while True:
            async with self._unit_of_work.snapshot():
                articles = await self._repository.page_by_author(user_id, after, EXPORT_BATCH_SIZE)
            if not articles:
                return
            for article in articles:
                yield article.export_personal_data()
                after = Position(article.created_at, article.id)

    async def _publish_deletion(self, author_id: UserId, article_ids: Sequence[ArticleId]) -> None:
        for batch in batches(article_ids, MAX_DELETED_ARTICLES):
            await self._events.publish(ArticlesDeleted(author_id, tuple(batch)))


def _require(precondition: Precondition | None, article: Article) -> None:
    if precondition is not None and not precondition(article):
        raise StaleArticle
