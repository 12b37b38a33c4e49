"""CHANGES.md of a module: how consumers follow its breaking changes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "CHANGES.md"


@dataclass(frozen=True, slots=True)
class ChangesFile:
    """The lines that a change adds to the file. A line of the base was about an earlier change."""

    path: Path
    """Relative to the root of the checkout."""

    lines: Sequence[str]

    @classmethod
    def compared(cls, path: Path, old: str, new: str) -> "ChangesFile":
        """Return the lines of the new text that the old one does not have."""
        former = set(old.splitlines())
        return cls(path, [line for line in new.splitlines() if line not in former])

    def migration(self, thing: str) -> str | None:
        """Return the migration path in the line that names this thing, or None.

        The line is an item of a list, and its path has at least three words:
        ``- `ArticleDirectory.ids`: pass the slugs by position``.
        """
        pattern = re.compile(rf"[-*] .*`{re.escape(thing)}`.*?: *(\S+(?: +\S+){{2,}})")
        return next((found[1] for line in self.lines if (found := pattern.match(line))), None)
