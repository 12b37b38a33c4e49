"""The time limits of tests: a hanging test fails by name."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIGURATIONS = [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
HANGING_TESTS = """
import asyncio
import threading

async def test_a_task():
    await asyncio.Event().wait()

def test_a_thread():
    threading.Event().wait()

async def test_next():
    await asyncio.sleep(0)
"""


def run(folder: Path, tests: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run these tests with the project's configuration and these arguments."""
    (folder / "test_waiting.py").write_text(tests, encoding="utf-8")
    command: list[str | Path] = [sys.executable, "-m", "pytest", "--config-file", ROOT / "pyproject.toml"]
    command += ["-p", "no:cacheprovider", "--rootdir", folder, *arguments, folder]
    return subprocess.run(  # noqa: S603 - pytest itself
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def test_hanging_test_fails_and_the_next_one_runs(tmp_path: Path) -> None:
    completed = run(tmp_path, HANGING_TESTS, "--timeout", "1")
    for name in ("test_a_task", "test_a_thread"):
        assert f"FAILED test_waiting.py::{name} - Failed: Timeout (>1.0s)" in completed.stdout
    assert "2 failed, 1 passed" in completed.stdout


def test_process_is_ended_if_the_timeout_does_not_end_the_test(tmp_path: Path) -> None:
    # As if the timeout had interrupted another task than the test's.
    limits = ["--timeout", "0", "--override-ini", "faulthandler_timeout=1"]
    completed = run(tmp_path, HANGING_TESTS, *limits, "-k", "test_a_thread")
    assert completed.returncode != 0
    assert "Timeout (0:00:01)!" in completed.stderr
    assert "in test_a_thread" in completed.stderr


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: str(file.relative_to(ROOT)))
def test_configuration_has_both_limits(file: Path) -> None:
    limits = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["pytest"]
    assert 0 < int(limits["timeout"]) < limits["faulthandler_timeout"]
    assert limits["faulthandler_exit_on_timeout"]
