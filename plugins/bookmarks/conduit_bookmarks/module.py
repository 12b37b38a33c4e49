"""The manifest of bookmarks."""

from collections.abc import Sequence

from fastapi import APIRouter

from conduit_bookmarks.api.router import create_router
from conduit_bookmarks.container import BookmarksContainer
from conduit_bookmarks.infrastructure.checks import consistency_checks
from conduit_bookmarks.infrastructure.tables import SCHEMA
from modules.articles.contracts import ArticleDirectory, ArticlesDeleted
from modules.kernel.api.authentication import Authentication
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.module import Module, Subscription
from modules.profiles.contracts import ProfileReader
from modules.users.contracts import UserDeleted


def router(container: BookmarksContainer) -> APIRouter:
    """Return the routes of this module."""
    return create_router(container.reading_list(), Authentication(container.tokens()))


def checks(container: BookmarksContainer) -> Sequence[ConsistencyCheck]:
    """Return the consistency checks of this module."""
    return consistency_checks(container.database(), container.articles(), container.profiles())


MODULE = Module(
    name="bookmarks",
    owner="@conduit/bookmarks",
    container=BookmarksContainer,
    needs={"articles": ArticleDirectory, "profiles": ProfileReader, "tokens": TokenVerifier},
    routers=[router],
    tags={"Bookmarks": "The reading list of the caller."},
    subscriptions=[
        Subscription(ArticlesDeleted, lambda container: container.reading_list().on_articles_deleted),
        Subscription(UserDeleted, lambda container: container.reading_list().on_user_deleted),
    ],
    schema=SCHEMA,
    personal_data=lambda container: container.reading_list().export_personal_data,
    checks=checks,
    built_with={"articles": "1.1", "profiles": "1.0", "users": "1.0"},
)
