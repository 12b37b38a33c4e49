"""Limits of requests, streams and bodies in memory: what counts, from when, until when."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope

from conduit_app.middleware.body_limit import BodyLimitMiddleware
from conduit_app.middleware.overload import OverloadMiddleware

BUSY = {"errors": {"service": ["is busy, try again"]}}
MAX_SIZE, MAX_TOTAL_SIZE = 100, 150


class Exchange:
    """A request to an ASGI application, sent part by part, and its response."""

    def __init__(self, application: ASGIApp, path: str = "/", **headers: str) -> None:
        sent = headers or {"transfer_encoding": "chunked"}
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()]
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": raw,
        }
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._started = asyncio.Event()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.task = asyncio.create_task(self._run(application, scope))

    def send(self, part: bytes = b"", *, more: bool = False) -> "Exchange":
        """Send a part of the body, by default the last one."""
        self._received.put_nowait({"type": "http.request", "body": part, "more_body": more})
        return self

    def disconnect(self) -> None:
        """Close the connection."""
        self._received.put_nowait({"type": "http.disconnect"})

    async def started(self) -> int:
        """Wait for the start of the response, and return its status."""
        await self._started.wait()
        return self.status

    async def completed(self) -> int:
        """Wait for the end of the application, and return the status of its response."""
        await self.task
        return self.status

    async def _run(self, application: ASGIApp, scope: Scope) -> None:
        await application(scope, self._received.get, self._receive)

    async def _receive(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not self.status
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._started.set()
            return
        self.body += message["body"]
        if not message.get("more_body", False):
            # As ASGI says: after a response, `receive` returns a disconnect.
            self.disconnect()


class Application:
    """An application whose responses wait until they are released."""

    def __init__(self) -> None:
        self._running = asyncio.Event()
        self._released = asyncio.Event()
        paths = ["/", "/health/live", "/health/ready", "/metrics"]
        routes = [Route(path, self._respond, methods=["POST"]) for path in paths]
        routes.append(Route("/wait", self._wait, methods=["POST"]))
        routes.append(Route("/stream", self._stream, methods=["POST"]))
        application = OverloadMiddleware(Starlette(routes=routes), max_requests=1, max_streams=1)
        self.asgi = BodyLimitMiddleware(application, MAX_SIZE, MAX_TOTAL_SIZE)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Process a request for the time of the block."""
        exchange = Exchange(self.asgi, "/wait").send()
        await self._running.wait()
        yield
        self._released.set()
        assert await exchange.completed() == 200

    async def _respond(self, request: Request) -> Response:
        return PlainTextResponse(await request.body())

    async def _wait(self, _request: Request) -> Response:
        self._running.set()
        await self._released.wait()
        return PlainTextResponse("released")

    async def _stream(self, _request: Request) -> Response:
        async def events() -> AsyncIterator[str]:
            yield "data: tick\n\n"
            await asyncio.Event().wait()

        return StreamingResponse(events(), media_type="text/event-stream")


@pytest.fixture
def application() -> Application:
    """Return an application that processes one request and one stream."""
    return Application()


class TestRequests:
    async def test_request_above_the_limit_gets_503(self, application: Application) -> None:
        async with application.busy():
            rejected = Exchange(application.asgi).send(b"{}")
            assert await rejected.completed() == 503
            assert json.loads(rejected.body) == BUSY
            assert (rejected.headers["retry-after"], rejected.headers["connection"]) == ("1", "close")
        assert await Exchange(application.asgi).send(b"{}").completed() == 200

    async def test_request_counts_when_its_body_is_complete(self, application: Application) -> None:
        slow = [Exchange(application.asgi).send(b"a", more=True) for _ in range(10)]
        assert await Exchange(application.asgi).send(b"{}").completed() == 200
        async with application.busy():
            assert await slow[0].send(b"b").completed() == 503
        assert await slow[1].send(b"b").completed() == 200
        assert slow[1].body == b"ab"
        for exchange in slow[2:]:
            exchange.disconnect()
            assert await exchange.completed() == 0

    @pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
    async def test_probes_are_exempt(self, application: Application, path: str) -> None:
        async with application.busy():
            assert await Exchange(application.asgi, path).send().completed() == 200


class TestStreams:
    async def test_open_stream_is_not_a_request(self, application: Application) -> None:
        stream = Exchange(application.asgi, "/stream").send()
        assert await stream.started() == 200
        assert await Exchange(application.asgi).send(b"{}").completed() == 200
        stream.disconnect()
        assert await stream.completed() == 200

    async def test_stream_above_the_limit_gets_503(self, application: Application) -> None:
        stream = Exchange(application.asgi, "/stream").send()
        assert await stream.started() == 200
        rejected = Exchange(application.asgi, "/stream").send()
        assert await rejected.completed() == 503
        assert json.loads(rejected.body) == BUSY
        stream.disconnect()
        await stream.completed()
        last = Exchange(application.asgi, "/stream").send()
        assert await last.started() == 200
        last.disconnect()
        await last.completed()


class TestBodies:
    async def test_large_body_gets_413_before_it_is_complete(self, application: Application) -> None:
        declared = Exchange(application.asgi, content_length=str(MAX_SIZE + 1))
        assert await declared.completed() == 413
        chunked = Exchange(application.asgi).send(b"x" * MAX_SIZE, more=True).send(b"x", more=True)
        assert await chunked.completed() == 413

    async def test_bodies_above_the_total_get_503(self, application: Application) -> None:
        first = Exchange(application.asgi).send(b"x" * MAX_SIZE, more=True)
        # The first one's body is received before the second one's.
        second = Exchange(application.asgi).send(b"x" * MAX_SIZE, more=True)
        assert await second.completed() == 503
        assert json.loads(second.body) == BUSY
        assert await first.send().completed() == 200
        assert await Exchange(application.asgi).send(b"x" * MAX_SIZE).completed() == 200
