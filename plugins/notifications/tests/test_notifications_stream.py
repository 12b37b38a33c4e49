"""The stream of notifications, over a real connection to a real server."""

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
from notifications_context import Context, Json, open_context

from conduit_notifications.api import stream
from conduit_notifications.domain.notifications import Kind, Trigger
from conduit_notifications.infrastructure.notifications import SqlNotifications
from modules.articles.contracts import ArticleId
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.persistence.database import Database

# Generous, for a machine that is busy with other tests; no test waits for it to expire.
TIMEOUT_SECONDS = 20


class Stream:
    """A client of one reader's stream."""

    opening: Json
    """The fields at the beginning of the stream, which are no event."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next_event(self) -> Json:
        """Return the fields of the next event, its data parsed."""
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
        """Wait for the end of the stream; fail on an event before it."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for line in self._lines:
                assert line == "" or line.startswith(":"), line


@dataclass(frozen=True)
class Server:
    """A server of the module in this process, and a client."""

    context: Context
    client: httpx2.AsyncClient

    @asynccontextmanager
    async def stream(self, token: str, **headers: str) -> AsyncIterator[Stream]:
        """Open a stream, and wait until it has started."""
        sent = {"Authorization": f"Token {token}", **headers}
        async with self.client.stream("GET", "/api/notifications/stream", headers=sent) as response:
            stream = Stream(response)
            if response.status_code == 200:
                stream.opening = await stream.next_event()
            yield stream


