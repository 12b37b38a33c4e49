"""Copies of the checkout, in which tests seed violations."""

import compileall
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = (
    "CODEOWNERS",
    "conduit_app",
    "conduit_devtools",
    "docs",
    "importlinter.ini",
    "modules",
    "plugins",
    "pyproject.toml",
)
STATIC_CHECK = ("-m", "conduit_devtools.checks")
FULL_CHECK = ("-m", "conduit_app.cli", "check")
MARK = "# seeded"


@dataclass(frozen=True)
class ReportedFinding:
    """A finding, parsed from a JSON report."""

    rule: str
    file: str
    line: int
    message: str

    @property
    def place(self) -> tuple[str, int]:
        """The file and the line."""
        return self.file, self.line


class Checker:
    """The client of the process in checker.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the program under test
            [sys.executable, Path(__file__).with_name("checker.py")],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def check(self, root: Path, *, include_runtime: bool) -> Sequence[ReportedFinding]:
        """Return the static findings of a copy, and optionally the runtime findings."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps([str(root), include_runtime])}\n")
        process.stdin.flush()
        return _findings(process.stdout.readline())

    def stop(self) -> None:
        """Stop the process."""
        self._process.communicate()


@dataclass(frozen=True)
class CopiedTree:
    """A copy of the checkout. Its files are hard links: they are replaced, never written in place."""

    root: Path
    checker: Checker

    def append(self, file: str, text: str) -> None:
        """Append text to a file, or create it."""
        path = self.root / file
        self._write(file, (path.read_text(encoding="utf-8") if path.exists() else "") + text)

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace the first occurrence of a text in a file; the file must contain it."""
        text = (self.root / file).read_text(encoding="utf-8")
        assert old in text, f"{file} does not contain: {old}"
        self._write(file, text.replace(old, new, 1))

    def remove(self, file: str) -> None:
        """Delete a file."""
        (self.root / file).unlink()

    def marked(self, file: str) -> int:
        """Return the number of the last line that is marked as a violation, or 1."""
        lines = (self.root / file).read_text(encoding="utf-8").splitlines()
        return max((number for number, line in enumerate(lines, start=1) if MARK in line), default=1)

    def check_static(self) -> Sequence[ReportedFinding]:
        """Return the static findings."""
        return self.checker.check(self.root, include_runtime=False)

    def check(self) -> Sequence[ReportedFinding]:
        """Return all findings."""
        return self.checker.check(self.root, include_runtime=True)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy, with the copy's code."""
        return subprocess.run(  # noqa: S603 - the program under test
            [sys.executable, *arguments],
            cwd=self.root,
            env=_environment(self.root),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def _write(self, file: str, text: str) -> None:
        path = self.root / file
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def copy_checkout(to: Path) -> None:
    """Copy and compile the checkout, once for all copies that are linked to it."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            # Other processes may write caches at the same time.
            shutil.copytree(
                ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
            )
        elif (ROOT / name).exists():
            shutil.copy2(ROOT / name, to / name)
    compileall.compile_dir(to, quiet=2)


def link(tree: CopiedTree, to: Path) -> CopiedTree:
    """Return a copy that shares every file with the tree until it replaces it."""
    shutil.copytree(tree.root, to, copy_function=os.link)
    return replace(tree, root=to)


def _environment(*roots: Path) -> dict[str, str]:
    # Without the settings of this process, and without those of coverage, which would measure the copy.
    path = os.pathsep.join(map(str, roots))
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def _findings(line: str) -> Sequence[ReportedFinding]:
    report = json.loads(line)
    assert "findings" in report, report["raised"]
    return [
        ReportedFinding(finding["rule"], finding["file"], finding["line"], finding["message"])
        for finding in report["findings"]
    ]
