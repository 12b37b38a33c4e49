"""A copy of the checkout, to plant a breach in and to check."""

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
SOURCES = ("-m", "conduit_devtools.checks")
WHOLE = ("-m", "conduit_app.cli", "check")
MARK = "# breach"


@dataclass(frozen=True)
class Found:
    """A finding as a program reads it."""

    rule: str
    file: str
    line: int
    message: str

    @property
    def place(self) -> tuple[str, int]:
        """Where it is."""
        return self.file, self.line


class Checker:
    """The process that checks trees."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the program under test
            [sys.executable, Path(__file__).with_name("checker.py")],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def check(self, root: Path, *, running: bool) -> Sequence[Found]:
        """Return what the text of the tree shows, and, if wanted, what running it shows."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps([str(root), running])}\n")
        process.stdin.flush()
        return _findings(process.stdout.readline())

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()


@dataclass(frozen=True)
class CopiedTree:
    """A copy of the checkout. Its files are hard links, so they are replaced and never written into."""

    root: Path
    checker: Checker

    def append(self, file: str, text: str) -> None:
        """Add lines to a file, or make it."""
        path = self.root / file
        self._write(file, (path.read_text(encoding="utf-8") if path.exists() else "") + text)

    def replace(self, file: str, old: str, new: str) -> None:
        """Write something else in a file; what was there must be there."""
        text = (self.root / file).read_text(encoding="utf-8")
        assert old in text, f"{file} says nothing like: {old}"
        self._write(file, text.replace(old, new, 1))

    def remove(self, file: str) -> None:
        """Delete a file."""
        (self.root / file).unlink()

    def marked(self, file: str) -> int:
        """Return the number of the last line that is marked as a breach; 1 when none is."""
        lines = (self.root / file).read_text(encoding="utf-8").splitlines()
        return max((number for number, line in enumerate(lines, start=1) if MARK in line), default=1)

    def check_static(self) -> Sequence[Found]:
        """Return what the text of the copy shows."""
        return self.checker.check(self.root, running=False)

    def check(self) -> Sequence[Found]:
        """Return what the whole check of the copy shows, run by the copy's own code."""
        return self.checker.check(self.root, running=True)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy, on the copy's code."""
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
    """Copy the checkout and compile it, once, for all the trees that are linked to it."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            # Other processes write into caches meanwhile.
            shutil.copytree(
                ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
            )
        elif (ROOT / name).exists():
            shutil.copy2(ROOT / name, to / name)
    compileall.compile_dir(to, quiet=2)


def link(tree: CopiedTree, to: Path) -> CopiedTree:
    """Return a tree of one's own that shares every file with another one until it is changed."""
    shutil.copytree(tree.root, to, copy_function=os.link)
    return replace(tree, root=to)


def _environment(*roots: Path) -> dict[str, str]:
    # None of the settings that this process may have, and none of coverage's: it would measure the copy.
    path = os.pathsep.join(map(str, roots))
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def _findings(report: str) -> Sequence[Found]:
    read = json.loads(report)
    assert "findings" in read, read["raised"]
    return [Found(one["rule"], one["file"], one["line"], one["message"]) for one in read["findings"]]
