"""Copies of the checkout, in which tests generate modules."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import TIMEOUT_SECONDS

ROOT = Path(__file__).parents[3]
PARTS = (
    "conduit_app",
    "conduit_devtools",
    "modules",
    "plugins",
    "docs",
    "CODEOWNERS",
    "importlinter.ini",
    "pyproject.toml",
)
NEW = "unheard_of"
"""A module name that no team uses: these tests must pass with every future module."""

UNWANTED = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", ".*")


def copy_tree(folder: Path) -> Path:
    """Return a copy of the checkout in the folder; of its tests, only the shared files."""
    root = folder / "copy"
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, root / part, ignore=UNWANTED)
        else:
            root.mkdir(exist_ok=True)
            shutil.copy(ROOT / part, root)
    (root / "tests").mkdir()
    for file in (ROOT / "tests").glob("*.py"):
        shutil.copy(file, root / "tests")
    return root


def run(folder: Path, *command: str, path: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a Python module in the folder, with the folder and then `path` on Python's path."""
    # Coverage would measure the files of the copy, which are deleted afterwards.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CONDUIT_", "COVERAGE_"))
    }
    return subprocess.run(  # noqa: S603 - our own programs
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment | {"PYTHONPATH": os.pathsep.join(map(str, (folder, *path)))},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def files(root: Path) -> dict[Path, bytes]:
    """Return all files and folders of the tree with their contents, except caches."""
    return {
        path.relative_to(root): path.read_bytes() if path.is_file() else b""
        for path in root.rglob("*")
        if not {"__pycache__", ".mypy_cache", ".ruff_cache"} & set(path.parts)
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the checkout."""
    return copy_tree(tmp_path)
