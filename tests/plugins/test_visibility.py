"""A hidden article: no response shows it to those who do not see it, and counts agree with lists."""

import asyncio
import importlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from importlib.metadata import EntryPoint

import httpx2
import pytest

from conduit_app import discovery
from conduit_app.application import create_application
from conduit_app.commands.doctor import find_differences
from conduit_app.composition import Composition
from conduit_app.migrations.runner import downgrade, migrate
from conduit_app.settings import Settings
from modules.kernel.module import Module
from tests.client import Api, Json, next_page
from tests.conftest import AppInstance, composed
from tests.plugins.clean_environment import ROOT
from tests.sql_recorder import StatementRecorder

PLUGINS = ("bookmarks", "feeds", "notifications", "search")
pytestmark = pytest.mark.usefixtures("article")

# In every text of the hidden article, and in no other.
MARKER = "xyzzy"
SLUG = "dragons-xyzzy"
OLD_SLUG = "wyverns-xyzzy"
# Many times the duration of a write that no lock blocks.
TIMEOUT_SECONDS = 0.3
AUTHOR, MODERATOR, READER = "jake", "moderator-mona", "anna"


@dataclass(frozen=True, slots=True)
class ReadPath:
    """A path that shows the hidden article to its author and to moderators, if not only to one of them."""

    path: str
    is_list: bool = True
    seen_by: tuple[str, ...] = (AUTHOR, MODERATOR)


READ_PATHS = [
    ReadPath("/articles"),
    ReadPath("/articles?limit=2"),
    ReadPath("/articles?limit=1&offset=1"),
    ReadPath("/articles?tag=fire"),
    ReadPath("/articles?tag=xyzzy"),
    ReadPath("/articles?author=jake"),
    ReadPath("/articles?favorited=anna"),
    ReadPath("/articles?tag=fire&author=jake"),
    ReadPath("/articles?tag=fire&favorited=anna"),
    ReadPath("/articles?author=jake&favorited=anna"),
    ReadPath("/articles?tag=fire&author=jake&favorited=anna"),
    ReadPath("/articles/feed", seen_by=(MODERATOR,)),
    ReadPath("/articles/feed?limit=2", seen_by=(MODERATOR,)),
    ReadPath(f"/articles/{SLUG}", is_list=False),
    ReadPath(f"/articles/{OLD_SLUG}", is_list=False),
    ReadPath(f"/articles/{SLUG}/comments", is_list=False),
    ReadPath(f"/articles/{OLD_SLUG}/comments", is_list=False),
    ReadPath("/bookmarks", seen_by=(MODERATOR,)),
    ReadPath("/notifications", is_list=False, seen_by=(AUTHOR,)),
    # About public articles only, for everyone.
    ReadPath("/tags", is_list=False, seen_by=()),
    ReadPath("/search?q=dragons", seen_by=()),
    ReadPath("/search?q=xyzzy", seen_by=()),
    ReadPath("/feeds/atom", is_list=False, seen_by=()),
    ReadPath("/feeds/json?author=jake", is_list=False, seen_by=()),
    ReadPath("/feeds/json?tag=fire", is_list=False, seen_by=()),
    # A moderator's bookmark and favorite of it, and the author's article.
    ReadPath("/user/export", is_list=False),
]
# They show no article.
OTHER_READS = {"/user", "/profiles/{username}", "/notifications/stream"}
WRITES = [
    ("POST", f"/articles/{SLUG}/comments", {"comment": {"body": "Nice"}}),
    ("DELETE", f"/articles/{SLUG}/comments/1", None),
    ("POST", f"/articles/{SLUG}/favorite", None),
    ("DELETE", f"/articles/{SLUG}/favorite", None),
    ("PUT", f"/articles/{SLUG}", {"article": {"body": "Mine"}}),
    ("DELETE", f"/articles/{SLUG}", None),
    ("POST", f"/articles/{SLUG}/bookmark", None),
    ("DELETE", f"/articles/{SLUG}/bookmark", None),
]


@pytest.fixture
def plugins(app_instance: AppInstance, monkeypatch: pytest.MonkeyPatch) -> Sequence[Module]:
    """Make the plugins discoverable as if they were installed, and return their manifests."""
    # After the shared application was created, which must not contain them.
    assert app_instance.composition.messaging.outbox.subscriptions == []
    for name in PLUGINS:
        monkeypatch.syspath_prepend(ROOT / "plugins" / name)
    manifests = {name: f"conduit_{name}.module" for name in PLUGINS}
    manifests["moderation"] = "tests.plugins.moderation_plugin"
    entry_points = [
        EntryPoint(name, f"{module}:MODULE", discovery.ENTRY_POINTS) for name, module in manifests.items()
    ]
    monkeypatch.setattr(
        discovery, "entry_points", lambda group: entry_points if group == discovery.ENTRY_POINTS else []
    )
    return [importlib.import_module(module).MODULE for module in manifests.values()]


