"""The manifest of search."""

from collections.abc import Sequence

from fastapi import APIRouter

from conduit_search.api.router import create_router
from conduit_search.container import SearchContainer
from conduit_search.contracts import PublicArticlesIndexed, RenamedAuthorIndexed
from conduit_search.infrastructure.checks import consistency_checks
from conduit_search.infrastructure.tables import SCHEMA
from modules.articles.contracts import (
    ArticleDirectory,
    ArticleEdited,
    ArticlePublished,
    ArticlesDeleted,
    ArticlesMadePublic,
    ArticlesRestricted,
)
from modules.kernel.api.authentication import Authentication
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.events import DeliveryMode
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.module import Command, Module, Subscription
from modules.users.contracts import UserRenamed

AFTER_COMMIT = DeliveryMode.AFTER_COMMIT
PREPARED = DeliveryMode.PREPARED_AFTER_COMMIT


def router(container: SearchContainer) -> APIRouter:
    """Return the routes of this module."""
    return create_router(container.search(), Authentication(container.tokens()))


async def rebuild(container: SearchContainer) -> str:
    """Index every public article and return a message with their number."""
    return f"indexed articles: {await container.indexer().rebuild()}"


async def demo(container: SearchContainer, demo: Demo) -> None:
    """Index the demonstration's articles, which are inserted without events."""
    demo.progress.begin("articles to search", demo.articles)
    demo.progress.advance(await container.indexer().rebuild())


def checks(container: SearchContainer) -> Sequence[ConsistencyCheck]:
    """Return the consistency checks of this module."""
    return consistency_checks(
        container.database(), container.index(), container.indexer(), container.articles()
    )


MODULE = Module(
    name="search",
    owner="@conduit/search",
    container=SearchContainer,
    needs={"articles": ArticleDirectory, "tokens": TokenVerifier},
    routers=[router],
    # After the commit, so that publishing neither waits for the index nor fails with it.
    subscriptions=[
        Subscription(ArticlePublished, lambda container: container.indexer().on_article_published, PREPARED),
        Subscription(ArticleEdited, lambda container: container.indexer().on_article_edited, PREPARED),
        Subscription(
            ArticlesDeleted, lambda container: container.indexer().on_articles_deleted, AFTER_COMMIT
        ),
        Subscription(ArticlesRestricted, lambda container: container.indexer().on_articles_restricted),
        Subscription(
            ArticlesMadePublic, lambda container: container.indexer().on_articles_made_public, PREPARED
        ),
        Subscription(
            PublicArticlesIndexed, lambda container: container.indexer().on_public_articles_indexed, PREPARED
        ),
        Subscription(UserRenamed, lambda container: container.indexer().on_user_renamed, PREPARED),
        Subscription(
            RenamedAuthorIndexed, lambda container: container.indexer().on_renamed_author_indexed, PREPARED
        ),
    ],
    publishes=[RenamedAuthorIndexed, PublicArticlesIndexed],
    schema=SCHEMA,
    checks=checks,
    demo=demo,
    commands=[
        Command(
            "rebuild",
            "Index every public article, such as those published while search was not installed.",
            rebuild,
        )
    ],
    built_with={"articles": "1.1", "profiles": "1.0", "users": "1.0"},
)
