"""The manifest of feeds."""

from fastapi import APIRouter

from conduit_feeds.api.router import create_router
from conduit_feeds.container import FeedsContainer
from conduit_feeds.infrastructure.settings import FeedsSettings
from modules.articles.contracts import ArticleDirectory
from modules.kernel.module import Module
from modules.profiles.contracts import ProfileReader


def router(container: FeedsContainer) -> APIRouter:
    """Return the routes of this module."""
    return create_router(container.syndication())


MODULE = Module(
    name="feeds",
    owner="@conduit/feeds",
    container=FeedsContainer,
    needs={"articles": ArticleDirectory, "profiles": ProfileReader},
    routers=[router],
    settings=FeedsSettings,
    built_with={"articles": "1.0", "profiles": "1.0"},
)
