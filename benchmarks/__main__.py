"""Measures Conduit: python -m benchmarks run, compare, table and growth."""

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
from benchmarks.measure import BenchError, Figures, Server, Target, load, require_wrk, serving
from benchmarks.plot import growth_plot
from benchmarks.report import (
    ALONE,
    BESIDE_WRITERS,
    MAX_REPETITIONS,
    figures_in_markdown,
    ratio_to_yardstick,
    waiting_beside_writers,
    write_between_marks,
)

ROUNDS = 3
SIZES = (1_000, 10_000, 100_000, 1_000_000)
GROWTH_FIGURES, GROWTH_PICTURE = Path("docs/growth.json"), Path("docs/growth.svg")

LIST, BARE, WRITE = (
    "yardstick: one joined sqlite3 query",
    "yardstick: bare route",
    "yardstick: one durable insert",
)

# What each operation is measured against, and the ratio of requests per second to reach.
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
    """One run: the servers that answer, and what is asked of them."""

    folder: Path
    dataset: Dataset
    conduit: Server
    baselines: Server

    def targets(self) -> Sequence[tuple[Server, Target]]:
        """Return every operation with the server that answers it."""
        conduit = [(self.conduit, target) for target in _operations(self.dataset)]
        return [*conduit, *((self.baselines, target) for target in BASELINES)]


BASELINES = (
    Target(LIST, "/sqlite3"),
    Target(BARE, "/bare"),
    Target(WRITE, "/write", script='wrk.method = "POST"'),
)


@main.command()
def run(  # noqa: PLR0913, PLR0917 - each is an option of the command
    seconds: Annotated[int, typer.Option(help="How long each operation is loaded in a round.", min=1)] = 3,
    rounds: Annotated[int, typer.Option(help="How many rounds, interleaved.", min=1)] = ROUNDS,
    only: Annotated[list[str] | None, typer.Option(help="Measure these operations only.")] = None,
    to: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    response_cache: Annotated[bool, typer.Option(help="Let Conduit give answers again.")] = True,
    small: Annotated[bool, typer.Option("--small", help="On little data, to see that it runs.")] = False,
) -> None:
    """Measure what requests cost, beside yardsticks of the same run on the same core."""
    try:
        require_wrk()
        report = _measured(seconds, rounds, only, SMALL if small else FULL, response_cache=response_cache)
    except BenchError as error:
        typer.echo(f"bench: {error}", err=True)
        raise typer.Exit(1) from error
    _print(report)
    if to is not None:
        to.write_text(json.dumps(report, indent=2) + "\n")


@main.command()
def compare(old: Path, new: Path) -> None:
    """Compare two files of figures, and measure nothing."""
    _print_comparison(json.loads(old.read_text()), json.loads(new.read_text()))


@main.command()
def growth(
    folder: Annotated[Path, typer.Option(help="Where demonstrations are, or are made.")] = Path("var/growth"),
    articles: Annotated[list[int] | None, typer.Option(help="The numbers of articles.", min=100)] = None,
    to: Annotated[Path, typer.Option("--json", help="Write the figures to this file.")] = GROWTH_FIGURES,
    picture: Annotated[Path, typer.Option(help="Draw them in this file.")] = GROWTH_PICTURE,
) -> None:
    """Measure what reads cost as the data grows, and draw it. Making a million articles takes minutes."""
    try:
        figures = measure_growth(sorted(articles or SIZES), folder)
    except BenchError as error:
        typer.echo(f"bench: {error}", err=True)
        raise typer.Exit(1) from error
    to.write_text(json.dumps(_today() | figures, indent=2) + "\n")
    picture.write_text(growth_plot(figures["articles"], figures["operations"]))


@main.command()
def table(figures: Path) -> None:
    """Write the figures of a run into README.md and docs/performance.md."""
    report = json.loads(figures.read_text())
    for page in (Path("README.md"), Path("docs/performance.md")):
        write_between_marks(page, figures_in_markdown(report, TARGETS))


def _measured(
    seconds: int, rounds: int, only: Sequence[str] | None, size: Size, *, response_cache: bool
) -> Row:
    found: defaultdict[str, list[Figures]] = defaultdict(list)
    with _bench(size, response_cache=response_cache) as bench:
        idle = bench.conduit.resident_megabytes()
        for round_number in range(rounds):
            for server, target in bench.targets():
                if only is None or target.name in only or target in BASELINES:
                    typer.echo(f"round {round_number + 1} of {rounds}: {target.name}", err=True)
                    found[target.name].append(load(server, target, seconds, bench.folder))
        startup = bench.conduit.startup_seconds
    return {
        **_today(),
        "seconds": seconds,
        "rounds": rounds,
        "keep_answers": response_cache,
        "idle_megabytes": round(idle, 1),
        "startup_seconds": round(startup, 2),
        "operations": {name: _medians(figures) for name, figures in found.items()},
    }


