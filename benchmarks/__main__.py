"""The benchmark commands: python -m benchmarks run, compare, table and growth."""

import json
import platform
import secrets
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from benchmarks.dataset import FULL, SMALL, Dataset, Size, prepare
from benchmarks.growth import measure_growth
from benchmarks.measure import BenchError, Endpoint, Figures, Server, load, require_wrk, serving
from benchmarks.plot import growth_plot
from benchmarks.report import (
    ALONE,
    BESIDE_WRITERS,
    MAX_P99_RATIO,
    figures_in_markdown,
    p99_ratio_beside_writers,
    ratio_to_baseline,
    write_between_markers,
)

ROUNDS = 3
SIZES = (1_000, 10_000, 100_000, 1_000_000)
GROWTH_FIGURES, GROWTH_CHART = Path("docs/growth.json"), Path("docs/growth.svg")

LIST, BARE, WRITE = (
    "baseline: one joined sqlite3 query",
    "baseline: bare route",
    "baseline: one durable insert",
)

# The baseline of each operation, and the target ratio of requests per second.
TARGETS: Mapping[str, tuple[str, float]] = {
    "list": (LIST, 0.6),
    "list with token": (LIST, 0.6),
    "list by tag": (LIST, 0.6),
    "list by author": (LIST, 0.6),
    "feed": (LIST, 0.6),
    "list, offset 400": (LIST, 0.6),
    "tags": (BARE, 0.6),
    "article": (BARE, 0.35),
    "comments": (BARE, 0.35),
    "profile": (BARE, 0.35),
    "current user": (BARE, 0.35),
    "comment on": (WRITE, 0.5),
    "favorite": (WRITE, 0.5),
    "publish": (WRITE, 0.5),
}

main = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """The servers of one run and their data."""

    folder: Path
    dataset: Dataset
    conduit: Server
    baselines: Server

    def endpoints(self) -> Sequence[tuple[Server, Endpoint]]:
        """Return every endpoint with its server."""
        conduit = [(self.conduit, endpoint) for endpoint in _endpoints(self.dataset)]
        return [*conduit, *((self.baselines, endpoint) for endpoint in BASELINES)]


BASELINES = (
    Endpoint(LIST, "/sqlite3"),
    Endpoint(BARE, "/bare"),
    Endpoint(WRITE, "/write", script='wrk.method = "POST"'),
)


@main.command()
def run(  # noqa: PLR0913, PLR0917 - each is an option of the command
    seconds: Annotated[int, typer.Option(help="Duration of the load per operation and round.", min=1)] = 3,
    rounds: Annotated[int, typer.Option(help="Number of rounds, interleaved.", min=1)] = ROUNDS,
    only: Annotated[list[str] | None, typer.Option(help="Measure these operations only.")] = None,
    to: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    response_cache: Annotated[bool, typer.Option(help="Enable Conduit's response cache.")] = True,
    small: Annotated[
        bool, typer.Option("--small", help="Use a small data set, to test the benchmark.")
    ] = False,
) -> None:
    """Measure the operations, and baselines in the same run on the same core."""
    try:
        require_wrk()
        report = _measure(seconds, rounds, only, SMALL if small else FULL, response_cache=response_cache)
    except BenchError as error:
        typer.echo(f"bench: {error}", err=True)
        raise typer.Exit(1) from error
    _print(report)
    if to is not None:
        to.write_text(json.dumps(report, indent=2) + "\n")


@main.command()
def compare(old: Path, new: Path) -> None:
    """Compare two files of figures."""
    _print_comparison(json.loads(old.read_text()), json.loads(new.read_text()))


@main.command()
def growth(
    folder: Annotated[
        Path, typer.Option(help="Folder of the demo databases; missing ones are created.")
    ] = Path("var/growth"),
    articles: Annotated[list[int] | None, typer.Option(help="Numbers of articles.", min=100)] = None,
    to: Annotated[Path, typer.Option("--json", help="Write the figures to this file.")] = GROWTH_FIGURES,
    chart: Annotated[Path, typer.Option(help="Write the chart to this file.")] = GROWTH_CHART,
) -> None:
    """Measure reads as the data grows, and draw a chart. Creating a million articles takes minutes."""
    try:
        figures = measure_growth(sorted(articles or SIZES), folder)
    except BenchError as error:
        typer.echo(f"bench: {error}", err=True)
        raise typer.Exit(1) from error
    to.write_text(json.dumps(_today() | figures, indent=2) + "\n")
    chart.write_text(growth_plot(figures["articles"], figures["operations"]))


@main.command()
def table(figures: Path) -> None:
    """Write the figures of a run into README.md and docs/performance.md."""
    report = json.loads(figures.read_text())
    for page in (Path("README.md"), Path("docs/performance.md")):
        write_between_markers(page, figures_in_markdown(report, TARGETS))


def _measure(
    seconds: int, rounds: int, only: Sequence[str] | None, size: Size, *, response_cache: bool
) -> Row:
    figures: defaultdict[str, list[Figures]] = defaultdict(list)
    with _bench(size, response_cache=response_cache) as bench:
        idle = bench.conduit.resident_megabytes()
        for round_number in range(rounds):
            for server, endpoint in bench.endpoints():
                if only is None or endpoint.name in only or endpoint in BASELINES:
                    typer.echo(f"round {round_number + 1} of {rounds}: {endpoint.name}", err=True)
                    figures[endpoint.name].append(load(server, endpoint, seconds, bench.folder))
        startup = bench.conduit.startup_seconds
    return {
        **_today(),
        "seconds": seconds,
        "rounds": rounds,
        "response_cache": response_cache,
        "idle_megabytes": round(idle, 1),
        "startup_seconds": round(startup, 2),
        "operations": {name: _medians(measured) for name, measured in figures.items()},
    }


