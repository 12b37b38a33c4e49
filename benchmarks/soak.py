"""A long run under mixed load, which shows what grows although the data does not.

Clients read, write, log in, follow streams and disconnect in the middle; what they publish they delete again.
Meanwhile the memory, the open files, the write-ahead log and the outbox are sampled.
"""

import asyncio
import os
import random
import secrets
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, linear_regression
from tempfile import TemporaryDirectory

import httpx2

from benchmarks.databases import Databases, SqliteDatabases, postgresql
from benchmarks.dataset import PASSWORD, SMALL, Dataset, prepare
from benchmarks.measure import BenchError, family, pin_load, resident_megabytes, serving
from benchmarks.site import LIMITS
from tests.program import write_metadata

CLIENTS, STREAMS, WORKERS = 12, 4, 2
# Of its own articles and comments, each client keeps this many.
OWN = 5
SAMPLES = 120
STREAM = "/api/notifications/stream"
# Of a chart, in pixels.
WIDTH, HEIGHT = 320, 160
PLUGIN = Path(__file__).parents[1] / "plugins" / "notifications"


@dataclass(frozen=True, slots=True)
class Limit:
    """The limits of a figure. Growth is measured after the first third of the run, when caches are full."""

    unit: str
    growth: float = 0.0
    """The maximum growth of its trend per hour."""

    most: float = float("inf")
    """The maximum at any time."""


LIMITS_OF_FIGURES = {
    # Of all processes together, whose allocators grow by some megabytes for minutes.
    "memory": Limit("MB", growth=20),
    "open files": Limit("", growth=10),
    "write-ahead log": Limit("MB", most=16),
    "oldest pending delivery": Limit("s", most=10),
    "pending deliveries": Limit("", growth=100),
}


