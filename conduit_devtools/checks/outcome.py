"""The outcome of a check: findings with their owners, and suppressions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from conduit_devtools.checks.compatibility.verdict import ModuleVerdict
from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.owners import Owners
from conduit_devtools.checks.suppressions import Suppression


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a check."""

    findings: Sequence[Finding]
    owners: Owners = field(default_factory=Owners)
    suppressions: Sequence[Suppression] = ()
    new_suppressions: Collection[Suppression] = ()
    """Those that the base of the change does not have. GitHub shows them to the reviewer."""

    verdicts: Sequence[ModuleVerdict] | None = None
    """The verdicts on the modules that differ from the base; None without a base."""

    def owner(self, finding: Finding) -> str:
        """Return the owners of the file, separated by spaces; an empty string if there are none."""
        return " ".join(self.owners.of(finding.file))

    def contact(self, finding: Finding) -> str:
        """Return the owners of the other module that the finding concerns, if they are others."""
        contact = " ".join(self.owners.of_module(finding.about)) if finding.about else ""
        return contact if contact != self.owner(finding) else ""
