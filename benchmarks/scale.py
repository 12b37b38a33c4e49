"""CPU time of requests in Conduit and in PostgreSQL: python -m benchmarks.scale URL.

The URL is that of an empty database on a PostgreSQL of this machine, and is filled with demo data.
The output is the table in docs/scale.md.
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx2
import psycopg
import typer
from sqlalchemy import make_url

from benchmarks.measure import Endpoint, Server, load, require_wrk, serving
from conduit_app.application import compose_from_settings, create_application
from conduit_app.settings import Settings
from modules.kernel.fakes import StatementRecorder

TICKS = os.sysconf("SC_CLK_TCK")
EVERY_CORE = range(os.cpu_count() or 1)
JOHN = {"user": {"email": "john@example.com", "password": "password123"}}
JSON_BODY = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[%s]]
"""
# A different article each time, because requests for one article would wait for its row lock.
TOGGLING = """local slugs = {%s}
local number = 0
request = function()
  number = number + 1
  local path = "/api/articles/" .. slugs[number %% #slugs + 1] .. "/favorite"
  return wrk.format(number %% (2 * #slugs) < #slugs and "POST" or "DELETE", path)
end
"""

main = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """A measured operation."""

    name: str
    method: str
    path: str
    with_token: bool
    body: object = None
    script: str | None = None


@dataclass(frozen=True, slots=True)
class Fleet:
    """A server and all its workers."""

    server: Server

    @property
    def port(self) -> int:
        """Their port."""
        return self.server.port

    def cpu_seconds(self) -> float:
        """Return the CPU time that all of them have used."""
        return sum(_cpu_seconds(pid) for pid in _family(self.server.process.pid))


@dataclass(frozen=True, slots=True)
class Postgres:
    """The processes of PostgreSQL."""

    postmaster: int

    @classmethod
    def of(cls, url: str) -> "Postgres":
        """Return the processes of the server at this URL, which must be on this machine."""
        dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(dsn) as connection:
            return cls(_parent(connection.info.backend_pid))

    def cpu_seconds(self) -> float:
        """Return the CPU time that all of them have used."""
        return sum(_cpu_seconds(pid) for pid in _family(self.postmaster))


def _fields(pid: int) -> Sequence[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int:
    return int(_fields(pid)[1])


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))


def _cpu_seconds(pid: int) -> float:
    # Its own, and that of its terminated children.
    return sum(map(int, _fields(pid)[11:15])) / TICKS


