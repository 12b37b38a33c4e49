"""A run on the small data set. Its figures are not tested, except that there are some."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import suite
from benchmarks.dataset import SMALL, Dataset
from benchmarks.measure import BenchError, require_wrk
from benchmarks.operations import BASELINES, mixed
from benchmarks.soak import LIMITS_OF_FIGURES, Run
from tests.program import require_program

ROOT = Path(__file__).parents[2]
SELECTED = {
    "uncached, SQLite: favorite",
    "beside 8 writers, SQLite: list",
    "mixed workload, SQLite: cached",
    "concurrent writers, PostgreSQL: 8, commit_delay = 1000 µs",
}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONDUIT_")}
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT
    )


# Seconds on an idle machine, minutes on a busy one.
@pytest.mark.timeout(600)
def test_run_measures_on_both_engines_without_failed_requests(tmp_path: Path) -> None:
    require_program("wrk")
    file = tmp_path / "figures.json"
    options = [f"--only={label}" for label in SELECTED]
    process = bench("run", "--small", "--rounds=1", "--seconds=1", f"--json={file}", *options)
    assert process.returncode == 0, process.stderr
    figures = {
        f"{section}, {engine}: {name}": row
        for section, engines in json.loads(file.read_text(encoding="utf-8"))["figures"].items()
        for engine, rows in engines.items()
        for name, row in rows.items()
    }
    assert figures.keys() == SELECTED | {f"baseline, FastAPI: {name}" for name in BASELINES}
    for label, row in figures.items():
        assert row["errors"] == 0, label
        assert row["requests_per_second"] > 0, label
        assert row["cpu"] > 0, label
        assert (row["postgresql_cpu"] > 0) == ("PostgreSQL" in label), label
    compared = bench("compare", str(file), str(file)).stdout
    assert all(label in compared for label in figures)


def test_selecting_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "require_wrk", lambda: "wrk")
    with pytest.raises(BenchError, match="no measurement has this in its label: lists"):
        suite.run(1, 1, ["SQLite", "lists"], SMALL)


def test_mixed_workload_is_nine_tenths_reads_and_prefers_the_first_articles() -> None:
    dataset = Dataset([f"token{n}" for n in range(50)], [f"slug{n}" for n in range(500)], b"")
    requests = mixed(dataset)
    methods = Counter(request.method for request in requests)
    assert methods["GET"] / methods.total() == pytest.approx(0.9, abs=0.01)
    assert {request.token for request in requests} == {"", *dataset.tokens}
    reads, writes = (
        Counter(
            request.path.split("/")[3]
            for request in requests
            if "/slug" in request.path and (request.method == "GET") == is_read
        )
        for is_read in (True, False)
    )
    # Zipf's law: the tenth article is requested a tenth as often as the first.
    assert reads["slug0"] / reads["slug9"] == pytest.approx(10, rel=0.5)
    assert len(reads) > 150
    assert len(writes) > 150
    assert not reads.keys() & writes.keys(), "no read becomes slower by writes"
    assert mixed(dataset) == requests


def test_missing_wrk_is_an_error_that_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BenchError, match="apt-get install wrk"):
        require_wrk()


@pytest.mark.slow
def test_soak_reports_each_figure_of_both_engines_and_plots_them(tmp_path: Path) -> None:
    file = tmp_path / "soak.svg"
    process = bench("soak", "--minutes=0.1", f"--plot={file}")
    # Whether anything grows, a run of some seconds cannot tell.
    assert process.returncode in {0, 1}, process.stderr
    for engine in ("SQLite", "PostgreSQL"):
        assert f"{engine}: status 5" not in process.stdout
        for figure in LIMITS_OF_FIGURES:
            assert f"{engine}: {figure}, " in file.read_text(encoding="utf-8")
    assert process.stdout.count("memory: ") == 2


def test_growth_beyond_a_limit_is_a_problem() -> None:
    run = Run("SQLite")
    for minute in range(30):
        figures = dict.fromkeys(LIMITS_OF_FIGURES, 1.0)
        run.samples.append((60.0 * minute, figures | {"memory": 100 + minute, "write-ahead log": 20}))
    run.statuses.update({200: 5, 500: 1})
    assert run.problems() == [
        "SQLite: memory grows by 60.0 MB in an hour",
        "SQLite: write-ahead log was 20.0 MB",
        "SQLite: status 500: 1",
    ]
