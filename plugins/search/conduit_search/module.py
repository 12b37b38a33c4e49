"""The manifest of search."""

from fastapi import APIRouter

from conduit_search.api.router import create_router
from conduit_search.container import SearchContainer
from conduit_search.infrastructure.tables import SCHEMA
from modules.articles.contracts import ArticleDeleted, ArticleDirectory, ArticleEdited, ArticlePublished
from modules.kernel.api.authentication import Authentication
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.events import DeliveryMode
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.module import Command, Module, Subscription
from modules.users.contracts import UserRenamed

LATER = DeliveryMode.AFTER_COMMIT


def router(container: SearchContainer) -> APIRouter:
    """Return the routes of this module."""
    return create_router(container.search(), Authentication(container.tokens()))


async def rebuild(container: SearchContainer) -> str:
    """Index every article, and say how many there are."""
    return f"indexed articles: {await container.indexer().rebuild()}"


async def demo(container: SearchContainer, demo: Demo) -> None:
    """Index the articles of a demonstration, of which no events are told."""
    demo.progress.begin("articles to search", demo.articles)
    demo.progress.advance(await container.indexer().rebuild())


MODULE = Module(
    name="search",
    container=SearchContainer,
    needs={"articles": ArticleDirectory, "tokens": TokenVerifier},
    routers=[router],
    # After the commit: nobody who publishes waits for the index, or fails with it.
    subscriptions=[
        Subscription(ArticlePublished, lambda container: container.indexer().on_article_published, LATER),
        Subscription(ArticleEdited, lambda container: container.indexer().on_article_edited, LATER),
        Subscription(ArticleDeleted, lambda container: container.indexer().on_article_deleted, LATER),
        Subscription(UserRenamed, lambda container: container.indexer().on_user_renamed, LATER),
    ],
    schema=SCHEMA,
    demo=demo,
    commands=[
        Command(
            "rebuild",
            "Index every article: for those from before search was there.",
            rebuild,
        )
    ],
)
