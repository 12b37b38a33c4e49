"""The owners of files, by CODEOWNERS, and the check that they are those of the manifests."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from pathspec import PathSpec

from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout, ModuleSource, text_of

FILE = Path("CODEOWNERS")
OWNER = re.compile(r"@[\w.-]+(?:/[\w.-]+)?|[^@\s]+@[^@\s]+")


@dataclass(frozen=True)
class OwnersLine:
    """A line of CODEOWNERS: a pattern of paths, and their owners."""

    number: int
    pattern: str
    owners: tuple[str, ...]

    def matches(self, path: Path) -> bool:
        """Return whether the line applies to a file. The patterns are those of .gitignore."""
        return self._pattern.match_file(path)

    @cached_property
    def _pattern(self) -> PathSpec[Any]:
        return PathSpec.from_lines("gitignore", [self.pattern])


@dataclass(frozen=True)
class Owners:
    """The owners of every file of the checkout."""

    lines: Sequence[OwnersLine] = ()

    @classmethod
    def parse(cls, text: str) -> "Owners":
        """Return the owners in the text of CODEOWNERS."""
        words = [line.partition("#")[0].split() for line in text.splitlines()]
        return cls([OwnersLine(n, line[0], (*line[1:],)) for n, line in enumerate(words, start=1) if line])

    @classmethod
    def read(cls, root: Path) -> "Owners":
        """Return the owners in a checkout; nobody, if it has no CODEOWNERS."""
        file = root / FILE
        return cls.parse(file.read_text(encoding="utf-8") if file.exists() else "")

    def line(self, path: Path) -> OwnersLine | None:
        """Return the line that decides about a file: the last one that matches it."""
        return next((line for line in reversed(self.lines) if line.matches(path)), None)

    def of(self, path: Path) -> Sequence[str]:
        """Return the owners of a file, relative to the root."""
        line = self.line(path)
        return () if line is None else line.owners

    def of_module(self, name: str) -> Sequence[str]:
        """Return the owners of a module or plugin."""
        return self.of(Path("modules", name, "module.py")) or self.of(Path("plugins", name, "pyproject.toml"))


def check_owners(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for every module without owner or with another one than its manifest declares.

    Also for every line that is not sorted: two teams that add one merge without a conflict.
    """
    owners = Owners.read(checkout.root)
    for line in owners.lines:
        for owner in line.owners:
            if OWNER.fullmatch(owner) is None:
                message = f"{owner} is neither @user, @organization/team nor an address"
                yield Finding(RULES["codeowners"], FILE, line.number, message)
    for module in (checkout.kernel, *checkout.modules):
        yield from _module(checkout, module, owners)
    for before, line in pairwise(owners.lines):
        if line.pattern <= before.pattern:
            message = (
                f"{line.pattern} is below {before.pattern}, but each path is listed once, and they are sorted"
            )
            yield Finding(RULES["codeowners-order"], FILE, line.number, message)


def _module(checkout: Checkout, module: ModuleSource, owners: Owners) -> Iterator[Finding]:
    # A plugin's owner owns the distribution: the folder above the package.
    folder = Path(*module.folder.relative_to(checkout.root).parts[:2])
    declared = declared_owner(module)
    # One finding for each line that takes files of the module.
    deciding = {owners.line(file.relative) for file in module.files} | {owners.line(folder / "README.md")}
    for line in sorted(deciding, key=lambda line: line.number if line else 0):
        if line is None or not line.owners:
            number = line.number if line else (owners.lines[-1].number if owners.lines else 1)
            message = f"{module.name} has no owner in CODEOWNERS (/{folder.as_posix()}/ @team)"
            yield Finding(RULES["codeowners"], FILE, number, message)
        elif declared and declared not in line.owners:
            message = (
                f"{line.pattern} takes files of {module.name} from {declared}, the owner in its manifest"
            )
            yield Finding(RULES["codeowners"], FILE, line.number, message)
    is_declared = module.manifest is not None and any(name == "Module" for name, _ in module.manifest.calls)
    if declared is None and module.manifest is not None and is_declared:
        message = f"the manifest of {module.name} declares no owner"
        yield Finding(RULES["codeowners"], module.manifest.relative, 1, message)


def declared_owner(module: ModuleSource) -> str | None:
    """Return `owner` of the manifest, if it is a literal."""
    calls = module.manifest.calls if module.manifest else ()
    values = [
        text_of(keyword.value)
        for function, call in calls
        for keyword in call.keywords
        if function == "Module" and keyword.arg == "owner"
    ]
    return next(filter(None, values), None)


def check_moved_owners(checkout: Checkout, base: Base) -> Iterator[Finding]:
    """Yield a finding for every path of the base's CODEOWNERS that has other owners now.

    Not for modules: their owner is also in the manifest, and both change together.
    """
    modules = {
        Path(*module.folder.relative_to(checkout.root).parts[:2])
        for module in (checkout.kernel, *checkout.modules)
    }
    owners = Owners.read(checkout.root)
    for before in Owners.parse(base.read([FILE]).get(FILE, "")).lines:
        path = Path(before.pattern.strip("/"))
        # A pattern with a wildcard has no path of its own.
        if path in modules or "*" in before.pattern or not (checkout.root / path).exists():
            continue
        line = owners.line(path / "file" if (checkout.root / path).is_dir() else path)
        if line is None or set(line.owners) != set(before.owners):
            now = " ".join(line.owners) if line and line.owners else "nobody"
            message = f"{before.pattern} belonged to {' '.join(before.owners)}, and belongs to {now}"
            yield Finding(RULES["softened-check"], FILE, line.number if line else 1, message)
