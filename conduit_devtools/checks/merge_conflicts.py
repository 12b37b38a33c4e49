"""The check that no conflict markers of a merge are left, in the files that are not Python."""

import re
from collections.abc import Iterator

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout

# As git writes them; a heading of Markdown may be underlined by seven equals signs.
MARKER = re.compile(r"^(<{7}|>{7}|\|{7}) ", re.MULTILINE)
PATTERNS = ("CODEOWNERS", "importlinter.ini", "docs/architecture.md")
FILES_OF_MODULES = ("openapi.json", "README.md", "CHANGES.md")


def check_merge_conflicts(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for every file with conflict markers, at the first."""
    folders = [module.folder for module in (checkout.kernel, *checkout.modules)]
    files = [checkout.root / name for name in PATTERNS]
    files += [folder / name for folder in folders for name in FILES_OF_MODULES]
    for file in files:
        line = conflict_line(file.read_text(encoding="utf-8")) if file.exists() else None
        if line is not None:
            path = file.relative_to(checkout.root)
            yield Finding(RULES["merge-conflict"], path, line, f"{path} has conflict markers")


def conflict_line(text: str) -> int | None:
    """Return the line of the first conflict marker, or None."""
    marker = MARKER.search(text)
    return None if marker is None else text.count("\n", 0, marker.start()) + 1