@pytest.fixture
async def composition(settings: Settings, plugins: Sequence[Module]) -> AsyncIterator[Composition]:
    """Return Conduit's modules and the plugins on the test database."""
    async with composed(settings) as composition:
        await migrate(composition.database, plugins)
        yield composition
        for plugin in plugins:
            if plugin.schema is not None:
                await downgrade(composition.database, plugin)


@pytest.fixture
def api(settings: Settings, composition: Composition) -> Api:
    """Return the API with its response cache."""
    return Api(create_application(settings, composition))


@pytest.fixture
async def article(api: Api, composition: Composition) -> Json:
    """Return an article by jake, between two others of his.

    Anna and a moderator follow jake, and have favorited, bookmarked and commented on two of them.
    """
    author = api.as_user(AUTHOR)
    castles = await author.publish("Castles of dragons", tags=["fire"])
    article = await author.publish("Wyverns xyzzy", tags=["fire", MARKER], description=MARKER, body=MARKER)
    await author.publish("Knights of dragons", tags=["fire"])
    changed = {"article": {"title": "Dragons xyzzy"}}
    article |= (await author.put(f"/articles/{article['slug']}", changed)).json()["article"]
    assert article["slug"] == SLUG
    for name, comment in ((READER, "Nice"), (MODERATOR, MARKER)):
        user = api.as_user(name)
        await user.follow(AUTHOR)
        for read in (castles, article):
            await user.favorite(read)
            await user.comment(read, comment if read is article else "Nice")
            assert (await user.post(f"/articles/{read['slug']}/bookmark")).status_code == 200
    await composition.messaging.dispatcher.drain()
    return article


async def hide(api: Api, composition: Composition, slug: str = SLUG) -> None:
    assert (await api.as_user(AUTHOR).put(f"/articles/{slug}/hidden")).status_code == 204
    await composition.messaging.dispatcher.drain()


async def show(api: Api, composition: Composition, slug: str = SLUG) -> None:
    assert (await api.as_user(AUTHOR).delete(f"/articles/{slug}/hidden")).status_code == 204
    await composition.messaging.dispatcher.drain()


async def all_pages(api: Api, path: str) -> AsyncIterator[Json]:
    """Yield a list's page, and the pages that its links lead to."""
    next_path: str | None = path
    while next_path is not None:
        response = await api.get(next_path)
        assert response.status_code == 200, response.text
        yield response.json()
        next_path = next_page(response)


async def test_read_paths_show_the_hidden_article_to_those_who_see_it_only(
    api: Api, composition: Composition
) -> None:
    # One test: the setup takes longer than the assertions.
    clients = {name: api.as_user(name) for name in (READER, AUTHOR, MODERATOR)} | {"nobody": api}
    for read in READ_PATHS:
        for client in clients.values():
            # Cached while it is public.
            await client.get(read.path)
    await hide(api, composition)
    for read in READ_PATHS:
        for name, client in clients.items():
            assert_is_right(read, await client.get(read.path), sees=name in read.seen_by)
    assert [finding async for finding in find_differences(composition)] == []


def assert_is_right(read: ReadPath, response: httpx2.Response, *, sees: bool) -> None:
    assert (MARKER in response.text) is sees, response.text
    assert response.status_code in ({200} if sees else {200, 401, 404})
    if read.is_list and "limit" not in read.path and response.status_code == 200:
        body = response.json()
        assert body["articlesCount"] == len(body["articles"])


async def test_every_operation_on_articles_is_in_these_tables(api: Api) -> None:
    paths = {
        path.removeprefix("/api"): operations
        for path, operations in api.application.openapi()["paths"].items()
    }
    reads = {path for path, operations in paths.items() if "get" in operations}
    read = {path for path in reads if any(matches(path, tested.path) for tested in READ_PATHS)}
    assert reads - read == OTHER_READS
    writes = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method in operations
        if method != "get" and "{slug}" in path and not path.endswith("/hidden")
    }
    tested_writes = {
        (method, path)
        for method, path in writes
        if any(method == m and matches(path, p) for m, p, _ in WRITES)
    }
    assert writes - tested_writes == set()


def matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path.partition("?")[0]) is not None


async def test_pages_by_cursor_have_the_visible_articles_and_their_count(
    api: Api, composition: Composition
) -> None:
    await hide(api, composition)
    titles = ["Knights of dragons", "Dragons xyzzy", "Castles of dragons"]
    for name, visible in ((READER, [titles[0], titles[2]]), (MODERATOR, titles)):
        for path in ("/articles?limit=1", "/articles?limit=1&tag=fire", "/articles/feed?limit=1"):
            pages = [page async for page in all_pages(api.as_user(name), path)]
            assert [page["articles"][0]["title"] for page in pages] == visible
            assert {page["articlesCount"] for page in pages} == {len(visible)}