@dataclass
class Run:
    """The samples of one engine, and how often each status was returned."""

    engine: str
    statuses: Counter[int] = field(default_factory=Counter)
    samples: list[tuple[float, Mapping[str, float]]] = field(default_factory=list)
    """The time of each sample in seconds since the beginning, and its figures."""

    def trend(self, figure: str) -> float:
        """Return by how much the figure grows in an hour, by its trend after the first third."""
        later = self.samples[len(self.samples) // 3 :]
        if len(later) < 2:  # noqa: PLR2004 - a line needs two points
            raise BenchError("the run is too short")
        return (
            3600 * linear_regression([at for at, _ in later], [values[figure] for _, values in later]).slope
        )

    def problems(self) -> Sequence[str]:
        """Return a line for each figure beyond its limits, and for each status that must not occur."""
        found = [
            f"{self.engine}: {figure} grows by {self.trend(figure):.1f} {limit.unit} in an hour"
            for figure, limit in LIMITS_OF_FIGURES.items()
            if limit.most == float("inf") and self.trend(figure) > limit.growth
        ]
        for figure, limit in LIMITS_OF_FIGURES.items():
            if (most := max(values[figure] for _, values in self.samples)) > limit.most:
                found.append(f"{self.engine}: {figure} was {most:.1f} {limit.unit}")
        errors = {status: count for status, count in self.statuses.items() if status >= 500}  # noqa: PLR2004 - 5xx
        return [*found, *(f"{self.engine}: status {status}: {count}" for status, count in errors.items())]


def soak(minutes: float) -> list[Run]:
    """Run the load on both engines, one after the other, for so many minutes each."""
    core = pin_load()
    with TemporaryDirectory(prefix="conduit-soak-") as name, ExitStack() as stack:
        folder = Path(name)
        engines: dict[str, Databases] = {
            "SQLite": SqliteDatabases(folder),
            "PostgreSQL": stack.enter_context(postgresql(folder)),
        }
        return [_run(engine, databases, folder, core, minutes) for engine, databases in engines.items()]


def _run(engine: str, databases: Databases, folder: Path, core: int, minutes: float) -> Run:
    secret, url = secrets.token_urlsafe(48), databases.create("soak")
    dataset = prepare(url, secret, SMALL)
    # As if notifications were installed.
    site = folder / engine
    write_metadata(site, "notifications", "conduit_notifications")
    environment = LIMITS | {
        "CONDUIT_DATABASE_URL": url,
        "CONDUIT_SECRET_KEY": secret,
        "CONDUIT_ENVIRONMENT": "production",
        "CONDUIT_LOG_LEVEL": "warning",
        "CONDUIT_LOGIN_LIMIT_PER_ADDRESS": "1000000 per hour",
        "PYTHONPATH": os.pathsep.join([str(PLUGIN), str(site), str(Path.cwd())]),
    }
    program = ["-m", "conduit_app.cli"]
    # The tables of notifications.
    subprocess.run(
        [sys.executable, *program, "migrate"], env={**os.environ, **environment}, check=True, cwd=folder
    )
    arguments = [*program, "serve", "--port", "PORT", "--workers", str(WORKERS)]
    run = Run(engine)
    with serving(arguments, environment, folder / "servers.log", core) as server:
        asyncio.run(_load(run, server.process.pid, f"http://127.0.0.1:{server.port}", dataset, minutes))
    return run


async def _load(run: Run, pid: int, url: str, dataset: Dataset, minutes: float) -> None:
    ended = asyncio.Event()
    async with httpx2.AsyncClient(base_url=url, timeout=60) as client, asyncio.TaskGroup() as tasks:
        clients = [_Client(number, client, dataset, run.statuses) for number in range(CLIENTS)]
        for one in clients:
            tasks.create_task(one.run(ended))
        for token in dataset.tokens[:STREAMS]:
            tasks.create_task(_follow(url, token, ended))
        started, interval = time.monotonic(), minutes * 60 / SAMPLES
        for number in range(1, SAMPLES + 1):
            await asyncio.sleep(max(0.0, started + number * interval - time.monotonic()))
            run.samples.append((time.monotonic() - started, await _sample(client, pid)))
        ended.set()


async def _sample(client: httpx2.AsyncClient, pid: int) -> Mapping[str, float]:
    lines = (await client.get("/metrics")).raise_for_status().text.splitlines()
    metrics = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    processes = list(family(pid))
    return {
        "memory": sum(map(resident_megabytes, processes)),
        "open files": sum(map(_open_files, processes)),
        "write-ahead log": float(metrics.get("conduit_database_wal_bytes", 0)) / 1_000_000,
        "oldest pending delivery": float(metrics["conduit_outbox_oldest_pending_seconds"]),
        "pending deliveries": float(metrics['conduit_outbox_deliveries{state="pending"}']),
    }


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


class _Client:
    """A user that reads and writes."""

    def __init__(
        self, number: int, client: httpx2.AsyncClient, dataset: Dataset, statuses: Counter[int]
    ) -> None:
        self._choose = random.Random(number)  # noqa: S311 - of requests
        self._number = number % len(dataset.tokens)
        self._client = client
        self._slugs = dataset.slugs
        self._headers = {"Authorization": f"Token {dataset.tokens[self._number]}"}
        self._statuses = statuses
        self._published: deque[str] = deque()
        self._commented: deque[tuple[str, int]] = deque()

    async def run(self, ended: asyncio.Event) -> None:
        """Send requests until the end."""
        actions = (self._read, self._comment, self._favorite, self._publish, self._log_in, self._disconnect)
        while not ended.is_set():
            [action] = self._choose.choices(actions, weights=(70, 10, 10, 5, 1, 4))
            await action()

    async def _send(self, method: str, path: str, json: object = None) -> httpx2.Response:
        response = await self._client.request(method, f"/api{path}", json=json, headers=self._headers)
        self._statuses[response.status_code] += 1
        return response

    async def _read(self) -> None:
        slug = self._choose.choice(self._slugs)
        paths = ("/articles", "/articles/feed", f"/articles/{slug}", f"/articles/{slug}/comments", "/tags")
        await self._send("GET", self._choose.choice((*paths, "/user", "/notifications")))

    async def _comment(self) -> None:
        slug = self._choose.choice(self._slugs)
        response = await self._send("POST", f"/articles/{slug}/comments", {"comment": {"body": "Well."}})
        if response.is_success:
            self._commented.append((slug, response.json()["comment"]["id"]))
        if len(self._commented) > OWN:
            slug, comment = self._commented.popleft()
            await self._send("DELETE", f"/articles/{slug}/comments/{comment}")

    async def _favorite(self) -> None:
        method = self._choose.choice(("POST", "DELETE"))
        await self._send(method, f"/articles/{self._choose.choice(self._slugs)}/favorite")

    async def _publish(self) -> None:
        title = f"On {self._choose.random()}"
        article = {"title": title, "description": "d", "body": "b" * 2_000, "tagList": ["soak"]}
        response = await self._send("POST", "/articles", {"article": article})
        if response.is_success:
            self._published.append(response.json()["article"]["slug"])
        if len(self._published) > OWN:
            await self._send("DELETE", f"/articles/{self._published.popleft()}")

    async def _log_in(self) -> None:
        user = {"email": f"writer{self._number}@example.com", "password": PASSWORD}
        await self._send("POST", "/users/login", {"user": user})

    async def _disconnect(self) -> None:
        """Close the connection before the response."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._choose.random() / 100):
                await self._client.get("/api/articles", headers=self._headers)


async def _follow(url: str, token: str, ended: asyncio.Event) -> None:
    """Follow a stream of notifications, and connect again every few seconds."""
    headers = {"Authorization": f"Token {token}"}
    async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
        while not ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(5), client.stream("GET", STREAM, headers=headers) as stream:
                    async for _ in stream.aiter_lines():
                        if ended.is_set():
                            break


def plot(runs: Sequence[Run]) -> str:
    """Return an SVG with a chart for each figure of each engine."""
    charts = [(run, figure) for run in runs for figure in LIMITS_OF_FIGURES]
    columns = len(LIMITS_OF_FIGURES)
    parts = [
        _chart(run, figure, index % columns * WIDTH, index // columns * HEIGHT)
        for index, (run, figure) in enumerate(charts)
    ]
    size = f'width="{columns * WIDTH}" height="{len(runs) * HEIGHT}"'
    style = 'font-family="sans-serif" font-size="11" fill="none" stroke="none"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{"".join(parts)}</svg>\n'


def _chart(run: Run, figure: str, x: int, y: int) -> str:
    values = [values[figure] for _, values in run.samples]
    top, last = max(values) or 1, run.samples[-1][0]
    points = " ".join(
        f"{x + 10 + at / last * (WIDTH - 20):.1f},{y + HEIGHT - 15 - value / top * (HEIGHT - 50):.1f}"
        for (at, _), value in zip(run.samples, values, strict=True)
    )
    unit = LIMITS_OF_FIGURES[figure].unit
    title = f"{run.engine}: {figure}, {fmean(values):.1f} {unit}, at most {max(values):.1f}"
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" fill="white" stroke="#ccc"/>'
        f'<text x="{x + 10}" y="{y + 18}" fill="#333">{title}</text>'
        f'<polyline points="{points}" stroke="#06c"/>'
    )
