"""That every module is somebody's."""

from collections.abc import Iterator

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout


def check_owners(checkout: Checkout) -> Iterator[Finding]:
    """Yield every module that has no line in CODEOWNERS."""
    file = checkout.root / "CODEOWNERS"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    words = {number: line.partition("#")[0].split() for number, line in enumerate(lines, start=1)}
    listed = {line[0].strip("/"): number for number, line in words.items() if line}
    owned = {line[0].strip("/") for line in words.values() if len(line) > 1}
    for module in (checkout.kernel, *checkout.modules):
        # A plugin is a whole distribution: its folder lies above the package.
        parts = module.folder.relative_to(checkout.root).parts[:2]
        if "/".join(parts) not in owned:
            message = f"{module.name} has no owner in CODEOWNERS (/{'/'.join(parts)}/ @team)"
            line = listed.get("/".join(parts), len(lines) or 1)
            yield Finding(RULES["codeowners"], file.relative_to(checkout.root), line, message)
