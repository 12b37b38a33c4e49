"""Feeds of the newest articles, independent of their format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import quote, urlencode, urlsplit

from modules.articles.contracts import ArticleContent, ArticleDirectory, ArticleId
from modules.kernel.domain.errors import NotFound
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.profiles.contracts import ProfileReader

MAX_ENTRIES = 20
# In characters. Bounds the work that the renderer's step budget does not count.
MAX_RENDERED_LENGTH = 50_000
# In bytes, of all HTML in a feed. The oldest articles are left without HTML first.
MAX_FEED_BYTES = 1_000_000
# `updated` of an empty feed: Atom requires a time, and a constant one keeps the ETag stable.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AuthorNotFound(NotFound):
    """No user has this username."""

    subject = "profile"


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """The articles of a feed: all, or those that match every given filter."""

    tag: str | None = None
    author: str | None = None
    """A username."""

    @property
    def query(self) -> str:
        """The query string of the filter with its question mark; empty for all articles."""
        parameters = {name: value for name in ("author", "tag") if (value := getattr(self, name)) is not None}
        return f"?{urlencode(parameters)}" if parameters else ""

    @property
    def title(self) -> str:
        """A readable title; empty for all articles."""
        by = "" if self.author is None else f" by {self.author}"
        tagged = "" if self.tag is None else f" tagged {self.tag}"
        return f"articles{by}{tagged}" if by or tagged else ""


@dataclass(frozen=True, slots=True)
class Site:
    """The title and public URLs of Conduit and its frontend. URLs have no trailing slash."""

    title: str
    api_url: str
    frontend_url: str

    def feed(self, format_: str, feed_filter: FeedFilter) -> str:
        """Return the URL of a feed in one of the formats."""
        return f"{self.api_url}/api/feeds/{format_}{feed_filter.query}"

    def page(self, feed_filter: FeedFilter) -> str:
        """Return the URL of the page that shows a feed's articles."""
        return f"{self.frontend_url}/" if feed_filter.author is None else self.profile(feed_filter.author)

    def article(self, slug: str) -> str:
        """Return the URL of an article's page in RealWorld frontends."""
        return f"{self.frontend_url}/article/{quote(slug, safe='')}"

    def profile(self, username: str) -> str:
        """Return the URL of an author's page in RealWorld frontends."""
        return f"{self.frontend_url}/profile/{quote(username, safe='')}"

    def permanent_id(self, article_id: ArticleId, published: datetime) -> str:
        """Return an id that does not change with an article's title, slug or URL.

        A tag URI: https://www.rfc-editor.org/rfc/rfc4151.
        """
        return f"tag:{self._host_name},{published:%Y-%m-%d}:article/{article_id}"

    def permanent_feed_id(self, feed_filter: FeedFilter, author_id: UserId | None) -> str:
        """Return an id that does not change with the author's username."""
        if author_id is None:
            return self.feed("atom", feed_filter)
        return f"{self.feed('atom', FeedFilter(feed_filter.tag))}#author/{author_id}"

    @property
    def _host_name(self) -> str:
        host = urlsplit(self.api_url).hostname or ""
        # RFC 4151 allows names with dots and no colons: an IPv6 address is written as its reverse DNS name.
        return ip_address(host).reverse_pointer if ":" in host else host


@dataclass(frozen=True, slots=True)
class Entry:
    """An article in a feed."""

    id: str
    url: str
    title: str
    summary: str
    html: str | None
    """The rendered body; None if it exceeds a limit of the renderer or the feed."""

    tags: Sequence[str]
    author: str
    author_url: str
    published: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Feed:
    """The newest articles, newest first."""

    id: str
    title: str
    page_url: str
    atom_url: str
    json_url: str
    entries: Sequence[Entry]

    @property
    def updated(self) -> datetime:
        """The time of the latest change to an entry. Deletions do not count: Atom cannot express them."""
        return max((entry.updated for entry in self.entries), default=EPOCH)


class MarkdownRenderer(Protocol):
    """Renders untrusted Markdown."""

    async def html(self, text: str, base_url: str) -> str | None:
        """Return sanitized HTML with absolute URLs, or None if the text exceeds a limit.

        Deterministic: limits count work, not time, so that load cannot change a feed and its ETag.
        """
        ...


class Syndication:
    """The use case of feeds."""

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        articles: ArticleDirectory,
        profiles: ProfileReader,
        markdown: MarkdownRenderer,
        site: Site,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._articles = articles
        self._profiles = profiles
        self._markdown = markdown
        self._site = site

    async def feed(self, feed_filter: FeedFilter) -> Feed:
        """Return the newest articles that match the filter. Raises `AuthorNotFound`."""
        async with self._unit_of_work.snapshot():
            feed_filter, author_id = await self._canonical(feed_filter)
            ids = await self._articles.newest(MAX_ENTRIES, tag=feed_filter.tag, author=feed_filter.author)
            contents = await self._articles.contents(ids, max_body_length=MAX_RENDERED_LENGTH + 1)
        # Rendered after the snapshot, which holds a connection. On PostgreSQL each statement has its own
        # snapshot, so an article may be deleted between two of them.
        entries = await self._entries({id_: contents[id_] for id_ in ids if id_ in contents})
        site = self._site
        return Feed(
            id=site.permanent_feed_id(feed_filter, author_id),
            title=": ".join(filter(None, (site.title, feed_filter.title))),
            page_url=site.page(feed_filter),
            atom_url=site.feed("atom", feed_filter),
            json_url=site.feed("json", feed_filter),
            entries=entries,
        )

    async def _canonical(self, feed_filter: FeedFilter) -> tuple[FeedFilter, UserId | None]:
        """Return the filter with the username in its registered spelling, and the author's id."""
        if feed_filter.author is None:
            return feed_filter, None
        ids = await self._profiles.by_username({feed_filter.author})
        profiles = await self._profiles.profiles(ids.values(), viewer=None)
        if not profiles:
            raise AuthorNotFound
        [(author_id, profile)] = profiles.items()
        return FeedFilter(feed_filter.tag, profile.username), author_id

    async def _entries(self, contents: Mapping[ArticleId, ArticleContent]) -> Sequence[Entry]:
        entries, remaining = [], MAX_FEED_BYTES
        for article_id, content in contents.items():
            html = await self._html(content) if remaining > 0 else None
            remaining -= len((html or "").encode())
            entries.append(self._entry(article_id, content, html if remaining >= 0 else None))
        return entries

    async def _html(self, content: ArticleContent) -> str | None:
        # A longer body is truncated to one character more.
        if len(content.body) > MAX_RENDERED_LENGTH:
            return None
        return await self._markdown.html(content.body, self._site.article(content.slug))

    def _entry(self, article_id: ArticleId, content: ArticleContent, html: str | None) -> Entry:
        return Entry(
            id=self._site.permanent_id(article_id, content.created_at),
            url=self._site.article(content.slug),
            title=content.title,
            summary=content.description,
            html=html,
            tags=content.tag_list,
            author=content.author,
            author_url=self._site.profile(content.author),
            published=content.created_at,
            updated=content.updated_at,
        )
