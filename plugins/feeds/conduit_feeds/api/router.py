"""The routes of feeds."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query

from conduit_feeds.api.atom import AtomResponse, atom
from conduit_feeds.api.json_feed import FeedsJsonFeed, JsonFeedResponse, json_feed
from conduit_feeds.domain.syndication import FeedFilter, Syndication
from modules.kernel.api.cacheable import cacheable
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.fields import QueryText
from modules.kernel.api.router import ModuleRouter


async def _feed_filter(
    tag: Annotated[QueryText, Query(description="Only articles with this tag.")] = None,
    author: Annotated[QueryText, Query(description="Only articles by this username.")] = None,
) -> FeedFilter:
    return FeedFilter(tag, author)


Filter: TypeAlias = Annotated[FeedFilter, Depends(_feed_filter)]


def create_router(syndication: Syndication) -> APIRouter:
    """Return the routes of feeds."""
    router = ModuleRouter(tags=["Feeds"])

    @router.get(
        "/feeds/atom",
        operation_id="GetAtomFeed",
        response_class=AtomResponse,
        responses=error_responses(404, 422),
    )
    @cacheable
    async def atom_feed(feed_filter: Filter) -> AtomResponse:
        """Return the newest articles as Atom (RFC 4287)."""
        return AtomResponse(atom(await syndication.feed(feed_filter)))

    @router.get(
        "/feeds/json",
        operation_id="GetJsonFeed",
        response_class=JsonFeedResponse,
        response_model_exclude_none=True,
        responses=error_responses(404, 422),
    )
    @cacheable
    async def json(feed_filter: Filter) -> FeedsJsonFeed:
        """Return the newest articles as JSON Feed 1.1."""
        return json_feed(await syndication.feed(feed_filter))

    return router
