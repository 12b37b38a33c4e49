"""Seeded faults: the tests that `conduit affected` does not select must not see them.

As a program, `python -m tests.devtools.seeded_faults 60` replays the 60 latest commits that change modules or
plugins. A fault makes the import of a file fail: a test that calls any code of the file fails, too. So a test
that passes sees no fault in the file, whatever the fault is.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conduit_devtools.affected.selection import Affected, Selector
from conduit_devtools.affected.sources import Sources
from conduit_devtools.checks.source import Checkout
from tests.devtools.scaffold.conftest import UNWANTED, copy_tree

ROOT = Path(__file__).parents[2]
FAULT = 'raise RuntimeError("a seeded fault")\n'
NO_TESTS = 5
"""The exit code of pytest if all tests are slow ones."""


@dataclass(frozen=True)
class Unselected:
    """The test files and plugins that a change does not select."""

    tests: tuple[str, ...]
    plugins: tuple[str, ...]

    @classmethod
    def of(cls, affected: Affected) -> "Unselected":
        """Return those of this checkout."""
        files = {path for path in Sources(ROOT).files if path.parts[0] == "tests"}
        tests = {path for path in files if path.name.startswith("test_")} - set(affected.tests)
        plugins = {plugin.folder.parent.name for plugin in Checkout(ROOT).plugins} - set(affected.plugins)
        return cls(tuple(sorted(map(str, tests))), tuple(sorted(plugins)))


class FaultyTree:
    """A copy of the checkout with faults in its files."""

    def __init__(self, folder: Path, faults: Sequence[Path]) -> None:
        self._root = copy_tree(folder)
        shutil.copytree(ROOT / "tests", self._root / "tests", ignore=UNWANTED, dirs_exist_ok=True)
        for path in faults:
            (self._root / path).write_text(FAULT if path.suffix == ".py" else "{", encoding="utf-8")

    def run(self, unselected: Unselected) -> Iterator["Run"]:
        """Run what is not selected, without slow tests: the tests below tests/, and those of each plugin."""
        if unselected.tests:
            yield self._run(self._root, "-m", "not slow", *unselected.tests)
        for plugin in unselected.plugins:
            yield self._run(self._root / "plugins" / plugin, "tests")

    def fails(self, test: str) -> bool:
        """Return whether a test fails."""
        return self._run(self._root, test).failed

    def _run(self, folder: Path, *arguments: str) -> "Run":
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        ours = ("CONDUIT_", "COVERAGE_", "PYTEST_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        # A file, not a pipe, which would stay open while a server that the tests started is running.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
            completed = subprocess.run(  # noqa: S603 - our own tests
                command,
                cwd=folder,
                env=environment | {"PYTHONPATH": f"{folder}{os.pathsep}{self._root}"},
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
            file.seek(0)
            output = file.read()
        passed = sum(map(int, re.findall(r"(\d+) passed", output)))
        return Run(completed.returncode not in {0, NO_TESTS}, passed, output)


@dataclass(frozen=True)
class Run:
    """The result of a run of pytest."""

    failed: bool
    passed: int
    output: str

    @property
    def failures(self) -> frozenset[str]:
        """The names of the tests that failed, or the last line of a run that ended early."""
        names = re.findall(r"^(?:FAILED|ERROR) (\S+)", self.output, re.MULTILINE)
        return frozenset(names or self.output.splitlines()[-1:])


def _git(*arguments: str) -> Sequence[str]:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: S603


def replayed_commits(count: int) -> Iterator[tuple[str, Sequence[Path], Affected]]:
    """Yield the latest commits that change modules or plugins: files that still exist, what they affect.

    Of a commit that changes the kernel or the application too, only the files of modules and plugins count:
    otherwise all tests would be selected.
    """
    checkout, found = Checkout(ROOT), 0
    selector = Selector(checkout)
    folders = [module.folder.relative_to(ROOT) for module in checkout.modules]
    for commit in _git("log", "--no-merges", "--format=%h"):
        changed = [Path(name) for name in _git("show", "--format=", "--name-only", "--no-renames", commit)]
        code = [path for path in changed if path.suffix in {".py", ".json"} and (ROOT / path).exists()]
        faults = [path for path in code if any(path.is_relative_to(folder) for folder in folders)]
        if faults and found < count:
            found += 1
            yield commit, faults, selector.select(faults)


def replay(count: int) -> Mapping[str, object]:
    """Run what each commit does not select, with faults in the files that it changed; return a summary.

    Commits are run together, with the faults of all of them: more faults make more tests fail, so if no test
    fails, none fails for one of the commits. First the tests that no commit of a group selects, then for each
    selection the others.
    """
    groups: defaultdict[bool, defaultdict[Unselected, set[Path]]] = defaultdict(lambda: defaultdict(set))
    commits, pairs = set(), 0
    for commit, faults, affected in replayed_commits(count):
        only_plugins = all(path.parts[0] == "plugins" for path in faults)
        groups[only_plugins][Unselected.of(affected)].update(faults)
        commits.add(commit)
        pairs += len({path.parts[1] for path in faults})
    missed: list[str] = []
    for selections in groups.values():
        common = set.intersection(*(set(unselected.tests) for unselected in selections))
        missed += _run(Unselected(tuple(sorted(common)), ()), set().union(*selections.values()))
        for unselected, faults_of_selection in selections.items():
            others = tuple(sorted(set(unselected.tests) - common))
            missed += _run(Unselected(others, unselected.plugins), faults_of_selection)
    return {"commits": len(commits), "changed modules": pairs, "missed": missed}


def _run(unselected: Unselected, faults: set[Path]) -> Sequence[str]:
    """Return the output of the runs that fail."""
    with tempfile.TemporaryDirectory() as folder:
        runs = list(FaultyTree(Path(folder), sorted(faults)).run(unselected))
        failures = [run.output for run in runs if run.failed]
    if failures:
        with tempfile.TemporaryDirectory() as folder:
            without = list(FaultyTree(Path(folder), []).run(unselected))
        # A test that fails without faults, too, has not seen them.
        failed = {name for run in without for name in run.failures}
        failures = [run.output for run in runs if run.failed and not run.failures <= failed]
    passed = sum(run.passed for run in runs)
    print(  # noqa: T201 - a program
        f"{len(faults)} faults, not selected: {len(unselected.tests)} test files, "
        f"{len(unselected.plugins)} plugins; {passed} tests passed, {len(failures)} runs failed",
        flush=True,
    )
    return failures


if __name__ == "__main__":
    print(json.dumps(replay(int(sys.argv[1])), indent=2))  # noqa: T201 - a program
