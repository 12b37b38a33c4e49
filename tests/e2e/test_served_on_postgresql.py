"""`conduit serve` with two workers on a PostgreSQL that comes and goes, under workers that are killed."""

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
# Between two comments of a writer: the machine has other things to do.
PACE_SECONDS = 0.02
RECOVERY_SECONDS = 5.0
AT_ONCE_SECONDS = 2.0
STARTED = re.compile(r"Started server process \[(\d+)\]")
ARTICLE = {"title": "Dragons", "description": "On dragons", "body": "They fly."}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Return a PostgreSQL of these tests alone, which they may stop."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-e2e-", dir="/tmp"))
    folder.chmod(0o755)
    server = Server(folder / "server")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def conduit(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a Conduit with two workers."""
    folder = tmp_path_factory.mktemp("served")
    settings = {"DATABASE_URL": server.url, "LOG_FORMAT": "json", "LOG_LEVEL": "info"}
    assert program.conduit(folder, "migrate", **settings).returncode == 0
    with served(folder, "--workers", "2", **settings) as conduit:
        for _ in range(2):
            conduit.wait_for_log(STARTED)
        yield conduit


@asynccontextmanager
async def calling(conduit: RunningServer) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a client of whichever worker takes the connection, which is one of its own for each request."""
    limits = httpx2.Limits(max_keepalive_connections=0)
    async with httpx2.AsyncClient(base_url=conduit.url, timeout=10, limits=limits) as client:
        yield client


async def written(client: httpx2.AsyncClient, name: str) -> tuple[str, dict[str, str]]:
    """Register a user who publishes, and return the article's path and the user's header."""
    user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    response = await client.post("/api/users", json={"user": user})
    assert response.status_code == 201, response.text
    headers = {"Authorization": f"Token {response.json()['user']['token']}"}
    response = await client.post("/api/articles", json={"article": ARTICLE}, headers=headers)
    assert response.status_code == 201, response.text
    return f"/api/articles/{response.json()['article']['slug']}", headers


class Load:
    """Writes comments without end, and knows what was answered."""

    def __init__(self, client: httpx2.AsyncClient, article: str, headers: dict[str, str]) -> None:
        self._client = client
        self._article = article
        self._headers = headers
        self._ending = False
        self._answered = asyncio.Event()
        self.acknowledged: set[int] = set()
        self.statuses: Counter[int] = Counter()
        self.broken = 0

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator["Load"]:
        """Write until the block ends, and wait for the last answers."""
        async with asyncio.TaskGroup() as writers:
            for _ in range(WRITERS):
                writers.create_task(self._write())
            try:
                yield self
            finally:
                self._ending = True

    async def more(self, number: int = 10) -> None:
        """Wait until so many more were acknowledged."""
        enough = len(self.acknowledged) + number
        await self.wait_until(lambda: len(self.acknowledged) >= enough)

    async def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until this holds after an answer."""
        async with asyncio.timeout(program.TIMEOUT_SECONDS):
            while not holds():
                self._answered.clear()
                await self._answered.wait()

    async def kept(self) -> set[int]:
        """Return the comments that are there."""
        response = await self._client.get(f"{self._article}/comments", headers=self._headers)
        assert response.status_code == 200, response.text
        return {comment["id"] for comment in response.json()["comments"]}

    async def _write(self) -> None:
        while not self._ending:
            await self._write_one()
            self._answered.set()
            await asyncio.sleep(PACE_SECONDS)

    async def _write_one(self) -> None:
        try:
            response = await self._client.post(
                f"{self._article}/comments", json={"comment": {"body": "Nice"}}, headers=self._headers
            )
        except httpx2.TransportError:
            # Its worker was killed: nobody knows, and nobody was told.
            self.broken += 1
            return
        self.statuses[response.status_code] += 1
        if response.status_code == 201:
            self.acknowledged.add(response.json()["comment"]["id"])
        else:
            assert response.headers.get("Retry-After") == "1"


async def timed(client: httpx2.AsyncClient, path: str) -> tuple[int, float]:
    """Return the status of an answer, and how long it took."""
    began = time.monotonic()
    response = await client.get(path)
    return response.status_code, time.monotonic() - began


async def test_while_postgresql_is_away_callers_are_told_so_at_once_and_then_all_goes_on(
    conduit: RunningServer, server: Server
) -> None:
    async with calling(conduit) as client:
        load = Load(client, *await written(client, "restarting"))
        async with load.going_on():
            await load.more()
            await asyncio.to_thread(server.stop)
            await load.wait_until(lambda: load.statuses[503] > 0)
            status, seconds = await timed(client, "/api/tags")
            assert (status, seconds < AT_ONCE_SECONDS) == (503, True)
            assert (await client.get("/health/ready")).status_code == 503
            assert (await client.get("/health/live")).status_code == 200
            await asyncio.to_thread(server.start)
            began = time.monotonic()
            await load.more()
            assert time.monotonic() - began < RECOVERY_SECONDS
            assert (await client.get("/health/ready")).status_code == 200
        assert load.statuses.keys() == {201, 503}
        assert load.broken == 0
        assert await load.kept() >= load.acknowledged


async def test_a_postgresql_that_freezes_is_missed_within_seconds(
    conduit: RunningServer, server: Server
) -> None:
    async with calling(conduit) as client:
        # A connection that is there already: nobody is told that its other end is frozen.
        assert (await client.get("/health/ready")).status_code == 200
        with server.frozen():
            status, seconds = await timed(client, "/health/ready")
            assert (status, seconds < RECOVERY_SECONDS) == (503, True)
            assert (await client.get("/health/live")).status_code == 200
            status, seconds = await timed(client, "/metrics")
            assert (status, seconds < RECOVERY_SECONDS) == (200, True)
        status, seconds = await timed(client, "/health/ready")
        assert (status, seconds < RECOVERY_SECONDS) == (200, True)


async def test_a_crash_of_postgresql_is_no_more_than_that(conduit: RunningServer, server: Server) -> None:
    async with calling(conduit) as client:
        load = Load(client, *await written(client, "crashing"))
        async with load.going_on():
            await load.more()
            # SIGQUIT to the server is what it does to itself when one of its processes is killed.
            await asyncio.to_thread(server.stop, signal.SIGQUIT)
            await asyncio.to_thread(server.start)
            began = time.monotonic()
            await load.more()
            assert time.monotonic() - began < RECOVERY_SECONDS
        assert load.statuses.keys() <= {201, 503}
        assert await load.kept() >= load.acknowledged


async def test_what_was_acknowledged_is_there_however_many_workers_are_killed(conduit: RunningServer) -> None:
    workers = {int(pid) for pid in STARTED.findall(conduit.log)}
    async with calling(conduit) as client:
        load = Load(client, *await written(client, "killing"))
        async with load.going_on():
            for _ in range(KILLS):
                await load.more()
                killed = workers.pop()
                os.kill(killed, signal.SIGKILL)
                successor = await asyncio.to_thread(conduit.wait_for_log, STARTED)
                workers.add(int(successor[1]))
            await load.more()
        assert load.statuses.keys() == {201}
        assert await load.kept() >= load.acknowledged
        assert len(workers) == 2
        for worker in workers:
            os.kill(worker, 0)  # raises ProcessLookupError for one that has ended


async def test_sigterm_lets_every_worker_answer_what_it_has_begun(conduit: RunningServer) -> None:
    # The last one: it ends what the others share.
    async with calling(conduit) as client:
        load = Load(client, *await written(client, "ending"))
        async with load.going_on():
            await load.more()
            conduit.signal(signal.SIGTERM)
            await load.wait_until(lambda: load.broken > 0)
        # Whoever came before was answered, and whoever came after found nobody.
        assert load.statuses.keys() == {201}
    wait_until(lambda: "Stopping parent process" in conduit.log, "it does not end")
    assert conduit.wait() == 0
    assert "Traceback" not in conduit.log