def _today() -> Row:
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    return {"date": date.today().isoformat(), "machine": machine}


def _medians(figures: Sequence[Figures]) -> Row:
    """Return the median of each figure, and how far the rounds lie apart as a part of it."""
    rates = [round_figures.requests_per_second for round_figures in figures]
    row = {name: round(median(one[name] for one in map(asdict, figures)), 3) for name in asdict(figures[0])}
    return row | {"noise": round((max(rates) - min(rates)) / median(rates), 3)}


@contextmanager
def _bench(size: Size, *, response_cache: bool) -> Iterator[Bench]:
    secret = secrets.token_urlsafe(48)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database, copy, answer = folder / "conduit.db", folder / "yardstick.db", folder / "answer.json"
        typer.echo("filling the data set", err=True)
        dataset = prepare(database, secret, size)
        shutil.copy(database, copy)
        answer.write_bytes(dataset.listing)
        conduit = {
            "CONDUIT_DATABASE_URL": f"sqlite+aiosqlite:///{database}",
            "CONDUIT_SECRET_KEY": secret,
            "CONDUIT_LOG_FORMAT": "json",
        }
        if not response_cache:
            conduit["CONDUIT_RESPONSE_CACHE_SIZE"] = "0"
        baselines = {"BENCH_DATABASE": str(copy), "BENCH_ANSWER": str(answer)}
        log = folder / "servers.log"
        served = stack.enter_context(
            serving(["-m", "conduit_app.cli", "serve", "--port", "PORT"], conduit, log)
        )
        plain = ["-m", "uvicorn", "benchmarks.baselines:application", "--port", "PORT", "--no-access-log"]
        yield Bench(folder, dataset, served, stack.enter_context(serving(plain, baselines, log)))


def _operations(dataset: Dataset) -> Sequence[Target]:
    token, slug, discussed = dataset.tokens[0], dataset.slugs[7], dataset.slugs[0]
    commenting = Target(
        "comment on", f"/api/articles/{slug}/comments", token, _posting({"comment": {"body": "Well."}})
    )
    return [
        Target(ALONE, "/api/articles"),
        Target("list with token", "/api/articles", token),
        Target("list by tag", "/api/articles?tag=tag3"),
        Target("list by author", "/api/articles?author=writer3"),
        Target("feed", "/api/articles/feed", token),
        Target("list, offset 400", "/api/articles?offset=400"),
        Target("tags", "/api/tags"),
        Target("article", f"/api/articles/{slug}"),
        Target("comments", f"/api/articles/{discussed}/comments"),
        Target("profile", "/api/profiles/writer3"),
        Target("current user", "/api/user", token),
        Target(BESIDE_WRITERS, "/api/articles", background_load=commenting),
        commenting,
        Target("favorite", f"/api/articles/{slug}/favorite", token, _TOGGLING),
        Target("publish", "/api/articles", token, _PUBLISHING),
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
    if (times := waiting_beside_writers(report)) is not None:
        typer.echo(
            f"{BESIDE_WRITERS}: p99 is {times:.1f} times that of the list alone (at most {MAX_REPETITIONS})"
        )
    typer.echo(f"idle {report['idle_megabytes']} MB, first answer after {report['startup_seconds']} s")
    titles = ("requests/s", "p50 ms", "p99 ms", "CPU us", "errors", "noise")
    typer.echo(f"{'':<38}{titles[0]:>11}" + "".join(f"{title:>8}" for title in titles[1:]) + "  ratio (aim)")
    for name, row in report["operations"].items():
        ratio = ratio_to_yardstick(report, TARGETS, name)
        told = "" if ratio is None else f"  {ratio:.2f} ({TARGETS[name][1]})"
        typer.echo(
            f"{name:<38}{row['requests_per_second']:>11.0f}{row['p50']:>8.2f}{row['p99']:>8.2f}"
            f"{row['cpu']:>8.0f}{row['errors']:>8}{row['noise']:>8.0%}{told}"
        )


def _print_comparison(old: Row, new: Row) -> None:
    typer.echo(f"{'':<38}{'CPU us':>16}{'requests/s':>18}{'ratio to baseline':>22}")
    for name in old["operations"].keys() & new["operations"].keys():
        before, after = old["operations"][name], new["operations"][name]
        ratios = [ratio_to_yardstick(one, TARGETS, name) for one in (old, new)]
        told = ["-" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
        typer.echo(
            f"{name:<38}{before['cpu']:>7.0f} -> {after['cpu']:<6.0f}"
            f"{before['requests_per_second']:>8.0f} -> {after['requests_per_second']:<8.0f}"
            f"{told[0]:>10} -> {told[1]}"
        )


if __name__ == "__main__":
    main()
