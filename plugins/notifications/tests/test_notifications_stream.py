"""Notifications as they come: over a real connection to a real server."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

import httpx2
import pytest
import uvicorn
from notifications_scene import Json, Scene, opened
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from conduit_notifications.api import stream
from conduit_notifications.domain.notifications import Kind, Trigger
from conduit_notifications.infrastructure.notifications import SqlNotifications
from modules.articles.contracts import ArticleId
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.persistence.database import Database

# Long, for a machine that is busy with other tests; nothing waits for it to pass.
TIMEOUT_SECONDS = 20


class Stream:
    """One reader's stream, as a browser reads it."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next_event(self) -> Json:
        """Return the fields of the next event; its data is read."""
        fields: Json = {}
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for line in self._lines:
                if line.startswith(":"):
                    continue
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = json.loads(value) if name == "data" else value
                elif fields:
                    return fields
        raise AssertionError("the stream has ended")

    async def next_comment(self) -> None:
        """Wait for a comment."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for line in self._lines:
                if line.startswith(":"):
                    return
        raise AssertionError("the stream has ended")

    async def end(self) -> None:
        """Wait for the end of the stream; fail if there is an event before."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for line in self._lines:
                assert line == "" or line.startswith(":"), line


@dataclass(frozen=True)
class Served:
    """The module behind a server, in this process."""

    scene: Scene
    client: httpx2.AsyncClient

    @asynccontextmanager
    async def stream(self, token: str, **headers: str) -> AsyncIterator[Stream]:
        """Open a stream, and wait until it has begun."""
        sent = {"Authorization": f"Token {token}", **headers}
        async with self.client.stream("GET", "/api/notifications/stream", headers=sent) as answer:
            stream = Stream(answer)
            if answer.status_code == 200:
                await stream.next_comment()
            yield stream


@contextmanager
def surviving(number: signal.Signals) -> Iterator[None]:
    """Let this process survive a signal: when it has ended, a server sends itself what ended it."""
    before = signal.signal(number, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(number, before)


@asynccontextmanager
async def serving(scene: Scene) -> AsyncIterator[Served]:
    """Serve the module as `conduit serve` does, with its background work, until a SIGTERM."""
    config = uvicorn.Config(
        scene.alone.application, log_config=None, access_log=False, proxy_headers=False, lifespan="on"
    )
    server = uvicorn.Server(config)
    with surviving(signal.SIGTERM), socket.create_server(("127.0.0.1", 0)) as listening:
        running = asyncio.create_task(server.serve(sockets=[listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx2.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS) as client:
            yield Served(scene, client)
        if not server.should_exit:
            signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await running


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """Return the server that one test after another uses."""
    async with opened(tmp_path_factory.mktemp("served")) as scene, serving(scene) as served:
        yield served


@pytest.fixture
def served(server: Served) -> Served:
    """Return a server in whose world nobody is and nothing has happened."""
    return replace(server, scene=server.scene.anew())


async def test_notifications_come_as_they_are_made(served: Served) -> None:
    dragons = served.scene.article("dragons")
    async with served.stream(served.scene.token("jake")) as stream:
        assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
        for number, name in enumerate(("anna", "carl"), start=1):
            await served.scene.comment(dragons, name)
            event = await stream.next_event()
            assert (event["event"], event["id"]) == ("notification", str(number))
            assert event["data"] == (await served.scene.inbox("jake"))["notifications"][0]
            assert event["data"]["actor"]["username"] == name


async def test_only_ones_own_come(served: Served) -> None:
    dragons = served.scene.article("dragons")
    castles = served.scene.articles.add("castles", author=served.scene.user("anna"))
    async with served.stream(served.scene.token("anna")) as stream:
        await served.scene.favorite(dragons, "carl")
        await served.scene.favorite(castles, "jake")
        assert (await stream.next_event())["data"]["article"]["slug"] == "castles"


async def test_whoever_comes_again_gets_what_came_meanwhile(served: Served) -> None:
    dragons = served.scene.article("dragons")
    for name in ("anna", "bert", "carl"):
        await served.scene.favorite(dragons, name)
    async with served.stream(served.scene.token("jake"), **{"Last-Event-ID": "1"}) as stream:
        assert [(await stream.next_event())["id"] for _ in range(2)] == ["2", "3"]


@pytest.mark.parametrize("headers", [{}, {"Last-Event-ID": "yesterday"}])
async def test_whoever_does_not_say_where_they_were_gets_what_is_new(
    served: Served, headers: dict[str, str]
) -> None:
    dragons = served.scene.article("dragons")
    await served.scene.favorite(dragons, "anna")
    async with served.stream(served.scene.token("jake"), **headers) as stream:
        await served.scene.favorite(dragons, "carl")
        assert (await stream.next_event())["id"] == "2"


async def test_what_another_process_has_made_comes_too(served: Served) -> None:
    dragons = served.scene.article("dragons")
    url = served.scene.alone.database.engines[0].url.render_as_string()
    elsewhere = Database(url)
    async with served.stream(served.scene.token("jake")) as stream:
        occasion = Trigger(Kind.FAVORITE, ArticleId(dragons), dragons, served.scene.user("anna"))
        await SqlNotifications(elsewhere, Signals(elsewhere)).add(served.scene.user("jake"), occasion, NOON)
        assert (await stream.next_event())["id"] == "1"
    await elsewhere.dispose()


def in_use(engine: AsyncEngine) -> int:
    """Return how many connections of the engine's pool somebody holds."""
    pool = engine.sync_engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


async def test_it_holds_no_connection_to_the_database_while_it_waits(served: Served) -> None:
    served.scene.article("dragons")
    async with served.stream(served.scene.token("jake")):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            # The dispatcher looks into the outbox now and then, and needs one for that.
            while any(in_use(one) for one in served.scene.alone.database.engines):  # noqa: ASYNC110 - untold
                await asyncio.sleep(0.01)


async def test_what_is_silent_is_kept_alive_and_ends_with_its_token(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.05)
    served.scene.article("dragons")
    token = served.scene.token("jake")
    async with served.stream(token) as following:
        await following.next_comment()
        await following.next_comment()
        served.scene.tokens.end(token)
        await following.end()


async def test_nobody_has_none(served: Served) -> None:
    async with served.stream("forged") as refused:
        assert refused.answer.status_code == 401


async def test_one_too_many_is_refused_until_another_ends(served: Served) -> None:
    served.scene.article("dragons")
    token = served.scene.token("jake")
    async with AsyncExitStack() as streams:
        for _ in range(9):
            await streams.enter_async_context(served.stream(token))
        async with served.stream(token), served.stream(token) as refused:
            assert refused.answer.status_code == 503
            assert refused.answer.headers["Retry-After"] == "1"
            await refused.answer.aread()
            assert list(refused.answer.json()["errors"]) == ["stream"]
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                async with served.stream(token) as again:
                    if again.answer.status_code == 200:
                        return


async def test_it_ends_when_the_process_is_told_to_end(scene_of_its_own: Scene) -> None:
    async with serving(scene_of_its_own) as served, served.stream(served.scene.token("jake")) as stream:
        signal.raise_signal(signal.SIGTERM)
        await stream.end()
