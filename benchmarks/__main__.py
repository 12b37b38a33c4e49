"""The benchmark commands: python -m benchmarks run, compare, growth, soak and table."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import report
from benchmarks.dataset import FULL, SMALL
from benchmarks.growth import measure_growth
from benchmarks.measure import BenchError
from benchmarks.soak import LIMITS_OF_FIGURES, plot
from benchmarks.soak import soak as run_soak
from benchmarks.suite import run as run_suite
from benchmarks.suite import today

FIGURES, GROWTH_FIGURES = Path("docs/benchmark.json"), Path("docs/growth.json")
README, PERFORMANCE = Path("README.md"), Path("docs/performance.md")
SIZES = (1_000, 1_000_000)

main = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@main.command()
def run(
    seconds: Annotated[int, typer.Option(help="Duration of the load per measurement and round.", min=1)] = 2,
    rounds: Annotated[int, typer.Option(help="Number of rounds, interleaved.", min=1)] = 3,
    only: Annotated[
        list[str] | None, typer.Option(help="Measure only what has this text in its label.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    small: Annotated[
        bool, typer.Option("--small", help="Use a small data set, to test the benchmark.")
    ] = False,
) -> None:
    """Measure the operations on both engines, and baselines in the same run on the same core."""
    with _one_line_errors():
        figures = run_suite(seconds, rounds, only or [], SMALL if small else FULL)
        if to is not None:
            _save(to, figures)
        typer.echo(f"{report.headline(figures)}\n\n{report.details(figures)}")
        if failed := report.failed(figures):
            raise BenchError(f"requests failed, so these figures mean nothing: {'; '.join(failed)}")


@main.command()
def compare(files: Annotated[list[Path], typer.Argument(help="Files of figures, the oldest first.")]) -> None:
    """Compare the CPU times in files of figures, such as those after each of several changes."""
    typer.echo(report.comparison({str(file): _load(file) for file in files}))


@main.command()
def growth(
    folder: Annotated[
        Path, typer.Option(help="Folder of the demo databases; missing ones are created.")
    ] = Path("var/growth"),
    articles: Annotated[list[int] | None, typer.Option(help="Numbers of articles.", min=1_000)] = None,
    to: Annotated[Path, typer.Option("--json", help="Write the figures to this file.")] = GROWTH_FIGURES,
) -> None:
    """Measure uncached reads as the data grows. Creating a million articles takes minutes."""
    with _one_line_errors():
        figures = today() | measure_growth(sorted(articles or SIZES), folder)
        _save(to, figures)
        typer.echo(report.growth(figures))


@main.command()
def soak(
    minutes: Annotated[float, typer.Option(help="Duration of the load on each engine.", min=0.1)] = 30,
    to: Annotated[Path, typer.Option("--plot", help="Write the charts to this file.")] = Path("var/soak.svg"),
) -> None:
    """Load two workers on each engine, and report what grows. The exit code is 1 if something does."""
    with _one_line_errors():
        runs = run_soak(minutes)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(plot(runs), encoding="utf-8")
        for one in runs:
            typer.echo(
                f"{one.engine}: {sum(one.statuses.values())} requests, {dict(sorted(one.statuses.items()))}"
            )
            for figure in LIMITS_OF_FIGURES:
                typer.echo(f"  {figure}: {one.samples[-1][1][figure]:.1f}, {one.trend(figure):+.1f} per hour")
        problems = [problem for one in runs for problem in one.problems()]
        typer.echo("\n".join(problems) or "nothing grows")
        if problems:
            raise typer.Exit(1)


@main.command()
def table() -> None:
    """Write docs/benchmark.json and docs/growth.json as tables into README.md and docs/performance.md."""
    with _one_line_errors():
        for (page, name), text in tables().items():
            report.write_between_markers(page, name, text)


def tables() -> dict[tuple[Path, str], str]:
    """Return the generated texts by their page and the name of their markers."""
    figures = _load(FIGURES)
    return {
        (README, "headline"): report.headline(figures),
        (PERFORMANCE, "headline"): report.headline(figures),
        (PERFORMANCE, "details"): report.details(figures),
        (PERFORMANCE, "growth"): report.growth(_load(GROWTH_FIGURES)),
    }


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except BenchError as error:
        typer.echo(f"bench: {error}", err=True)
        raise typer.Exit(1) from error


def _load(file: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return figures


def _save(file: Path, figures: dict[str, Any]) -> None:
    file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
