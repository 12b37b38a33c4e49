"""The routes of feeds, on fakes of the modules that it needs."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from xml.etree import ElementTree as XmlTree

import httpx2
import pytest

from conduit_devtools.statement_guard import Case, require_constant_statements
from conduit_devtools.testkit import IN_MEMORY, ModuleTestApp, boot_module
from conduit_feeds.domain.syndication import MAX_FEED_BYTES, MAX_RENDERED_LENGTH
from conduit_feeds.infrastructure.settings import FeedsSettings
from conduit_feeds.module import MODULE
from modules.articles.contracts import ArticleDirectory, ArticleId
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.contracts import ProfileReader
from modules.profiles.fakes import FakeProfileReader

ATOM = "{http://www.w3.org/2005/Atom}"
# RFC 4287, 3.3: RFC 3339 with an upper-case T and Z.
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
SETTINGS = FeedsSettings(feeds_api_url="https://api.example.com", feeds_frontend_url="https://example.com/#/")

Json = Mapping[str, Any]


@dataclass
class Context:
    """Feeds with fakes of the modules that it needs, and a client."""

    module: ModuleTestApp
    client: httpx2.AsyncClient
    articles: FakeArticleDirectory
    profiles: FakeProfileReader

    def publish(self, slug: str, author: UserId, body: str = "It burns.", **more: Any) -> ArticleId:
        """Create an article."""
        return self.articles.add(slug, author=author, body=body, **more)

    async def atom(self, query: str = "") -> XmlTree.Element:
        """Return the parsed Atom feed."""
        response = await self.client.get(f"/api/feeds/atom{query}")
        assert response.status_code == 200, response.text
        return XmlTree.fromstring(response.content)  # noqa: S314 - our own

    async def json(self, query: str = "") -> Json:
        """Return the JSON Feed."""
        response = await self.client.get(f"/api/feeds/json{query}")
        assert response.status_code == 200, response.text
        feed: Json = response.json()
        return feed


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    database, profiles = Database(IN_MEMORY), FakeProfileReader()
    articles = FakeArticleDirectory(database, profiles)
    offers: dict[type, object] = {ArticleDirectory: articles, ProfileReader: profiles}
    async with boot_module(MODULE, offers, SETTINGS, database=database) as module:
        transport = httpx2.ASGITransport(module.application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Context(module, client, articles, profiles)


class TestAtom:
    async def test_entry_has_all_fields(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        context.publish("dragons", jake, title="Dragons & <b>", description="On fire", tags=["fire", "a/b"])
        feed = await context.atom()
        assert _children(feed.find(f"{ATOM}entry")) == [
            ("id", {}, "tag:api.example.com,2026-01-31:article/1"),
            ("title", {}, "Dragons & <b>"),
            ("updated", {}, "2026-01-31T12:00:00.000Z"),
            ("published", {}, "2026-01-31T12:00:00.000Z"),
            (
                "link",
                {"rel": "alternate", "type": "text/html", "href": "https://example.com/#/article/dragons"},
                None,
            ),
            ("author", {}, None),
            ("category", {"term": "fire"}, None),
            ("category", {"term": "a/b"}, None),
            ("summary", {}, "On fire"),
            ("content", {"type": "html"}, "<p>It burns.</p>\n"),
        ]
        assert _text(feed, "entry", "author", "name") == "jake"
        assert _text(feed, "entry", "author", "uri") == "https://example.com/#/profile/jake"

    async def test_feed_has_elements_required_by_rfc_4287(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        context.publish("old", jake)
        context.publish("new", jake, at=NOON + timedelta(hours=1))
        feed = await context.atom()
        # 4.1.1 and 4.1.2: exactly one of each, a link to itself, and an author in every entry.
        for element in (feed, *feed.findall(f"{ATOM}entry")):
            for required in ("id", "title", "updated"):
                assert len(element.findall(f"{ATOM}{required}")) == 1
        assert len(feed.findall(f"{ATOM}entry/{ATOM}author/{ATOM}name")) == 2
        assert all(RFC_3339.fullmatch(moment.text or "") for moment in feed.iter(f"{ATOM}updated"))
        assert _text(feed, "updated") == "2026-01-31T13:00:00.000Z"
        assert _links(feed) == {
            "self": "https://api.example.com/api/feeds/atom",
            "alternate": "https://example.com/#/",
        }

    async def test_media_type_is_atom(self, context: Context) -> None:
        response = await context.client.get("/api/feeds/atom")
        assert response.headers["content-type"] == "application/atom+xml"
        assert response.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")

    async def test_empty_feed_is_valid(self, context: Context) -> None:
        feed = await context.atom("?tag=unheard")
        assert feed.findall(f"{ATOM}entry") == []
        assert (_text(feed, "title"), _text(feed, "updated")) == (
            "Conduit: articles tagged unheard",
            "1970-01-01T00:00:00.000Z",
        )

    async def test_characters_invalid_in_xml_are_replaced(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        context.publish("dragons", jake, "a\x0bb\x1b\ufffe \U0001f409", title="A\uffff", tags=["\x01"])
        feed = await context.atom()
        assert _text(feed, "entry", "content") == "<p>a\ufffdb\ufffd\ufffd \U0001f409</p>\n"
        assert _text(feed, "entry", "title") == "A\ufffd"

    async def test_text_that_looks_like_xml_is_escaped(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        context.publish("dragons", jake, "x", title="]]><entry/>", tags=['"><entry/>'])
        assert len((await context.atom()).findall(f".//{ATOM}entry")) == 1


class TestJsonFeed:
    async def test_item_has_all_fields(self, context: Context) -> None:
        context.publish("dragons", context.profiles.add("jake"), description="On fire", tags=["fire"])
        assert await context.json() == {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "Conduit",
            "home_page_url": "https://example.com/#/",
            "feed_url": "https://api.example.com/api/feeds/json",
            "items": [
                {
                    "id": "tag:api.example.com,2026-01-31:article/1",
                    "url": "https://example.com/#/article/dragons",
                    "title": "Dragons",
                    "summary": "On fire",
                    "content_html": "<p>It burns.</p>\n",
                    "date_published": "2026-01-31T12:00:00.000Z",
                    "date_modified": "2026-01-31T12:00:00.000Z",
                    "authors": [{"name": "jake", "url": "https://example.com/#/profile/jake"}],
                    "tags": ["fire"],
                }
            ],
        }

    async def test_media_type_is_json_feed(self, context: Context) -> None:
        response = await context.client.get("/api/feeds/json")
        assert response.headers["content-type"] == "application/feed+json"

    async def test_empty_feed_is_valid(self, context: Context) -> None:
        assert (await context.json())["items"] == []


class TestFilter:
    async def test_feed_has_the_newest_twenty_articles(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        for number in range(22):
            context.publish(f"dragons-{number}", jake, at=NOON + timedelta(minutes=number))
        items = (await context.json())["items"]
        assert [item["url"].rpartition("-")[2] for item in items] == [str(n) for n in range(21, 1, -1)]
        assert len((await context.atom()).findall(f"{ATOM}entry")) == 20

    async def test_feed_of_an_author_uses_the_registered_spelling(self, context: Context) -> None:
        context.publish("hers", context.profiles.add("Anna & co"))
        context.publish("his", context.profiles.add("jake"))
        feed = await context.atom("?author=anna%20%26%20CO")
        assert _text(feed, "title") == "Conduit: articles by Anna & co"
        assert _entry_slugs(feed) == ["hers"]
        assert _links(feed) == {
            "self": "https://api.example.com/api/feeds/atom?author=Anna+%26+co",
            "alternate": "https://example.com/#/profile/Anna%20%26%20co",
        }

    async def test_feed_id_does_not_change_with_the_username(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        before = [_text(await context.atom(f"?author=jake{tag}"), "id") for tag in ("", "&tag=fire")]
        context.profiles.rename(jake, "jacob")
        after = [_text(await context.atom(f"?author=jacob{tag}"), "id") for tag in ("", "&tag=fire")]
        assert after == before
        assert before == [
            f"https://api.example.com/api/feeds/atom#author/{jake}",
            f"https://api.example.com/api/feeds/atom?tag=fire#author/{jake}",
        ]

    async def test_unknown_author_gets_404(self, context: Context) -> None:
        for format_ in ("atom", "json"):
            response = await context.client.get(f"/api/feeds/{format_}?author=nobody")
            assert (response.status_code, response.json()) == (404, {"errors": {"profile": ["not found"]}})

    async def test_feed_of_a_tag(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        context.publish("dragons", jake, tags=["a/b & c"])
        context.publish("castles", jake, tags=["stone"])
        feed = await context.json("?tag=a/b%20%26%20c")
        assert [item["url"] for item in feed["items"]] == ["https://example.com/#/article/dragons"]
        assert feed["feed_url"] == "https://api.example.com/api/feeds/json?tag=a%2Fb+%26+c"
        assert feed["title"] == "Conduit: articles tagged a/b & c"

    async def test_tag_and_author_must_both_match(self, context: Context) -> None:
        anna, jake = context.profiles.add("anna"), context.profiles.add("jake")
        context.publish("both", anna, tags=["fire"])
        context.publish("no-tag", anna)
        context.publish("no-author", jake, tags=["fire"])
        feed = await context.atom("?tag=fire&author=anna")
        assert _entry_slugs(feed) == ["both"]
        assert _text(feed, "title") == "Conduit: articles by anna tagged fire"

    @pytest.mark.parametrize("name", ["tag", "author"])
    async def test_null_character_gets_422(self, context: Context, name: str) -> None:
        response = await context.client.get(f"/api/feeds/atom?{name}=a%00b")
        assert (response.status_code, list(response.json()["errors"])) == (422, [name])


class TestConditional:
    @pytest.mark.parametrize("format_", ["atom", "json"])
    async def test_unchanged_feed_gets_304(self, context: Context, format_: str) -> None:
        jake = context.profiles.add("jake")
        context.publish("dragons", jake)
        first = await context.client.get(f"/api/feeds/{format_}")
        conditions = {"If-None-Match": first.headers["etag"]}
        unchanged = await context.client.get(f"/api/feeds/{format_}", headers=conditions)
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (
            304,
            b"",
            first.headers["etag"],
        )
        context.publish("castles", jake)
        changed = await context.client.get(f"/api/feeds/{format_}", headers=conditions)
        assert changed.status_code == 200
        assert changed.headers["etag"] != first.headers["etag"]


class TestBodies:
    async def test_both_formats_have_the_same_sanitized_html(self, context: Context) -> None:
        body = "*It* burns. <script>alert(1)</script> [here](/article/castles)"
        context.publish("dragons", context.profiles.add("jake"), body)
        [item] = (await context.json())["items"]
        assert item["content_html"] == _text(await context.atom(), "entry", "content")
        assert item["content_html"] == (
            '<p><em>It</em> burns.  <a href="https://example.com/article/castles"'
            ' rel="noopener noreferrer">here</a></p>\n'
        )

    async def test_body_that_is_too_expensive_is_replaced_by_its_description(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        context.publish("dragons", jake, "[a]: /" + "u" * 20_000 + "\n\n" + "[a]" * 9_900, description="Many")
        context.publish("castles", jake)
        response = await context.client.get("/api/feeds/json")
        published = {item["url"][-7:]: item.get("content_html", "none") for item in response.json()["items"]}
        assert published == {"dragons": "none", "castles": "<p>It burns.</p>\n"}
        assert len(response.content) < 2_000

    async def test_feed_size_limit_favors_the_newest_bodies(self, context: Context) -> None:
        jake = context.profiles.add("jake")
        dragons = "\U0001f409" * MAX_RENDERED_LENGTH
        for number in range(20):
            context.publish(str(number), jake, dragons, at=NOON + timedelta(minutes=number))
        items = (await context.json())["items"]
        rendered = [item["url"].rpartition("/")[2] for item in items if "content_html" in item]
        assert (len(items), rendered) == (20, ["19", "18", "17", "16"])
        size = len(f"<p>{dragons}</p>\n".encode())
        assert 4 * size <= MAX_FEED_BYTES < 5 * size
        assert len((await context.client.get("/api/feeds/atom")).content) < MAX_FEED_BYTES + 20_000

    async def test_body_that_is_too_long_is_replaced_by_its_description(self, context: Context) -> None:
        body = "x" * (MAX_RENDERED_LENGTH + 1)
        context.publish("dragons", context.profiles.add("jake"), body, description="Long")
        [item] = (await context.json())["items"]
        assert ("content_html" in item, item["content_text"]) == (False, "Long")
        entry = (await context.atom()).find(f"{ATOM}entry")
        assert entry is not None
        assert (entry.find(f"{ATOM}content"), entry.findtext(f"{ATOM}summary")) == (None, "Long")


def _children(element: XmlTree.Element | None) -> Sequence[tuple[str, Mapping[str, str], str | None]]:
    assert element is not None
    return [(child.tag.removeprefix(ATOM), child.attrib, child.text) for child in element]


def _text(feed: XmlTree.Element, *path: str) -> str:
    text = feed.findtext("/".join(f"{ATOM}{name}" for name in path))
    assert text is not None
    return text


def _links(feed: XmlTree.Element) -> Mapping[str, str]:
    return {link.attrib["rel"]: link.attrib["href"] for link in feed.findall(f"{ATOM}link")}


def _entry_slugs(feed: XmlTree.Element) -> Sequence[str]:
    links = feed.findall(f"{ATOM}entry/{ATOM}link")
    return [link.attrib["href"].rpartition("/")[2] for link in links]


async def test_statements_do_not_depend_on_the_number_of_rows(context: Context) -> None:
    jake = context.profiles.add("jake")

    numbers = count()

    async def publish(_number: int) -> ArticleId:
        return context.publish(f"dragons-{next(numbers)}", jake)

    await require_constant_statements(
        context.module,
        {
            "GetAtomFeed": Case(publish, lambda _: context.client.get("/api/feeds/atom")),
            "GetJsonFeed": Case(publish, lambda _: context.client.get("/api/feeds/json?author=jake")),
        },
    )
