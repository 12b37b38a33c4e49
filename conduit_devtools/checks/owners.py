"""The check that every module has an owner, in a sorted list."""

from collections.abc import Iterator
from itertools import pairwise

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout


def check_owners(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for every module without a line in CODEOWNERS, and for each line that is not sorted."""
    file = checkout.root / "CODEOWNERS"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    words = {number: line.partition("#")[0].split() for number, line in enumerate(lines, start=1)}
    listed = {line[0].strip("/"): number for number, line in words.items() if line}
    owned = {line[0].strip("/") for line in words.values() if len(line) > 1}
    for module in (checkout.kernel, *checkout.modules):
        # A plugin's owner owns the distribution: the folder above the package.
        folder = "/".join(module.folder.relative_to(checkout.root).parts[:2])
        if folder not in owned:
            message = f"{module.name} has no owner in CODEOWNERS (/{folder}/ @team)"
            line = listed.get(folder, len(lines) or 1)
            yield Finding(RULES["codeowners"], file.relative_to(checkout.root), line, message)
    patterns = [(number, line[0]) for number, line in words.items() if line]
    for (_, before), (number, pattern) in pairwise(patterns):
        if pattern <= before:
            message = f"{pattern} is below {before}, but each path is listed once, and they are sorted"
            yield Finding(RULES["codeowners-order"], file.relative_to(checkout.root), number, message)
