"""The tutorial in docs/modules.md: its commands and diffs, run in order in a copy of the tree."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.devtools.scaffold.conftest import UNWANTED, copy_tree

ROOT = Path(__file__).parents[2]
# One step is a run of many tests.
STEP_TIMEOUT_SECONDS = 300
# The tests of `make test` that cover every module.
TESTS_OF_ALL_MODULES = [
    "tests/app/test_containers.py",
    "tests/app/test_migrations.py::TestEveryModule",
    "tests/app/test_readme.py::test_module_readme_names_its_tables_contracts_and_events",
    "tests/conformance/test_document.py",
    "tests/docs/test_examples.py",
    "tests/docs/test_limits.py",
    "tests/security/test_access.py::test_table_has_every_operation",
    "tests/test_idempotency_keys.py::test_exactly_the_creating_operations_accept_a_key",
    "tests/test_account_deletion.py",
]
STEP = re.compile(r"^```(sh|diff|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.slow
# A developer who has just followed the tutorial runs `make test` next.
@pytest.mark.skipif((ROOT / "modules" / "notes").exists(), reason="this checkout has a module called notes")
def test_commands_and_diffs_of_the_tutorial_work_and_print_what_it_shows(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path)
    (tree / ".venv").symlink_to(sys.prefix)
    steps = STEP.findall((ROOT / "docs" / "modules.md").read_text(encoding="utf-8"))
    assert {kind for kind, _ in steps} == {"sh", "diff", "text"}
    output = ""
    for kind, step in steps:
        if kind == "text":
            assert step in output
        else:
            output = run(tree, ["git", "apply", "-"] if kind == "diff" else ["sh", "-eu"], step)
    shutil.copytree(ROOT / "tests", tree / "tests", ignore=UNWANTED, dirs_exist_ok=True)
    run(tree, [sys.executable, "-m", "pytest", "-q", "-m", "not slow", *TESTS_OF_ALL_MODULES], "")


def run(tree: Path, program: list[str], step: str) -> str:
    """Run the program with the step as its input, and return its output; fail if it fails."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CONDUIT_", "COVERAGE_"))
    }
    process = subprocess.run(  # noqa: S603 - the commands of the tutorial
        program,
        cwd=tree,
        # The modules of the copy come before installed ones.
        env=environment | {"PYTHONPATH": str(tree), "GIT_CEILING_DIRECTORIES": str(tree.parent)},
        input=step,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STEP_TIMEOUT_SECONDS,
        check=False,
    )
    assert process.returncode == 0, f"{step}\n{process.stdout}"
    return process.stdout
