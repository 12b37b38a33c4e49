"""A feed as JSON Feed 1.1: https://www.jsonfeed.org/version/1.1/."""

from collections.abc import Sequence

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from conduit_feeds.domain.syndication import Entry, Feed
from modules.kernel.api.fields import Timestamp

VERSION = "https://jsonfeed.org/version/1.1"


class JsonFeedResponse(JSONResponse):
    """A response in JSON Feed."""

    media_type = "application/feed+json"


class _Model(BaseModel):
    # Not in camelCase as the rest of the API: JSON Feed defines its own names.
    model_config = ConfigDict(frozen=True)


class FeedsAuthor(_Model):
    """The author of an item."""

    name: str
    url: str


class FeedsItem(_Model):
    """An article. Its content is the description if the body is not rendered."""

    id: str
    url: str
    title: str
    summary: str
    content_html: str | None = None
    content_text: str | None = None
    date_published: Timestamp
    date_modified: Timestamp
    authors: Sequence[FeedsAuthor]
    tags: Sequence[str]


class FeedsJsonFeed(_Model):
    """The newest articles, newest first."""

    version: str
    title: str
    home_page_url: str
    feed_url: str
    items: Sequence[FeedsItem]


def json_feed(feed: Feed) -> FeedsJsonFeed:
    """Return the feed as JSON Feed."""
    return FeedsJsonFeed(
        version=VERSION,
        title=feed.title,
        home_page_url=feed.page_url,
        feed_url=feed.json_url,
        items=[_item(entry) for entry in feed.entries],
    )


def _item(entry: Entry) -> FeedsItem:
    return FeedsItem(
        id=entry.id,
        url=entry.url,
        title=entry.title,
        summary=entry.summary,
        content_html=entry.html,
        content_text=entry.summary if entry.html is None else None,
        date_published=entry.published,
        date_modified=entry.updated,
        authors=[FeedsAuthor(name=entry.author, url=entry.author_url)],
        tags=entry.tags,
    )
