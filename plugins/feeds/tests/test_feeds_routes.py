"""The routes of feeds, on fakes of the modules that it needs."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as XmlTree

import httpx2
import pytest

from conduit_devtools.testkit import IN_MEMORY, boot_module
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
class Scene:
    """Feeds as feed readers see them, and the world around it."""

    client: httpx2.AsyncClient
    articles: FakeArticleDirectory
    profiles: FakeProfileReader

    def publish(self, slug: str, author: UserId, body: str = "It burns.", **more: Any) -> ArticleId:
        """Let there be an article."""
        return self.articles.add(slug, author=author, body=body, **more)

    async def atom(self, query: str = "") -> XmlTree.Element:
        """Return the feed as an XML parser understands it."""
        answer = await self.client.get(f"/api/feeds/atom{query}")
        assert answer.status_code == 200, answer.text
        return XmlTree.fromstring(answer.content)  # noqa: S314 - our own

    async def json(self, query: str = "") -> Json:
        """Return the JSON Feed."""
        answer = await self.client.get(f"/api/feeds/json{query}")
        assert answer.status_code == 200, answer.text
        feed: Json = answer.json()
        return feed


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    database, profiles = Database(IN_MEMORY), FakeProfileReader()
    articles = FakeArticleDirectory(database, profiles)
    offers: dict[type, object] = {ArticleDirectory: articles, ProfileReader: profiles}
    async with boot_module(MODULE, offers, SETTINGS, database=database) as alone:
        transport = httpx2.ASGITransport(alone.application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Scene(client, articles, profiles)


class TestAtom:
    async def test_an_entry_says_all_that_there_is_to_an_article(self, scene: Scene) -> None:
        jake = scene.profiles.add("jake")
        scene.publish("dragons", jake, title="Dragons & <b>", description="On fire", tags=["fire", "a/b"])
        feed = await scene.atom()
        assert _described(feed.find(f"{ATOM}entry")) == [
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

    async def test_the_feed_has_what_rfc_4287_requires(self, scene: Scene) -> None:
        jake = scene.profiles.add("jake")
        scene.publish("old", jake)
        scene.publish("new", jake, at=NOON + timedelta(hours=1))
        feed = await scene.atom()
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

    async def test_it_is_sent_as_atom(self, scene: Scene) -> None:
        answer = await scene.client.get("/api/feeds/atom")
        assert answer.headers["content-type"] == "application/atom+xml"
        assert answer.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")

    async def test_a_feed_of_nothing_is_a_feed(self, scene: Scene) -> None:
        feed = await scene.atom("?tag=unheard")
        assert feed.findall(f"{ATOM}entry") == []
        assert (_text(feed, "title"), _text(feed, "updated")) == (
            "Conduit: articles tagged unheard",
            "1970-01-01T00:00:00.000Z",
        )

    async def test_characters_that_xml_cannot_have_are_replaced(self, scene: Scene) -> None:
        jake = scene.profiles.add("jake")
        scene.publish("dragons", jake, "a\x0bb\x1b\ufffe \U0001f409", title="A\uffff", tags=["\x01"])
        feed = await scene.atom()
        assert _text(feed, "entry", "content") == "<p>a\ufffdb\ufffd\ufffd \U0001f409</p>\n"
        assert _text(feed, "entry", "title") == "A\ufffd"

    async def test_text_that_looks_like_xml_stays_text(self, scene: Scene) -> None:
        jake = scene.profiles.add("jake")
        scene.publish("dragons", jake, "x", title="]]><entry/>", tags=['"><entry/>'])
        assert len((await scene.atom()).findall(f".//{ATOM}entry")) == 1


class TestJsonFeed:
    async def test_an_item_says_all_that_there_is_to_an_article(self, scene: Scene) -> None:
        scene.publish("dragons", scene.profiles.add("jake"), description="On fire", tags=["fire"])
        assert await scene.json() == {
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

    async def test_it_is_sent_as_json_feed(self, scene: Scene) -> None:
        answer = await scene.client.get("/api/feeds/json")
        assert answer.headers["content-type"] == "application/feed+json"

    async def test_a_feed_of_nothing_is_a_feed(self, scene: Scene) -> None:
        assert (await scene.json())["items"] == []


class TestSelection:
    async def test_the_newest_twenty_come_newest_first(self, scene: Scene) -> None:
        jake = scene.profiles.add("jake")
        for number in range(22):
            scene.publish(f"dragons-{number}", jake, at=NOON + timedelta(minutes=number))
        items = (await scene.json())["items"]
        assert [item["url"].rpartition("-")[2] for item in items] == [str(n) for n in range(21, 1, -1)]
        assert len((await scene.atom()).findall(f"{ATOM}entry")) == 20

    async def test_an_author_has_a_feed_under_the_name_as_they_write_it(self, scene: Scene) -> None:
        scene.publish("hers", scene.profiles.add("Anna & co"))
        scene.publish("his", scene.profiles.add("jake"))
        feed = await scene.atom("?author=anna%20%26%20CO")
        assert _text(feed, "title") == "Conduit: articles by Anna & co"
        assert _entry_slugs(feed) == ["hers"]
        assert _links(feed) == {
            "self": "https://api.example.com/api/feeds/atom?author=Anna+%26+co",
            "alternate": "https://example.com/#/profile/Anna%20%26%20co",
        }

    async def test_the_feed_of_an_author_is_the_same_under_another_name(self, scene: Scene) -> None:
        jake = scene.profiles.add("jake")
        before = [_text(await scene.atom(f"?author=jake{tag}"), "id") for tag in ("", "&tag=fire")]
        scene.profiles.rename(jake, "jacob")
        after = [_text(await scene.atom(f"?author=jacob{tag}"), "id") for tag in ("", "&tag=fire")]
        assert after == before
        assert before == [
            f"https://api.example.com/api/feeds/atom#author/{jake}",
            f"https://api.example.com/api/feeds/atom?tag=fire#author/{jake}",
        ]

    async def test_an_author_who_does_not_exist_is_not_found(self, scene: Scene) -> None:
        for form in ("atom", "json"):
            answer = await scene.client.get(f"/api/feeds/{form}?author=nobody")
            assert (answer.status_code, answer.json()) == (404, {"errors": {"profile": ["not found"]}})

    async def test_a_tag_has_a_feed(self, scene: Scene) -> None:
        jake = scene.profiles.add("jake")
        scene.publish("dragons", jake, tags=["a/b & c"])
        scene.publish("castles", jake, tags=["stone"])
        feed = await scene.json("?tag=a/b%20%26%20c")
        assert [item["url"] for item in feed["items"]] == ["https://example.com/#/article/dragons"]
        assert feed["feed_url"] == "https://api.example.com/api/feeds/json?tag=a%2Fb+%26+c"
        assert feed["title"] == "Conduit: articles tagged a/b & c"

    async def test_tag_and_author_must_both_hold(self, scene: Scene) -> None:
        anna, jake = scene.profiles.add("anna"), scene.profiles.add("jake")
        scene.publish("both", anna, tags=["fire"])
        scene.publish("no-tag", anna)
        scene.publish("no-author", jake, tags=["fire"])
        feed = await scene.atom("?tag=fire&author=anna")
        assert _entry_slugs(feed) == ["both"]
        assert _text(feed, "title") == "Conduit: articles by anna tagged fire"

    @pytest.mark.parametrize("name", ["tag", "author"])
    async def test_what_no_database_can_store_is_refused(self, scene: Scene, name: str) -> None:
        answer = await scene.client.get(f"/api/feeds/atom?{name}=a%00b")
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [name])


class TestConditional:
    @pytest.mark.parametrize("form", ["atom", "json"])
    async def test_a_feed_that_is_the_same_is_not_sent_again(self, scene: Scene, form: str) -> None:
        jake = scene.profiles.add("jake")
        scene.publish("dragons", jake)
        first = await scene.client.get(f"/api/feeds/{form}")
        known = {"If-None-Match": first.headers["etag"]}
        again = await scene.client.get(f"/api/feeds/{form}", headers=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        scene.publish("castles", jake)
        changed = await scene.client.get(f"/api/feeds/{form}", headers=known)
        assert changed.status_code == 200
        assert changed.headers["etag"] != first.headers["etag"]


class TestBodies:
    async def test_both_formats_have_the_same_safe_html(self, scene: Scene) -> None:
        body = "*It* burns. <script>alert(1)</script> [here](/article/castles)"
        scene.publish("dragons", scene.profiles.add("jake"), body)
        [item] = (await scene.json())["items"]
        assert item["content_html"] == _text(await scene.atom(), "entry", "content")
        assert item["content_html"] == (
            '<p><em>It</em> burns.  <a href="https://example.com/article/castles"'
            ' rel="noopener noreferrer">here</a></p>\n'
        )

    async def test_one_that_takes_too_much_is_told_by_its_description(self, scene: Scene) -> None:
        jake = scene.profiles.add("jake")
        scene.publish("dragons", jake, "[a]: /" + "u" * 20_000 + "\n\n" + "[a]" * 9_900, description="Many")
        scene.publish("castles", jake)
        answer = await scene.client.get("/api/feeds/json")
        published = {item["url"][-7:]: item.get("content_html", "none") for item in answer.json()["items"]}
        assert published == {"dragons": "none", "castles": "<p>It burns.</p>\n"}
        assert len(answer.content) < 2_000

    async def test_a_feed_has_the_newest_bodies_that_there_is_room_for(self, scene: Scene) -> None:
        jake = scene.profiles.add("jake")
        dragons = "\U0001f409" * MAX_RENDERED_LENGTH
        for number in range(20):
            scene.publish(str(number), jake, dragons, at=NOON + timedelta(minutes=number))
        items = (await scene.json())["items"]
        rendered = [item["url"].rpartition("/")[2] for item in items if "content_html" in item]
        assert (len(items), rendered) == (20, ["19", "18", "17", "16"])
        size = len(f"<p>{dragons}</p>\n".encode())
        assert 4 * size <= MAX_FEED_BYTES < 5 * size
        assert len((await scene.client.get("/api/feeds/atom")).content) < MAX_FEED_BYTES + 20_000

    async def test_one_that_is_too_long_to_render_is_told_by_its_description(self, scene: Scene) -> None:
        body = "x" * (MAX_RENDERED_LENGTH + 1)
        scene.publish("dragons", scene.profiles.add("jake"), body, description="Long")
        [item] = (await scene.json())["items"]
        assert ("content_html" in item, item["content_text"]) == (False, "Long")
        entry = (await scene.atom()).find(f"{ATOM}entry")
        assert entry is not None
        assert (entry.find(f"{ATOM}content"), entry.findtext(f"{ATOM}summary")) == (None, "Long")


def _described(element: XmlTree.Element | None) -> Sequence[tuple[str, Mapping[str, str], str | None]]:
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