def _today() -> Row:
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    return {"date": date.today().isoformat(), "machine": machine}


def _medians(figures: Sequence[Figures]) -> Row:
    """Return the median of each figure, and the relative spread of the requests per second."""
    rates = [round_figures.requests_per_second for round_figures in figures]
    row = {
        name: round(median(values[name] for values in map(asdict, figures)), 3) for name in asdict(figures[0])
    }
    return row | {"noise": round((max(rates) - min(rates)) / median(rates), 3)}


@contextmanager
def _bench(size: Size, *, response_cache: bool) -> Iterator[Bench]:
    secret = secrets.token_urlsafe(48)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database, copy, listing = folder / "conduit.db", folder / "baseline.db", folder / "listing.json"
        typer.echo("filling the data set", err=True)
        dataset = prepare(database, secret, size)
        shutil.copy(database, copy)
        listing.write_bytes(dataset.listing)
        conduit = {
            "CONDUIT_DATABASE_URL": f"sqlite+aiosqlite:///{database}",
            "CONDUIT_SECRET_KEY": secret,
            "CONDUIT_LOG_FORMAT": "json",
        }
        if not response_cache:
            conduit["CONDUIT_RESPONSE_CACHE_SIZE"] = "0"
        baselines = {"BENCH_DATABASE": str(copy), "BENCH_LISTING": str(listing)}
        log = folder / "servers.log"
        server = stack.enter_context(
            serving(["-m", "conduit_app.cli", "serve", "--port", "PORT"], conduit, log)
        )
        uvicorn = ["-m", "uvicorn", "benchmarks.baselines:application", "--port", "PORT", "--no-access-log"]
        yield Bench(folder, dataset, server, stack.enter_context(serving(uvicorn, baselines, log)))


def _endpoints(dataset: Dataset) -> Sequence[Endpoint]:
    token, slug, commented = dataset.tokens[0], dataset.slugs[7], dataset.slugs[0]
    commenting = Endpoint(
        "comment on", f"/api/articles/{slug}/comments", token, _posting({"comment": {"body": "Well."}})
    )
    return [
        Endpoint(ALONE, "/api/articles"),
        Endpoint("list with token", "/api/articles", token),
        Endpoint("list by tag", "/api/articles?tag=tag3"),
        Endpoint("list by author", "/api/articles?author=writer3"),
        Endpoint("feed", "/api/articles/feed", token),
        Endpoint("list, offset 400", "/api/articles?offset=400"),
        Endpoint("tags", "/api/tags"),
        Endpoint("article", f"/api/articles/{slug}"),
        Endpoint("comments", f"/api/articles/{commented}/comments"),
        Endpoint("profile", "/api/profiles/writer3"),
        Endpoint("current user", "/api/user", token),
        Endpoint(BESIDE_WRITERS, "/api/articles", background_load=commenting),
        commenting,
        Endpoint("favorite", f"/api/articles/{slug}/favorite", token, _TOGGLING),
        Endpoint("publish", "/api/articles", token, _PUBLISHING),
    ]


def _posting(body: object) -> str:
    return f"""wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[{json.dumps(body)}]]
"""


_TOGGLING = """local on = false
request = function()
  on = not on
  return wrk.format(on and "POST" or "DELETE")
end
"""
_PUBLISHING = """wrk.headers["Content-Type"] = "application/json"
local number = 0
local start = os.time()
request = function()
  number = number + 1
  local title = "Article " .. number .. " of the load of " .. start
  local article = '{"article":{"title":"' .. title .. '","description":"d","body":"b","tagList":["tag1"]}}'
  return wrk.format("POST", nil, nil, article)
end
"""


def _print(report: Row) -> None:
    typer.echo(
        f"{report['machine']}, {report['date']}: {report['rounds']} rounds of {report['seconds']} s, one core"
    )
    if (ratio := p99_ratio_beside_writers(report)) is not None:
        typer.echo(
            f"{BESIDE_WRITERS}: p99 is {ratio:.1f} times that of the list alone (at most {MAX_P99_RATIO})"
        )
    typer.echo(f"idle {report['idle_megabytes']} MB, first response after {report['startup_seconds']} s")
    titles = ("requests/s", "p50 ms", "p99 ms", "CPU us", "errors", "noise")
    typer.echo(
        f"{'':<38}{titles[0]:>11}" + "".join(f"{title:>8}" for title in titles[1:]) + "  ratio (target)"
    )
    for name, row in report["operations"].items():
        ratio = ratio_to_baseline(report, TARGETS, name)
        comparison = "" if ratio is None else f"  {ratio:.2f} ({TARGETS[name][1]})"
        typer.echo(
            f"{name:<38}{row['requests_per_second']:>11.0f}{row['p50']:>8.2f}{row['p99']:>8.2f}"
            f"{row['cpu']:>8.0f}{row['errors']:>8}{row['noise']:>8.0%}{comparison}"
        )


def _print_comparison(old: Row, new: Row) -> None:
    typer.echo(f"{'':<38}{'CPU us':>16}{'requests/s':>18}{'ratio to baseline':>22}")
    for name in old["operations"].keys() & new["operations"].keys():
        before, after = old["operations"][name], new["operations"][name]
        ratios = [ratio_to_baseline(report, TARGETS, name) for report in (old, new)]
        cells = ["-" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
        typer.echo(
            f"{name:<38}{before['cpu']:>7.0f} -> {after['cpu']:<6.0f}"
            f"{before['requests_per_second']:>8.0f} -> {after['requests_per_second']:<8.0f}"
            f"{cells[0]:>10} -> {cells[1]}"
        )


if __name__ == "__main__":
    main()
