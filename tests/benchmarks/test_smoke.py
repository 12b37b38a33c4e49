"""The benchmark runs. Its figures are not tested."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import TARGETS
from benchmarks.measure import BenchError, require_wrk
from tests.program import require_program

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONDUIT_")}
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT
    )


@pytest.mark.slow
def test_run_measures_the_operations_and_all_baselines_without_errors(tmp_path: Path) -> None:
    require_program("wrk")
    file = tmp_path / "figures.json"
    operations = ["list", "list beside 8 writers"]
    options = [f"--only={name}" for name in operations]
    process = bench("run", "--small", "--rounds=1", "--seconds=1", f"--json={file}", *options)
    assert process.returncode == 0, process.stderr
    report = json.loads(file.read_text())
    baselines = {baseline for baseline, _ in TARGETS.values()}
    assert report["operations"].keys() == {*operations, *baselines}
    for name, row in report["operations"].items():
        assert row["errors"] == 0, name
        assert row["requests_per_second"] > 0
        assert row["cpu"] > 0
    assert bench("compare", str(file), str(file)).stdout.count("->") == 3 * len(report["operations"])


def test_missing_wrk_is_an_error_that_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BenchError, match="apt-get install wrk"):
        require_wrk()
