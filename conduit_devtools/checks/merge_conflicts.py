"""The check that no conflict markers of a merge are left, in the files that are not Python."""

import re
from collections.abc import Iterator

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout

# Without the line of seven equals signs, which may also underline a heading of Markdown.
MARKER = re.compile(r"^(<{7}|>{7}|\|{7}) ", re.MULTILINE)
FILES = ("CODEOWNERS", "importlinter.ini", "docs/architecture.md")
PATTERNS = ("modules/*/*.json", "modules/*/*.md", "plugins/*/*.ini", "plugins/*/*.md", "plugins/*/*/*.json")


def check_merge_conflicts(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for every file with conflict markers, at the first."""
    files = [file for name in FILES if (file := checkout.root / name).exists()]
    files += [file for pattern in PATTERNS for file in sorted(checkout.root.glob(pattern))]
    for file in files:
        text, path = file.read_text(encoding="utf-8"), file.relative_to(checkout.root)
        if marker := MARKER.search(text):
            line = text.count("\n", 0, marker.start()) + 1
            yield Finding(RULES["merge-conflict"], path, line, f"{path} has conflict markers")
