"""The verdict on a module that differs from the base."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conduit_devtools.checks.compatibility.change import Change, Verdict, worst
from conduit_devtools.checks.compatibility.changes_file import ChangesFile
from conduit_devtools.checks.compatibility.versions import Version


@dataclass(frozen=True, slots=True)
class ModuleVerdict:
    """What a change means for the consumers of one module."""

    module: str
    contracts: Path
    changes: Sequence[Change]
    notes: ChangesFile
    before: Version | None
    """The version of its contract in the base, if it had one."""

    after: Version | None

    @property
    def verdict(self) -> Verdict:
        """The verdict on all its changes."""
        return worst(self.changes)

    @property
    def required(self) -> Version | None:
        """The lowest version that its contract may have now.

        Settings and routes do not count: a plugin that was built with the contract works without them.
        """
        changes = [change for change in self.changes if change.file == self.contracts]
        return self.before and self.before.after(worst(changes))

    @property
    def is_outdated(self) -> bool:
        """Whether its contract declares a version below the required one."""
        return self.required is not None and self.after is not None and self.after < self.required
