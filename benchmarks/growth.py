"""CPU time of uncached reads as the data grows.

Requests run in this process without a network, so that only the application is measured. Operations and sizes
are interleaved, so that other load on the machine affects all of them equally.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import typer
from fastapi import FastAPI
from starlette.types import Message

from benchmarks.measure import BenchError
from conduit_app.application import compose_from_settings, create_application
from conduit_app.composition import Composition
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings

SECRET = "a secret of the benchmark, long enough to sign"  # noqa: S105 - of demo data
ROUNDS = 40
REQUESTS = 5


@dataclass(frozen=True, slots=True)
class Read:
    """A request: its path below /api, and whether it carries a token."""

    path: str
    with_token: bool = False


class Site:
    """Conduit on a demo database, without the response cache."""

    def __init__(self, file: Path) -> None:
        settings = Settings(
            database_url=_url(file),
            # As in production.
            database_isolates_modules=False,
            secret_key=SECRET,
            log_level="error",
            response_cache_size=0,
        )
        self.composition: Composition = compose_from_settings(settings)
        self._application: FastAPI = create_application(settings, self.composition)
        self._token = ""

    async def operations(self) -> Mapping[str, Read]:
        """Log in, and return the measured reads by name; pages are from the middle of the data."""
        await migrate(self.composition.database, self.composition.migratable)
        transport = httpx2.ASGITransport(self._application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://bench/api") as client:
            visitor = {"user": {"email": "john@example.com", "password": "password123"}}
            response = await client.post("/users/login", json=visitor)
            self._token = response.raise_for_status().json()["user"]["token"]
            listing = (await client.get("/articles?offset=300")).raise_for_status().json()
            middle = listing["articlesCount"] // 2
            token = {"Authorization": f"Token {self._token}"}
            after = _next_page(await client.get(f"/articles?offset={middle}"))
            feed = (await client.get("/articles/feed", headers=token)).raise_for_status().json()
            half_way = f"/articles/feed?offset={feed['articlesCount'] // 2}"
            feed_after = _next_page(await client.get(half_way, headers=token))
        article = max(listing["articles"], key=lambda article: int(article["favoritesCount"]))
        author, tag, slug = article["author"]["username"], article["tagList"][0], article["slug"]
        return {
            "list": Read("/articles"),
            "list with token": Read("/articles", with_token=True),
            "list by tag": Read(f"/articles?tag={tag}"),
            "list by author": Read(f"/articles?author={author}"),
            "list by favorites": Read(f"/articles?favorited={author}"),
            "list by tag and author": Read(f"/articles?tag={tag}&author={author}"),
            "feed": Read("/articles/feed", with_token=True),
            "article": Read(f"/articles/{slug}"),
            "comments": Read(f"/articles/{slug}/comments"),
            "tags": Read("/tags"),
            "list, offset in the middle": Read(f"/articles?offset={middle}"),
            "list, cursor in the middle": Read(after),
            "feed, cursor in the middle": Read(feed_after, with_token=True),
        }

    async def get(self, read: Read) -> None:
        """Send the request; raise `BenchError` unless the response is a 200."""
        path, _, query = f"/api{read.path}".partition("?")
        token = [(b"authorization", b"Token " + self._token.encode())] if read.with_token else []
        statuses: list[int] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"bench"), *token],
            "client": ("127.0.0.1", 1),
            "server": ("bench", 80),
        }
        await self._application(scope, receive, send)
        if statuses != [200]:
            raise BenchError(f"{read.path} returns {statuses}")


def measure_growth(sizes: Sequence[int], folder: Path) -> dict[str, Any]:
    """Return the CPU time in microseconds of each operation at each size, in the order of the sizes.

    Creates demo databases that are not in the folder. Raises `BenchError`.
    """
    files = [_demo_database(folder, size) for size in sizes]
    return {"articles": list(sizes), "operations": asyncio.run(_measure(files))}


async def _measure(files: Sequence[Path]) -> dict[str, list[float]]:
    sites = [Site(file) for file in files]
    reads = [await site.operations() for site in sites]
    rounds: dict[str, list[list[float]]] = {name: [] for name in reads[0]}
    with typer.progressbar(range(ROUNDS), label="rounds", file=sys.stderr) as progress:
        for _ in progress:
            for name, costs in rounds.items():
                costs.append(
                    [await _cost(site, by_name[name]) for site, by_name in zip(sites, reads, strict=True)]
                )
    for site in sites:
        await site.composition.database.dispose()
    # The first rounds fill the caches of SQLite and of compiled statements.
    return {
        name: [round(median(column[ROUNDS // 4 :]), 1) for column in zip(*costs, strict=True)]
        for name, costs in rounds.items()
    }


async def _cost(site: Site, read: Read) -> float:
    started = time.process_time()
    for _ in range(REQUESTS):
        await site.get(read)
    return (time.process_time() - started) / REQUESTS * 1e6


def _demo_database(folder: Path, articles: int) -> Path:
    file = folder / f"demo-{articles}.db"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "CONDUIT_DATABASE_URL": _url(file), "CONDUIT_SECRET_KEY": SECRET}
        for command in (["migrate"], ["demo", "--articles", str(articles)]):
            process = subprocess.run(
                [sys.executable, "-m", "conduit_app.cli", *command], env=environment, check=False
            )
            if process.returncode:
                raise BenchError(f"could not create {articles} demo articles; remove {file}")
    return file


def _url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file.absolute()}"


def _next_page(response: httpx2.Response) -> str:
    """Return the path of the next page, below /api."""
    url = response.url.join(response.links["next"]["url"])
    return url.raw_path.decode().removeprefix("/api")
