"""What a read costs as the data grows: processor time of answers that must be worked out.

In this process and without a network, so that it is the application that is measured. Operations and
sizes take turns, so that a busy machine is as unfair to each of them.
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

SECRET = "a secret of the benchmark, long enough to sign"  # noqa: S105 - of data that are made up
ROUNDS = 40
REQUESTS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its path below /api, and whether it carries a token."""

    path: str
    with_token: bool = False


class Site:
    """Conduit on a demonstration of some size, answering nothing from what it keeps."""

    def __init__(self, file: Path) -> None:
        settings = Settings(
            database_url=_url(file), secret_key=SECRET, log_level="error", response_cache_size=0
        )
        self.composition: Composition = compose_from_settings(settings)
        self._application: FastAPI = create_application(settings, self.composition)
        self._token = ""

    async def operations(self) -> Mapping[str, Asked]:
        """Log the visitor in, and return what is asked of this site: of its middle, by name."""
        await migrate(self.composition.database, self.composition.modules)
        transport = httpx2.ASGITransport(self._application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://bench/api") as client:
            visitor = {"user": {"email": "john@example.com", "password": "password123"}}
            answer = await client.post("/users/login", json=visitor)
            self._token = answer.raise_for_status().json()["user"]["token"]
            listing = (await client.get("/articles?offset=300")).raise_for_status().json()
            middle = listing["articlesCount"] // 2
            token = {"Authorization": f"Token {self._token}"}
            behind = (await client.get(f"/articles?offset={middle}")).links["next"]["url"]
            feed = (await client.get("/articles/feed", headers=token)).raise_for_status().json()
            half_way = f"/articles/feed?offset={feed['articlesCount'] // 2}"
            feed_behind = (await client.get(half_way, headers=token)).links["next"]["url"]
        article = max(listing["articles"], key=lambda article: int(article["favoritesCount"]))
        author, tag, slug = article["author"]["username"], article["tagList"][0], article["slug"]
        return {
            "list": Asked("/articles"),
            "list with token": Asked("/articles", with_token=True),
            "list by tag": Asked(f"/articles?tag={tag}"),
            "list by author": Asked(f"/articles?author={author}"),
            "list by favorites": Asked(f"/articles?favorited={author}"),
            "list by tag and author": Asked(f"/articles?tag={tag}&author={author}"),
            "feed": Asked("/articles/feed", with_token=True),
            "article": Asked(f"/articles/{slug}"),
            "comments": Asked(f"/articles/{slug}/comments"),
            "tags": Asked("/tags"),
            "list, offset in the middle": Asked(f"/articles?offset={middle}"),
            "list, cursor in the middle": Asked(behind.removeprefix("/api")),
            "feed, cursor in the middle": Asked(feed_behind.removeprefix("/api"), with_token=True),
        }

    async def answer(self, asked: Asked) -> None:
        """Answer a request; raise `BenchError` if that fails."""
        path, _, query = f"/api{asked.path}".partition("?")
        token = [(b"authorization", b"Token " + self._token.encode())] if asked.with_token else []
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
            raise BenchError(f"{asked.path} answers {statuses}")


def measure_growth(sizes: Sequence[int], folder: Path) -> dict[str, Any]:
    """Return the processor time in microseconds of each operation at each size, in the order of the sizes.

    Demonstrations that are not in the folder are made there. Raises `BenchError`.
    """
    files = [_demonstration(folder, size) for size in sizes]
    return {"articles": list(sizes), "operations": asyncio.run(_measured(files))}


async def _measured(files: Sequence[Path]) -> dict[str, list[float]]:
    sites = [Site(file) for file in files]
    asked = [await site.operations() for site in sites]
    rounds: dict[str, list[list[float]]] = {name: [] for name in asked[0]}
    with typer.progressbar(range(ROUNDS), label="rounds", file=sys.stderr) as turns:
        for _ in turns:
            for name, costs in rounds.items():
                costs.append(
                    [await _cost(site, of_it[name]) for site, of_it in zip(sites, asked, strict=True)]
                )
    for site in sites:
        await site.composition.database.dispose()
    # The first rounds fill caches: SQLite's, and those of statements.
    return {
        name: [round(median(column[ROUNDS // 4 :]), 1) for column in zip(*costs, strict=True)]
        for name, costs in rounds.items()
    }


async def _cost(site: Site, asked: Asked) -> float:
    started = time.process_time()
    for _ in range(REQUESTS):
        await site.answer(asked)
    return (time.process_time() - started) / REQUESTS * 1e6


def _demonstration(folder: Path, articles: int) -> Path:
    file = folder / f"demo-{articles}.db"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "CONDUIT_DATABASE_URL": _url(file), "CONDUIT_SECRET_KEY": SECRET}
        for command in (["migrate"], ["demo", "--articles", str(articles)]):
            made = subprocess.run(
                [sys.executable, "-m", "conduit_app.cli", *command], env=environment, check=False
            )
            if made.returncode:
                raise BenchError(f"there is no demonstration of {articles} articles: remove {file}")
    return file


def _url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file.absolute()}"