async def test_writes_to_a_hidden_article_are_not_found(api: Api, composition: Composition) -> None:
    await hide(api, composition)
    for method, path, body in WRITES:
        response = await api.as_user(READER).request(method, path, json=body)
        assert (response.status_code, response.json()) == (404, {"errors": {"article": ["not found"]}}), path


async def test_writes_that_wait_for_the_restriction_are_not_found(api: Api, composition: Composition) -> None:
    articles, reader = composition.containers["articles"], api.as_user(READER)
    ids = await articles.directory().ids({SLUG})
    async with composition.database.transaction():
        await articles.restrictions().restrict(ids.values(), "moderation", "moderators")
        # A new context, as another request has: this transaction is not open in it.
        writes = [
            asyncio.create_task(reader.request(method, path, json=body), context=Context())
            for method, path, body in WRITES
            if not path.endswith("/1")
        ]
        done, _ = await asyncio.wait(writes, timeout=TIMEOUT_SECONDS)
        assert not done
    assert [(await write).status_code for write in writes] == [404] * len(writes)
    assert [finding async for finding in find_differences(composition)] == []


async def test_writes_to_a_hidden_article_succeed_for_those_who_see_it(
    api: Api, composition: Composition
) -> None:
    await hide(api, composition)
    moderator = api.as_user(MODERATOR)
    comment = await moderator.comment({"slug": SLUG})
    assert (await moderator.delete(f"/articles/{SLUG}/comments/{comment['id']}")).status_code == 204
    for path in ("favorite", "bookmark"):
        assert (await moderator.post(f"/articles/{SLUG}/{path}")).status_code == 200
    assert (await moderator.delete(f"/articles/{SLUG}")).status_code == 403
    assert (await api.as_user(AUTHOR).delete(f"/articles/{SLUG}")).status_code == 204
    assert [finding async for finding in find_differences(composition)] == []


async def test_hidden_article_that_is_shown_again_is_as_before(api: Api, composition: Composition) -> None:
    paths = [read.path for read in READ_PATHS]
    reader = api.as_user(READER)
    before = {path: (await reader.get(path)).json() for path in paths if "atom" not in path}
    await hide(api, composition)
    # Counted when it is public again.
    await api.as_user(AUTHOR).put(f"/articles/{SLUG}", {"article": {"tagList": ["fire", MARKER]}})
    await api.as_user(MODERATOR).delete(f"/articles/{SLUG}/favorite")
    await api.as_user(MODERATOR).post(f"/articles/{SLUG}/favorite")
    await show(api, composition)
    after = {path: (await reader.get(path)).json() for path in before}
    assert without_times(after) == without_times(before)
    assert [finding async for finding in find_differences(composition)] == []


def without_times(value: object) -> object:
    if isinstance(value, dict):
        times = {"updatedAt", "exportedAt", "date_modified"}
        return {key: without_times(item) for key, item in value.items() if key not in times}
    return [without_times(item) for item in value] if isinstance(value, list) else value


async def test_export_has_own_comments_on_hidden_articles_without_their_slugs(
    api: Api, composition: Composition
) -> None:
    await hide(api, composition)
    exported = (await api.as_user(READER).get("/user/export")).json()["export"]
    comments = exported["comments"]["comments"]
    assert [comment["article"] for comment in comments] == ["castles-of-dragons", None]


async def test_number_of_statements_does_not_depend_on_that_of_hidden_articles(
    settings: Settings, api: Api, composition: Composition
) -> None:
    uncached = settings.model_copy(update={"response_cache_size": 0})
    tokens = {name: await api.as_user(name).token() for name in (READER, MODERATOR)}
    uncached_api = Api(create_application(uncached, composition), tokens)
    recorder = StatementRecorder(composition.database)

    async def statements() -> Mapping[tuple[str, str], int]:
        numbers = {}
        for name in tokens:
            for read in READ_PATHS:
                recorder.statements.clear()
                await uncached_api.as_user(name).get(read.path)
                numbers[name, read.path] = len(recorder.statements)
        return numbers

    await hide(api, composition)
    with_one = await statements()
    for number in range(10):
        more = await api.as_user(AUTHOR).publish(f"More {number} {MARKER}", tags=["fire", MARKER])
        for name in tokens:
            await api.as_user(name).favorite(more)
            await api.as_user(name).post(f"/articles/{more['slug']}/bookmark")
        await hide(api, composition, more["slug"])
    with_many = await statements()
    recorder.stop()
    assert with_many == with_one
