"""`conduit_devtools` is optional: production code neither imports it nor needs it."""

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib import import_module
from pathlib import Path

import pytest

from conduit_devtools import testkit
from tests import program

ROOT = Path(__file__).parents[2]
DEVELOPMENT = ("conduit_devtools", "griffe", "grimp", "importlinter", "ruff")
# Prints the help, and then the names of the loaded modules.
PRINT_HELP_AND_IMPORTS = """
import sys
from typer.testing import CliRunner
from conduit_app.cli import main

print(CliRunner().invoke(main, ["--help"]).stdout)
print(*sys.modules)
"""


@pytest.fixture
def folder(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a migrated database; commands run there import a tree without the package."""
    tree, folder = tmp_path / "tree", tmp_path / "folder"
    tree.mkdir()
    for package in ("conduit_app", "modules"):
        (tree / package).symlink_to(ROOT / package)
    libraries = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tree), *dict.fromkeys(libraries)]))
    # -S: without site, Python ignores the .pth file of the editable installation, which has the package.
    monkeypatch.setattr(program, "PROGRAM", [sys.executable, "-S", "-m", "conduit_app.cli"])
    (folder / "var").mkdir(parents=True)
    shutil.copy(migrated, folder / "var" / "conduit.db")
    return folder


def test_conduit_serves_without_the_package(folder: Path) -> None:
    with program.served(folder, ENVIRONMENT="development") as conduit, conduit.client() as client:
        assert client.get("/health/ready").status_code == 200
        assert client.get("/api/tags").json() == {"tags": []}
        page = client.get("/architecture")
    assert (page.status_code, page.json()) == (404, {"errors": {"path": ["not found"]}})


def test_command_of_the_missing_package_fails_with_one_line(folder: Path) -> None:
    completed = program.conduit(folder, "check", "--format", "github")
    assert (completed.returncode, completed.stdout) == (1, "")
    assert completed.stderr == (
        "conduit: the development tools are not installed; in a checkout of Conduit, run: make setup\n"
    )


def test_help_leaves_out_commands_of_the_missing_package(folder: Path) -> None:
    completed = program.conduit(folder, "--help")
    assert (completed.returncode, completed.stderr) == (0, "")
    assert "\n  serve " in completed.stdout
    assert "\n  check " not in completed.stdout


def test_command_line_and_its_help_import_no_developer_tools() -> None:
    completed = subprocess.run(  # noqa: S603 - the program under test
        [sys.executable, "-c", PRINT_HELP_AND_IMPORTS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    *lines, loaded = completed.stdout.splitlines()
    assert any(line.startswith("  check ") for line in lines)
    assert "conduit_app.cli" in loaded.split()
    assert {name.partition(".")[0] for name in loaded.split()}.isdisjoint(DEVELOPMENT)


def test_former_place_of_the_test_kit_forwards_with_a_warning() -> None:
    former = import_module("conduit_app.testkit")
    with pytest.warns(DeprecationWarning, match=r"conduit_app\.testkit has moved: import conduit_devtools"):
        assert former.boot_module is testkit.boot_module
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = former.nothing
