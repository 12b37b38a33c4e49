"""Feeds of the newest articles, whatever format they leave in."""

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

ENTRIES = 20
# In characters. Bounds the work that `_Steps` does not count.
MAX_RENDERED_LENGTH = 50_000
# In bytes, of all HTML in a feed. The oldest bodies, which readers have had the longest, give way.
MAX_FEED_BYTES = 1_000_000
# When a feed without entries changed: Atom wants a time, and ETags one that is the same each time.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class AuthorNotFound(NotFound):
    """Nobody has this username."""

    subject = "profile"


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """Which articles are in a feed: all, or those that meet all that is set."""

    tag: str | None = None
    author: str | None = None
    """A username."""

    @property
    def query(self) -> str:
        """What asks for it in a URL, from the question mark on."""
        asked = {name: value for name in ("author", "tag") if (value := getattr(self, name)) is not None}
        return f"?{urlencode(asked)}" if asked else ""

    @property
    def title(self) -> str:
        """What it is, for people; empty for all articles."""
        by = "" if self.author is None else f" by {self.author}"
        tagged = "" if self.tag is None else f" tagged {self.tag}"
        return f"articles{by}{tagged}" if by or tagged else ""


@dataclass(frozen=True, slots=True)
class Site:
    """Where Conduit and its frontend are reached, and what they are called. URLs end without a slash."""

    title: str
    api_url: str
    frontend_url: str

    def feed(self, form: str, selection: FeedFilter) -> str:
        """Return the URL of a feed in one of the formats."""
        return f"{self.api_url}/api/feeds/{form}{selection.query}"

    def page(self, selection: FeedFilter) -> str:
        """Return the page that shows what a feed holds."""
        return f"{self.frontend_url}/" if selection.author is None else self.profile(selection.author)

    def article(self, slug: str) -> str:
        """Return the page of an article, where RealWorld frontends have it."""
        return f"{self.frontend_url}/article/{quote(slug, safe='')}"

    def profile(self, username: str) -> str:
        """Return the page of an author, where RealWorld frontends have it."""
        return f"{self.frontend_url}/profile/{quote(username, safe='')}"

    def permanent_id(self, article: ArticleId, published: datetime) -> str:
        """Return what stays when an article's title, and with it the slug and the page, is another one.

        A tag URI: https://www.rfc-editor.org/rfc/rfc4151.
        """
        return f"tag:{self._host_name},{published:%Y-%m-%d}:article/{article}"

    def permanent_feed_id(self, selection: FeedFilter, author: UserId | None) -> str:
        """Return what stays when an author's username, and with it the URL of the feed, is another one."""
        if author is None:
            return self.feed("atom", selection)
        return f"{self.feed('atom', FeedFilter(selection.tag))}#author/{author}"

    @property
    def _host_name(self) -> str:
        host = urlsplit(self.api_url).hostname or ""
        # RFC 4151 has room for names, with dots and no colons: an IPv6 address has one in the DNS.
        return ip_address(host).reverse_pointer if ":" in host else host


@dataclass(frozen=True, slots=True)
class Entry:
    """An article in a feed."""

    id: str
    url: str
    title: str
    summary: str
    html: str | None
    """The body; None when it is too long, or takes too much, to be rendered."""

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
        """When the newest change to an article that is still there was made.

        Atom cannot tell of deletions.
        """
        return max((entry.updated for entry in self.entries), default=NEVER)


class MarkdownRenderer(Protocol):
    """Makes HTML of Markdown that strangers wrote."""

    async def html(self, text: str, base_url: str) -> str | None:
        """Return HTML that does no harm in a reader's page, with absolute URLs; None if it takes too much.

        For the same text it is always the same: how busy the machine is must not change a feed.
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

    async def feed(self, selection: FeedFilter) -> Feed:
        """Return the newest articles of a selection; raise `AuthorNotFound`."""
        async with self._unit_of_work.snapshot():
            selection, author = await self._spelled(selection)
            ids = await self._articles.newest(ENTRIES, tag=selection.tag, author=selection.author)
            texts = await self._articles.contents(ids)
        # Rendered when the database is free again for others. A snapshot of PostgreSQL is one of each
        # statement: an article may be deleted between two of them.
        entries = await self._entries({article: texts[article] for article in ids if article in texts})
        site = self._site
        return Feed(
            id=site.permanent_feed_id(selection, author),
            title=": ".join(filter(None, (site.title, selection.title))),
            page_url=site.page(selection),
            atom_url=site.feed("atom", selection),
            json_url=site.feed("json", selection),
            entries=entries,
        )

    async def _spelled(self, selection: FeedFilter) -> tuple[FeedFilter, UserId | None]:
        """Return the selection with the author's name as its owner writes it, and who that is."""
        if selection.author is None:
            return selection, None
        ids = await self._profiles.by_username({selection.author})
        profiles = await self._profiles.profiles(ids.values(), viewer=None)
        if not profiles:
            raise AuthorNotFound
        [(author, profile)] = profiles.items()
        return FeedFilter(selection.tag, profile.username), author

    async def _entries(self, texts: Mapping[ArticleId, ArticleContent]) -> Sequence[Entry]:
        entries, room = [], MAX_FEED_BYTES
        for article, text in texts.items():
            html = await self._html(text) if room > 0 else None
            room -= len((html or "").encode())
            entries.append(self._entry(article, text, html if room >= 0 else None))
        return entries

    async def _html(self, text: ArticleContent) -> str | None:
        if len(text.body) > MAX_RENDERED_LENGTH:
            return None
        return await self._markdown.html(text.body, self._site.article(text.slug))

    def _entry(self, article: ArticleId, text: ArticleContent, html: str | None) -> Entry:
        return Entry(
            id=self._site.permanent_id(article, text.created_at),
            url=self._site.article(text.slug),
            title=text.title,
            summary=text.description,
            html=html,
            tags=text.tag_list,
            author=text.author,
            author_url=self._site.profile(text.author),
            published=text.created_at,
            updated=text.updated_at,
        )
