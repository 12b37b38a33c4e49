"""What authors and readers do with articles."""

from collections.abc import Callable, Mapping

from modules.articles.contracts import (
    ArticleDeleted,
    ArticleEdited,
    ArticleFavorited,
    ArticlePublished,
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
from modules.kernel.domain.clock import Clock
from modules.kernel.domain.events import EventPublisher
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.users.contracts import UserDeleted

Precondition = Callable[[ArticleView], bool]
"""Whether an article is, to its author, still the one that was seen."""


class ArticleService:
    """The use cases that change articles. Each of one article returns it as the caller now sees it."""

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
        self, author: UserId, title: Title, description: Description, body: Body, tags: TagList
    ) -> ArticleView:
        """Publish an article."""
        async with self._unit_of_work.transaction():
            article = await self._repository.add(
                Draft(author, title, description, body, tags, self._clock.now())
            )
            await self._events.publish(ArticlePublished(article))
            return await self._reader.article_by_id(article, author)

    async def edit(
        self, slug: str, changes: ArticleChanges, editor: UserId, *, if_match: Precondition | None = None
    ) -> ArticleView:
        """Change an article of one's own.

        Raises `ArticleNotFound`, `NotTheAuthor`, or `StaleArticle` when it is not what was expected.
        """
        async with self._unit_of_work.transaction():
            article = await self._repository.get_for_update(slug)
            article.require_author(editor)
            await self._require(if_match, article, editor)
            edited = article.edited(changes, self._clock.now())
            await self._repository.save(edited, changes.title if edited.title != article.title else None)
            await self._events.publish(ArticleEdited(article.id))
            return await self._reader.article_by_id(article.id, editor)

    async def delete(self, slug: str, editor: UserId, *, if_match: Precondition | None = None) -> None:
        """Delete an article of one's own, with all that hangs on it.

        Raises `ArticleNotFound`, `NotTheAuthor`, `StaleArticle` when it is not what was expected, and
        whatever keeps another module from letting go.
        """
        async with self._unit_of_work.transaction():
            article = await self._repository.get_for_update(slug)
            article.require_author(editor)
            await self._require(if_match, article, editor)
            await self._let_go(article)

    async def favorite(self, slug: str, reader: UserId) -> ArticleView:
        """Favorite an article, or go on favoriting it; raise `ArticleNotFound`."""
        async with self._unit_of_work.transaction():
            article, is_new = await self._repository.add_favorite(slug, reader)
            if is_new:
                await self._events.publish(ArticleFavorited(article, reader))
            return await self._reader.article_by_id(article, reader)

    async def unfavorite(self, slug: str, reader: UserId) -> ArticleView:
        """Stop favoriting an article, if one did; raise `ArticleNotFound`."""
        async with self._unit_of_work.transaction():
            article = await self._repository.remove_favorite(slug, reader)
            return await self._reader.article_by_id(article, reader)

    async def on_user_deleted(self, event: UserDeleted) -> None:
        """Let go of the articles of somebody who is gone, and of what they favorite."""
        user = UserId(event.user_id)
        async with self._unit_of_work.transaction():
            for article in await self._repository.by_author(user):
                await self._let_go(article)
            await self._repository.delete_favorites_by(user)

    async def export_personal_data(self, user: UserId) -> Mapping[str, object]:
        """Return what a user has published and favorites."""
        async with self._unit_of_work.snapshot():
            articles = await self._repository.by_author(user)
            favorites = await self._repository.favorite_slugs_of(user)
        return {"articles": [article.export_personal_data() for article in articles], "favorites": favorites}

    async def _require(self, expected: Precondition | None, article: Article, editor: UserId) -> None:
        if expected is not None and not expected(await self._reader.article_by_id(article.id, editor)):
            raise StaleArticle

    async def _let_go(self, article: Article) -> None:
        await self._repository.remove(article)
        await self._events.publish(ArticleDeleted(article.id))
