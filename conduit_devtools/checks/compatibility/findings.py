"""The findings on breaking changes that name no migration, and on the versions of contracts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from conduit_devtools.checks.authentication import EXCEPTIONS
from conduit_devtools.checks.compatibility.change import Verdict
from conduit_devtools.checks.compatibility.contract import NO_UPCASTER
from conduit_devtools.checks.compatibility.http import AUTHENTICATION_REMOVED
from conduit_devtools.checks.compatibility.verdict import ModuleVerdict
from conduit_devtools.checks.compatibility.versions import NAME, Version
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.manifest import manifest_keys
from conduit_devtools.checks.source import Checkout


def check_compatibility(checkout: Checkout, verdicts: Sequence[ModuleVerdict]) -> Iterator[Finding]:
    """Yield a finding for each breaking change without a migration, and for each version that is too low."""
    public = {operation for module in checkout.modules for operation in manifest_keys(module, EXCEPTIONS)}
    for verdict in verdicts:
        for change in verdict.changes:
            if change.what == NO_UPCASTER:
                yield Finding(
                    RULES["event-upcaster"], change.file, change.line, f"{change.thing} {change.what}"
                )
            elif change.verdict is Verdict.BREAKING and verdict.notes.migration(change.thing) is None:
                message = f"{change}; {verdict.notes.path} does not name the migration"
                yield Finding(RULES["breaking-change"], change.file, change.line, message)
            if change.what == AUTHENTICATION_REMOVED and change.thing not in public:
                message = f"{change.thing} of {verdict.module} no longer requires authentication"
                yield Finding(RULES["authentication"], change.file, change.line, message)
        yield from _version_findings(checkout.root, verdict)


def _version_findings(root: Path, verdict: ModuleVerdict) -> Iterator[Finding]:
    if verdict.is_outdated:
        lines = (root / verdict.contracts).read_text(encoding="utf-8").splitlines()
        line = next(number for number, text in enumerate(lines, start=1) if Version.declared(text))
        message = (
            f"{NAME} of {verdict.module} is {verdict.after}; after this change of {verdict.before} "
            f"it must be at least {verdict.required}"
        )
        yield Finding(RULES["contract-version"], verdict.contracts, line, message)
