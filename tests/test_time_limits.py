"""A test that does not end is named, and the run goes on to its end."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIGURATIONS = [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
WAITS_FOR_EVER = """
import asyncio
import threading

async def test_a_task():
    await asyncio.Event().wait()

def test_a_thread():
    threading.Event().wait()

async def test_the_next_one():
    await asyncio.sleep(0)
"""


def run(folder: Path, tests: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run these tests by the configuration of the tree, with these arguments."""
    (folder / "test_waiting.py").write_text(tests, encoding="utf-8")
    command: list[str | Path] = [sys.executable, "-m", "pytest", "--config-file", ROOT / "pyproject.toml"]
    command += ["-p", "no:cacheprovider", "--rootdir", folder, *arguments, folder]
    return subprocess.run(  # noqa: S603 - pytest itself
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def test_one_that_waits_for_ever_fails_and_those_after_it_run(tmp_path: Path) -> None:
    ended = run(tmp_path, WAITS_FOR_EVER, "--timeout", "1")
    for name in ("test_a_task", "test_a_thread"):
        assert f"FAILED test_waiting.py::{name} - Failed: Timeout (>1.0s)" in ended.stdout
    assert "2 failed, 1 passed" in ended.stdout


def test_one_that_the_limit_does_not_end_is_ended_with_its_process(tmp_path: Path) -> None:
    # As if the limit had hit the task of somebody else, which it would have ended instead.
    limits = ["--timeout", "0", "--override-ini", "faulthandler_timeout=1"]
    ended = run(tmp_path, WAITS_FOR_EVER, *limits, "-k", "test_a_thread")
    assert ended.returncode != 0
    assert "Timeout (0:00:01)!" in ended.stderr
    assert "in test_a_thread" in ended.stderr


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_configuration_has_both_limits(file: Path) -> None:
    limits = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["pytest"]
    assert 0 < int(limits["timeout"]) < limits["faulthandler_timeout"]
    assert limits["faulthandler_exit_on_timeout"]
