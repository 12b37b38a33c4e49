"""The committed files: no machine paths, no secrets, no generated files."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXECUTABLE = "100755"


@dataclass(frozen=True)
class Forbidden:
    """A forbidden pattern with an example. Neither contains a match in this file."""

    pattern: str
    example: str


FORBIDDEN = {
    "a path of one machine": Forbidden(
        r"(?<![\w.~}-])/(?:home|root|Users|work)/[\w.-]+",
        "/".join(["cd ", "home", "jake"]),
    ),
    "the host of a package registry": Forbidden(
        r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com)\b",
        ".".join(["https://files", "pythonhosted", "org/packages"]),
    ),
    "a private key": Forbidden(
        r"-----BEGIN [A-Z ]*PRIVATE[ ]KEY-----",
        "-".join(["----", "BEGIN RSA PRIVATE KEY", "----"]),
    ),
    "a token of a service": Forbidden(
        r"\b(?:AKIA[0-9A-Z]{16}|gh[opsu]_\w{36}|github_pat_\w{22}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10}|sk-\w{20})",
        "AKIA" + "I" * 16,
    ),
    "a signed token": Forbidden(
        r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
        ".".join(["eyJ" + "h" * 10, "eyJ" + "p" * 10, "s" * 43]),
    ),
}


def committed() -> dict[Path, str]:
    """Return the committed files with their modes."""
    listed = subprocess.run(
        ["git", "ls-files", "--stage", "-z"],  # noqa: S607 - wherever git is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    entries = (entry.split("\t") for entry in listed.stdout.split("\0") if entry)
    return {ROOT / path: mode.split()[0] for mode, path in entries if (ROOT / path).is_file()}


def texts() -> Iterator[tuple[Path, str]]:
    """Yield the committed text files with their contents."""
    for path in committed():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT), content.decode()


@pytest.mark.parametrize("kind", FORBIDDEN)
class TestForbiddenText:
    def test_no_committed_file_matches(self, kind: str) -> None:
        pattern = re.compile(FORBIDDEN[kind].pattern)
        matches = [f"{path}: {match[0]}" for path, text in texts() for match in pattern.finditer(text)]
        assert matches == []

    def test_example_matches(self, kind: str) -> None:
        assert re.search(FORBIDDEN[kind].pattern, FORBIDDEN[kind].example)


def test_scripts_are_executable() -> None:
    first_lines = {path: text.partition("\n")[0] for path, text in texts()}
    scripts = {
        path
        for path, line in first_lines.items()
        if line.startswith("#!") or path.parts[0] in {"scripts", ".ci"}
    }
    assert scripts >= {Path("scripts/setup"), Path(".ci/run")}
    modes = committed()
    assert [str(path) for path in scripts if modes[ROOT / path] != EXECUTABLE] == []


def test_continuous_integration_runs_make_test() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "make test" in lines


def test_no_ignored_file_is_committed() -> None:
    ignored = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"],  # noqa: S607 - wherever git is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ignored.stdout == ""