@main.command()
def run(
    url: Annotated[str, typer.Argument(help="An empty database: postgresql+psycopg://…")],
    workers: Annotated[int, typer.Option(help="Number of worker processes.", min=1)] = 1,
    articles: Annotated[int, typer.Option(help="Number of articles.", min=1)] = 1_000,
    seconds: Annotated[int, typer.Option(help="Duration of the load per operation.", min=1)] = 3,
) -> None:
    """Print the CPU time of each operation as a Markdown table."""
    require_wrk()
    settings = {"CONDUIT_DATABASE_URL": url, "CONDUIT_SECRET_KEY": secrets.token_hex()}
    for command in (["migrate"], ["demo", "--articles", str(articles)]):
        process = subprocess.run(
            [sys.executable, "-m", "conduit_app.cli", *command],
            env={**os.environ, **settings},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if process.returncode and "has rows" not in process.stderr:
            typer.echo(process.stderr, err=True)
    token, operations, statements = asyncio.run(_count_statements(settings))
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["-m", "conduit_app.cli", "serve", "--port", "PORT", "--workers", str(workers)]
        quiet = settings | {"CONDUIT_LOG_LEVEL": "warning"}
        with serving(arguments, quiet, Path(folder) / "log", EVERY_CORE) as server:
            fleet, postgres = Fleet(server), Postgres.of(url)
            typer.echo("| operation | statements | Conduit µs | PostgreSQL µs | requests/s |")
            typer.echo("| --- | --- | --- | --- | --- |")
            for operation in operations:
                endpoint = Endpoint(
                    operation.name,
                    operation.path,
                    token if operation.with_token else None,
                    operation.script,
                )
                load(fleet, endpoint, 1, Path(folder))
                before = postgres.cpu_seconds()
                figures = load(fleet, endpoint, seconds, Path(folder))
                used = postgres.cpu_seconds() - before
                cost = used / (figures.requests_per_second * seconds) * 1e6
                failed = f" ({figures.errors} failed)" if figures.errors else ""
                typer.echo(
                    f"| {operation.name} | {statements[operation.name]} | {figures.cpu:,.0f} | {cost:,.0f} "
                    f"| {figures.requests_per_second:,.0f}{failed} |"
                )


async def _count_statements(
    variables: Mapping[str, str],
) -> tuple[str, Sequence[Operation], Mapping[str, int]]:
    """Return John's token, the operations, and the number of SQL statements of each."""
    settings = Settings(
        database_url=variables["CONDUIT_DATABASE_URL"],
        secret_key=variables["CONDUIT_SECRET_KEY"],
        log_level="error",
    )
    composition = compose_from_settings(settings)
    recorder = StatementRecorder()
    transport = httpx2.ASGITransport(create_application(settings, composition))
    async with httpx2.AsyncClient(transport=transport, base_url="http://bench") as client:
        token = (await client.post("/api/users/login", json=JOHN)).json()["user"]["token"]
        operations = _operations((await client.get("/api/articles?limit=100")).json()["articles"])
        composition.database.observers.append(recorder)
        statements = {}
        for operation in operations:
            recorder.statements.clear()
            headers = {"Authorization": f"Token {token}"} if operation.with_token else {}
            response = await client.request(
                operation.method, operation.path, json=operation.body, headers=headers
            )
            response.raise_for_status()
            statements[operation.name] = len(recorder.statements)
    await composition.database.dispose()
    return token, operations, statements


def _operations(articles: Sequence[Mapping[str, object]]) -> Sequence[Operation]:
    slugs = [str(article["slug"]) for article in articles]
    tag = next(tag for article in articles for tag in json.loads(json.dumps(article["tagList"])))
    comments = f"/api/articles/{slugs[0]}/comments"
    comment = {"comment": {"body": "Well."}}
    toggling = TOGGLING % ", ".join(json.dumps(slug) for slug in slugs)
    article = {"article": {"title": "Load", "description": "d", "body": "b", "tagList": [tag]}}
    publishing = """wrk.headers["Content-Type"] = "application/json"
local number = 0
request = function()
  number = number + 1
  local title = "Load " .. number .. " " .. os.time()
  local body = '{"article":{"title":"' .. title .. '","description":"d","body":"b","tagList":["%s"]}}'
  return wrk.format("POST", nil, nil, body)
end
"""
    return [
        Operation("list", "GET", "/api/articles", with_token=False),
        Operation("list with token", "GET", "/api/articles", with_token=True),
        Operation("list by tag", "GET", f"/api/articles?tag={tag}", with_token=False),
        Operation("feed", "GET", "/api/articles/feed", with_token=True),
        Operation("article", "GET", f"/api/articles/{slugs[1]}", with_token=False),
        Operation("article with token", "GET", f"/api/articles/{slugs[1]}", with_token=True),
        Operation("comments", "GET", f"/api/articles/{slugs[1]}/comments", with_token=False),
        Operation("profile", "GET", "/api/profiles/johndoe", with_token=False),
        Operation("tags", "GET", "/api/tags", with_token=False),
        Operation("current user", "GET", "/api/user", with_token=True),
        Operation("favorite", "POST", f"/api/articles/{slugs[2]}/favorite", with_token=True, script=toggling),
        Operation(
            "comment on",
            "POST",
            comments,
            with_token=True,
            body=comment,
            script=JSON_BODY % json.dumps(comment),
        ),
        Operation("publish", "POST", "/api/articles", with_token=True, body=article, script=publishing % tag),
        Operation(
            "log in",
            "POST",
            "/api/users/login",
            with_token=False,
            body=JOHN,
            script=JSON_BODY % json.dumps(JOHN),
        ),
    ]


if __name__ == "__main__":
    main()