@contextmanager
def surviving(number: signal.Signals) -> Iterator[None]:
    """Ignore a signal: uvicorn raises the one that stopped it again after the shutdown."""
    before = signal.signal(number, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(number, before)


@asynccontextmanager
async def serving(context: Context) -> AsyncIterator[Server]:
    """Serve the module as `conduit serve` does, with background tasks, until a SIGTERM."""
    config = uvicorn.Config(
        context.module.application, log_config=None, access_log=False, proxy_headers=False, lifespan="on"
    )
    uvicorn_server = uvicorn.Server(config)
    with surviving(signal.SIGTERM), socket.create_server(("127.0.0.1", 0)) as listening:
        serving_task = asyncio.create_task(uvicorn_server.serve(sockets=[listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx2.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS) as client:
            yield Server(context, client)
        if not uvicorn_server.should_exit:
            signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await serving_task


@pytest.fixture(scope="session")
async def shared_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Return the server that all tests share."""
    async with open_context(tmp_path_factory.mktemp("served")) as context, serving(context) as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    """Return the shared server without users, articles or notifications."""
    return replace(shared_server, context=shared_server.context.reset())


async def test_new_notifications_are_streamed(server: Server) -> None:
    dragons = server.context.article("dragons")
    async with server.stream(server.context.token("jake")) as stream:
        assert stream.response.headers["Content-Type"].startswith("text/event-stream")
        for number, name in enumerate(("anna", "carl"), start=1):
            await server.context.comment(dragons, name)
            event = await stream.next_event()
            assert (event["event"], event["id"]) == ("notification", str(number))
            assert event["data"] == (await server.context.page("jake"))["notifications"][0]
            assert event["data"]["actor"]["username"] == name


async def test_stream_has_only_notifications_of_the_reader(server: Server) -> None:
    dragons = server.context.article("dragons")
    castles = server.context.articles.add("castles", author=server.context.user("anna"))
    async with server.stream(server.context.token("anna")) as stream:
        await server.context.favorite(dragons, "carl")
        await server.context.favorite(castles, "jake")
        assert (await stream.next_event())["data"]["article"]["slug"] == "castles"


async def test_reconnecting_client_gets_missed_notifications(server: Server) -> None:
    dragons = server.context.article("dragons")
    for name in ("anna", "bert", "carl"):
        await server.context.favorite(dragons, name)
    async with server.stream(server.context.token("jake"), **{"Last-Event-ID": "1"}) as stream:
        assert [(await stream.next_event())["id"] for _ in range(2)] == ["2", "3"]


async def test_stream_opens_with_the_id_that_it_starts_after(server: Server) -> None:
    dragons = server.context.article("dragons")
    async with server.stream(server.context.token("jake")) as stream:
        # Without data, so that clients dispatch no event.
        assert stream.opening == {"id": "0"}
    for name in ("anna", "bert"):
        await server.context.favorite(dragons, name)
    async with server.stream(server.context.token("jake"), **{"Last-Event-ID": "1"}) as stream:
        assert stream.opening == {"id": "1"}


async def test_client_that_reconnects_before_its_first_event_misses_none(server: Server) -> None:
    dragons = server.context.article("dragons")
    await server.context.favorite(dragons, "anna")
    async with server.stream(server.context.token("jake")) as stream:
        opened = stream.opening["id"]
    await server.context.favorite(dragons, "bert")
    async with server.stream(server.context.token("jake"), **{"Last-Event-ID": opened}) as stream:
        assert (await stream.next_event())["data"]["actor"]["username"] == "bert"


@pytest.mark.parametrize("beyond", ["2", "9" * 18])
async def test_id_beyond_the_newest_is_clamped(server: Server, beyond: str) -> None:
    dragons = server.context.article("dragons")
    await server.context.favorite(dragons, "anna")
    async with server.stream(server.context.token("jake"), **{"Last-Event-ID": beyond}) as stream:
        assert stream.opening == {"id": "1"}
        await server.context.favorite(dragons, "bert")
        assert (await stream.next_event())["id"] == "2"


@pytest.mark.parametrize("headers", [{}, {"Last-Event-ID": "yesterday"}])
async def test_stream_without_a_valid_last_event_id_starts_with_new_notifications(
    server: Server, headers: dict[str, str]
) -> None:
    dragons = server.context.article("dragons")
    await server.context.favorite(dragons, "anna")
    async with server.stream(server.context.token("jake"), **headers) as stream:
        await server.context.favorite(dragons, "carl")
        assert (await stream.next_event())["id"] == "2"


async def test_notification_of_another_process_is_streamed(server: Server) -> None:
    dragons = server.context.article("dragons")
    url = server.context.module.database.engines[0].url.render_as_string()
    other = Database(url)
    async with server.stream(server.context.token("jake")) as stream:
        trigger = Trigger(Kind.FAVORITE, ArticleId(dragons), dragons, server.context.user("anna"))
        await SqlNotifications(other, Signals(other)).add(server.context.user("jake"), trigger, NOON)
        assert (await stream.next_event())["id"] == "1"
    await other.dispose()


async def test_waiting_stream_holds_no_database_connection(server: Server) -> None:
    server.context.article("dragons")
    async with server.stream(server.context.token("jake")):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            # The dispatcher takes one from time to time to poll the outbox.
            while any(pool.in_use for pool in server.context.module.database.pools.values()):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)


async def test_idle_stream_sends_heartbeats_and_ends_with_its_token(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.05)
    server.context.article("dragons")
    token = server.context.token("jake")
    async with server.stream(token) as idle:
        await idle.next_comment()
        await idle.next_comment()
        server.context.tokens.revoke(token)
        await idle.end()


async def test_stream_above_the_limit_gets_503_until_another_ends(server: Server) -> None:
    server.context.article("dragons")
    token = server.context.token("jake")
    async with AsyncExitStack() as streams:
        for _ in range(9):
            await streams.enter_async_context(server.stream(token))
        async with server.stream(token), server.stream(token) as rejected:
            assert rejected.response.status_code == 503
            assert rejected.response.headers["Retry-After"] == "1"
            await rejected.response.aread()
            assert list(rejected.response.json()["errors"]) == ["stream"]
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                async with server.stream(token) as again:
                    if again.response.status_code == 200:
                        return


async def test_stream_ends_at_shutdown(dedicated_context: Context) -> None:
    async with serving(dedicated_context) as server, server.stream(server.context.token("jake")) as stream:
        signal.raise_signal(signal.SIGTERM)
        await stream.end()
