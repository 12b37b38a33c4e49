"""The versions of contracts."""

import re
from pathlib import Path
from typing import NamedTuple

from conduit_devtools.checks.compatibility.change import Verdict

NAME = "CONTRACT_VERSION"
PATTERN = re.compile(r"(\d+)\.(\d+)")
DECLARATION = re.compile(rf'^{NAME} = "{PATTERN.pattern}"$', re.MULTILINE)


class Version(NamedTuple):
    """The version of a contract."""

    major: int
    minor: int

    @classmethod
    def declared(cls, text: str) -> "Version | None":
        """Return the version that the text of a contracts.py declares, or None."""
        found = DECLARATION.search(text)
        return cls(int(found[1]), int(found[2])) if found else None

    def after(self, verdict: Verdict) -> "Version":
        """Return the lowest version after such a change."""
        return {
            Verdict.COMPATIBLE: self,
            Verdict.ADDITIVE: Version(self.major, self.minor + 1),
            Verdict.BREAKING: Version(self.major + 1, 0),
        }[verdict]

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


def write_version(file: Path, version: Version) -> None:
    """Replace the version that a contracts.py declares."""
    text = file.read_text(encoding="utf-8")
    file.write_text(DECLARATION.sub(f'{NAME} = "{version}"', text), encoding="utf-8")
