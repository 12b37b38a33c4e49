"""The verdict on each changed module, and the findings on its breaking changes and its version."""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from conduit_devtools.checks.base import Base
from conduit_devtools.checks.compatibility.change import Change, IncomparableFile, Verdict
from conduit_devtools.checks.compatibility.changes_file import NAME as CHANGES
from conduit_devtools.checks.compatibility.changes_file import ChangesFile
from conduit_devtools.checks.compatibility.consumers import Consumers
from conduit_devtools.checks.compatibility.contract import compare_contracts, read_contract
from conduit_devtools.checks.compatibility.http import compare_documents, is_openapi_document
from conduit_devtools.checks.compatibility.settings import compare_settings
from conduit_devtools.checks.compatibility.verdict import ModuleVerdict
from conduit_devtools.checks.compatibility.versions import Version, write_version
from conduit_devtools.checks.source import KERNEL, Checkout

CONTRACTS, MANIFEST = "contracts.py", "module.py"
READ = frozenset({".json", ".md", ".py"})
APPLICATION = Path("conduit_app")


def compare(checkout: Checkout, base: Base) -> Sequence[ModuleVerdict]:
    """Return a verdict for each module that differs from the base.

    Raises `IncomparableFile` if a file of the base, or an OpenAPI document, cannot be parsed.
    """
    return list(_Comparison(checkout, base).verdicts())


def raise_versions(checkout: Checkout, base: Base) -> Iterator[Path]:
    """Write the next minor version of each contract with additions only, and yield the files.

    The major version is for the author of a breaking change to raise, who knows the migration.
    """
    for verdict in compare(checkout, base):
        required = verdict.required
        if verdict.is_outdated and required and verdict.before and required.major == verdict.before.major:
            write_version(checkout.root / verdict.contracts, required)
            yield verdict.contracts


@dataclass(frozen=True)
class _Comparison:
    checkout: Checkout
    base: Base

    def verdicts(self) -> Iterator[ModuleVerdict]:
        operations = self._operations()
        for folder, name in sorted(self._modules().items()):
            is_changed = any(path.is_relative_to(folder) for path in self.changed)
            if is_changed or folder in operations:
                yield self._verdict(folder, name, operations.get(folder, ()))

    @cached_property
    def changed(self) -> Sequence[Path]:
        return [path for path in self.base.changed() if path.suffix in READ]

    @cached_property
    def former(self) -> Mapping[Path, str]:
        """The changed files as they were in the base."""
        return self.base.read(self.changed)

    @cached_property
    def current(self) -> Mapping[Path, str]:
        """The changed files as they are."""
        files = [path for path in self.changed if (self.checkout.root / path).is_file()]
        return {path: (self.checkout.root / path).read_text(encoding="utf-8") for path in files}

    @cached_property
    def consumers(self) -> Consumers:
        trees = {
            path: _parsed(path, text)
            for path, text in self.former.items()
            if path.suffix == ".py" and ".contracts" in text
        }
        return Consumers(self.checkout, trees)

    def _modules(self) -> Mapping[Path, str]:
        """Return the name of each module by its folder, with the modules that the change removes."""
        root = self.checkout.root
        folders = {module.folder.relative_to(root): module.name for module in self.checkout.modules}
        for path in self.former:
            match path.parts:
                case ("modules", name, "module.py") if name != KERNEL:
                    folders[path.parent] = name
                case ("plugins", name, package, "module.py") if package.startswith("conduit_"):
                    folders[path.parent] = name
        # Its settings, and the routes that belong to no module.
        return {**folders, APPLICATION: str(APPLICATION)}

    def _verdict(self, folder: Path, name: str, operations: Sequence[Change]) -> ModuleVerdict:
        contracts = folder / CONTRACTS
        package = ".".join(folder.parts if folder.parts[0] == "modules" else folder.parts[-1:])
        old, new = self.former.get(contracts, ""), self.current.get(contracts, "")
        changes = [
            *(self._compare_contracts(f"{package}.contracts", contracts, old, new) if old != new else ()),
            *compare_settings(*self._both(lambda path: path.is_relative_to(folder)), folder / MANIFEST),
            *operations,
        ]
        # The team of a plugin owns the distribution: the folder above the package.
        home = folder.parent if folder.parts[0] == "plugins" else folder
        notes = home / CHANGES if (self.checkout.root / home).exists() else home.parent / CHANGES
        return ModuleVerdict(
            module=name,
            contracts=contracts,
            changes=changes,
            notes=ChangesFile.compared(notes, self.former.get(notes, ""), self.current.get(notes, "")),
            before=Version.declared(old),
            after=Version.declared(new),
        )

    def _compare_contracts(self, name: str, file: Path, old: str, new: str) -> Iterator[Change]:
        _parsed(file, old)
        modules = read_contract(name, file, old), read_contract(name, file, new)
        for change in compare_contracts(*modules, file, self.consumers.created(name)):
            if change.verdict is Verdict.BREAKING:
                yield replace(change, consumers=self.consumers.of(name, change.thing))
            else:
                yield change

    def _operations(self) -> Mapping[Path, Sequence[Change]]:
        """Return the changes of operations, by the folder of the module."""
        changes = defaultdict(list)
        for change in compare_documents(*self._both(is_openapi_document)):
            folder = change.file.parent
            changes[folder if folder in self._modules() else APPLICATION].append(change)
        return changes

    def _both(self, selects: Callable[[Path], bool]) -> tuple[Mapping[Path, str], Mapping[Path, str]]:
        """Return the former and the current texts of the changed files that are selected."""
        former, current = (
            {path: text for path, text in texts.items() if selects(path)}
            for texts in (self.former, self.current)
        )
        return former, current


def _parsed(path: Path, text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise IncomparableFile(f"{path} is not valid there: {error.msg}") from error
