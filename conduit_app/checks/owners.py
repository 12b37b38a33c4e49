"""That every module is somebody's."""

from collections.abc import Iterator

from conduit_app.checks.finding import RULES, Finding
from conduit_app.checks.source import Checkout


def check_owners(checkout: Checkout) -> Iterator[Finding]:
    """Yield every module that has no line in CODEOWNERS."""
    file = checkout.root / "CODEOWNERS"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    owned = {
        line.split()[0].strip("/") for line in lines if len(line.split()) > 1 and not line.startswith("#")
    }
    for module in (checkout.kernel, *checkout.modules):
        # A plugin is a whole distribution: its folder lies above the package.
        parts = module.folder.relative_to(checkout.root).parts[:2]
        if "/".join(parts) not in owned:
            message = f"{module.name} has no line in CODEOWNERS (/{'/'.join(parts)}/ @team)"
            yield Finding(RULES["codeowners"], file.relative_to(checkout.root), len(lines) or 1, message)
