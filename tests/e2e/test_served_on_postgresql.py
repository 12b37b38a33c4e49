"""`conduit serve` with two workers: failures of PostgreSQL, and killed workers."""

import asyncio
import os
import re
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from tests import program
from tests.client import PASSWORD
from tests.postgresql import Server, wait_until
from tests.program import RunningServer, served

pytestmark = pytest.mark.slow

KILLS = 2
WRITERS = 3
# Pause between two comments of a writer, to limit the load on the machine.
PACE_SECONDS = 0.02
RECOVERY_SECONDS = 5.0
FAIL_FAST_SECONDS = 2.0
STARTED = re.compile(r"Started server process \[(\d+)\]")
ARTICLE = {"title": "Dragons", "description": "On dragons", "body": "They fly."}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Return a PostgreSQL server that these tests may stop."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-e2e-", dir="/tmp"))
    folder.chmod(0o755)
    server = Server(folder / "server")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def conduit(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server with two workers."""
    folder = tmp_path_factory.mktemp("served")
    settings = {"DATABASE_URL": server.url, "LOG_FORMAT": "json", "LOG_LEVEL": "info"}
    assert program.conduit(folder, "migrate", **settings).returncode == 0
    with served(folder, "--workers", "2", **settings) as conduit:
        for _ in range(2):
            conduit.wait_for_log(STARTED)
        yield conduit


@asynccontextmanager
async def fresh_connections(conduit: RunningServer) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a client that opens a connection for each request, so that either worker may accept it."""
    limits = httpx2.Limits(max_keepalive_connections=0)
    async with httpx2.AsyncClient(base_url=conduit.url, timeout=10, limits=limits) as client:
        yield client


async def publish_as(client: httpx2.AsyncClient, name: str) -> tuple[str, dict[str, str]]:
    """Publish an article as a new user; return its path and the Authorization header."""
    user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    response = await client.post("/api/users", json={"user": user})
    assert response.status_code == 201, response.text
    headers = {"Authorization": f"Token {response.json()['user']['token']}"}
    response = await client.post("/api/articles", json={"article": ARTICLE}, headers=headers)
    assert response.status_code == 201, response.text
    return f"/api/articles/{response.json()['article']['slug']}", headers


class Load:
    """Continuously adds comments, and records the responses."""

    def __init__(self, client: httpx2.AsyncClient, article: str, headers: dict[str, str]) -> None:
        self._client = client
        self._article = article
        self._headers = headers
        self._ending = False
        self._response_received = asyncio.Event()
        self.acknowledged: set[int] = set()
        self.statuses: Counter[int] = Counter()
        self.broken = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Load"]:
        """Write for the block, and wait for the last responses."""
        async with asyncio.TaskGroup() as writers:
            for _ in range(WRITERS):
                writers.create_task(self._write())
            try:
                yield self
            finally:
                self._ending = True

    async def more(self, number: int = 10) -> None:
        """Wait for more acknowledged comments."""
        enough = len(self.acknowledged) + number
        await self.wait_until(lambda: len(self.acknowledged) >= enough)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds after a response."""
        async with asyncio.timeout(program.TIMEOUT_SECONDS):
            while not condition():
                self._response_received.clear()
                await self._response_received.wait()

    async def stored(self) -> set[int]:
        """Return the ids of the stored comments."""
        stored: set[int] = set()
        page = f"{self._article}/comments?limit=100"
        while page:
            response = await self._client.get(page, headers=self._headers)
            assert response.status_code == 200, response.text
            stored |= {comment["id"] for comment in response.json()["comments"]}
            next_ = response.links.get("next")
            page = str(response.url.join(next_["url"])) if next_ else ""
        return stored

    async def _write(self) -> None:
        while not self._ending:
            await self._write_one()
            self._response_received.set()
            await asyncio.sleep(PACE_SECONDS)

    async def _write_one(self) -> None:
        try:
            response = await self._client.post(
                f"{self._article}/comments", json={"comment": {"body": "Nice"}}, headers=self._headers
            )
        except httpx2.TransportError:
            # The worker was killed: the outcome is unknown.
            self.broken += 1
            return
        self.statuses[response.status_code] += 1
        if response.status_code == 201:
            self.acknowledged.add(response.json()["comment"]["id"])
        else:
            assert response.headers.get("Retry-After") == "1"


async def timed(client: httpx2.AsyncClient, path: str) -> tuple[int, float]:
    """Return the status of a response, and its duration in seconds."""
    start = time.monotonic()
    response = await client.get(path)
    return response.status_code, time.monotonic() - start


async def test_stopped_postgresql_gets_503_quickly_and_recovers(
    conduit: RunningServer, server: Server
) -> None:
    async with fresh_connections(conduit) as client:
        load = Load(client, *await publish_as(client, "restarting"))
        async with load.running():
            await load.more()
            await asyncio.to_thread(server.stop)
            await load.wait_until(lambda: load.statuses[503] > 0)
            status, seconds = await timed(client, "/api/tags")
            assert (status, seconds < FAIL_FAST_SECONDS) == (503, True)
            assert (await client.get("/health/ready")).status_code == 503
            assert (await client.get("/health/live")).status_code == 200
            await asyncio.to_thread(server.start)
            start = time.monotonic()
            await load.more()
            assert time.monotonic() - start < RECOVERY_SECONDS
            assert (await client.get("/health/ready")).status_code == 200
        assert load.statuses.keys() == {201, 503}
        assert load.broken == 0
        assert await load.stored() >= load.acknowledged


async def test_frozen_postgresql_is_detected_within_seconds(conduit: RunningServer, server: Server) -> None:
    async with fresh_connections(conduit) as client:
        # Opens a connection, which does not notice that the server is frozen.
        assert (await client.get("/health/ready")).status_code == 200
        with server.frozen():
            status, seconds = await timed(client, "/health/ready")
            assert (status, seconds < RECOVERY_SECONDS) == (503, True)
            assert (await client.get("/health/live")).status_code == 200
            status, seconds = await timed(client, "/metrics")
            assert (status, seconds < RECOVERY_SECONDS) == (200, True)
        status, seconds = await timed(client, "/health/ready")
        assert (status, seconds < RECOVERY_SECONDS) == (200, True)


async def test_service_recovers_from_a_postgresql_crash(conduit: RunningServer, server: Server) -> None:
    async with fresh_connections(conduit) as client:
        load = Load(client, *await publish_as(client, "crashing"))
        async with load.running():
            await load.more()
            # SIGQUIT has the effect of a killed server process.
            await asyncio.to_thread(server.stop, signal.SIGQUIT)
            await asyncio.to_thread(server.start)
            start = time.monotonic()
            await load.more()
            assert time.monotonic() - start < RECOVERY_SECONDS
        assert load.statuses.keys() <= {201, 503}
        assert await load.stored() >= load.acknowledged


async def test_acknowledged_writes_survive_killed_workers(conduit: RunningServer) -> None:
    workers = {int(pid) for pid in STARTED.findall(conduit.log)}
    async with fresh_connections(conduit) as client:
        load = Load(client, *await publish_as(client, "killing"))
        async with load.running():
            for _ in range(KILLS):
                await load.more()
                killed = workers.pop()
                os.kill(killed, signal.SIGKILL)
                successor = await asyncio.to_thread(conduit.wait_for_log, STARTED)
                workers.add(int(successor[1]))
            await load.more()
        assert load.statuses.keys() == {201}
        assert await load.stored() >= load.acknowledged
        assert len(workers) == 2
        for worker in workers:
            os.kill(worker, 0)  # raises ProcessLookupError for one that has ended


async def test_sigterm_finishes_the_requests_of_every_worker(conduit: RunningServer) -> None:
    # The last test, because it stops the shared server.
    async with fresh_connections(conduit) as client:
        load = Load(client, *await publish_as(client, "ending"))
        async with load.running():
            await load.more()
            conduit.signal(signal.SIGTERM)
            await load.wait_until(lambda: load.broken > 0)
        # Requests before the signal were finished; connections after it were refused.
        assert load.statuses.keys() == {201}
    wait_until(lambda: "Stopping parent process" in conduit.log, "the server does not stop")
    assert conduit.wait() == 0
    assert "Traceback" not in conduit.log
