"""Who uses a contract: the modules that import its names, in the checkout or installed beside it."""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from conduit_app.discovery import ENTRY_POINTS
from conduit_devtools.checks.source import Checkout, ModuleSource, SourceFile


@dataclass(frozen=True, slots=True)
class _Use:
    """A name of a contract that a module imports, and whether it creates objects of it."""

    module: str
    name: str
    """In full, with the package and `contracts`."""

    created: bool


@dataclass(frozen=True)
class Consumers:
    """The uses of contracts, in the working tree and in the changed files of the base."""

    checkout: Checkout
    former: Mapping[Path, ast.Module]
    """The changed files as they were in the base: a consumer may be changed together with the contract."""

    def of(self, contracts: str, thing: str) -> tuple[str, ...]:
        """Return the modules that import this name, or that of its class, from these contracts."""
        names = {contracts, f"{contracts}.{thing.partition('.')[0]}"}
        return tuple(sorted({use.module for use in self._uses if use.name in names}))

    def created(self, contracts: str) -> Collection[str]:
        """Return the names of the classes of these contracts of which other modules create objects."""
        created = {use.name for use in self._uses if use.created}
        return {name.rpartition(".")[2] for name in created if name.startswith(f"{contracts}.")}

    @cached_property
    def _uses(self) -> frozenset[_Use]:
        uses = set()
        for module in (*self.checkout.modules, *installed_plugins(self.checkout)):
            for file in module.files:
                trees = [self.former[file.relative]] if file.relative in self.former else []
                # Most files import no contract, and need not be parsed.
                trees += [file.tree] if ".contracts" in file.text else []
                for tree in trees:
                    uses |= {use for use in _uses_in(tree, module.name) if not _is_own(use, file)}
        return frozenset(uses)


def installed_plugins(checkout: Checkout) -> Iterator[ModuleSource]:
    """Yield the installed plugins that are not part of the checkout. They are not imported."""
    in_checkout = {plugin.folder.name for plugin in checkout.plugins}
    for entry_point in entry_points(group=ENTRY_POINTS):
        package = entry_point.module.partition(".")[0]
        spec = find_spec(package)
        if package not in in_checkout and spec is not None and spec.submodule_search_locations:
            folder = Path(spec.submodule_search_locations[0])
            yield ModuleSource(entry_point.name, folder, folder.parent)


def _is_own(use: _Use, file: SourceFile) -> bool:
    package = use.name.partition(".contracts")[0].replace(".", "/")
    return f"/{package}/" in f"/{file.relative.as_posix()}"


def _uses_in(tree: ast.Module, module: str) -> Iterator[_Use]:
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.endswith(".contracts"):
            imported |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            imported |= {alias.name: alias.name for alias in node.names if alias.name.endswith(".contracts")}
    created = set(_created(tree)) if imported else set()
    for local, name in imported.items():
        yield _Use(module, name, local in created)


def _created(tree: ast.Module) -> Iterator[str]:
    """Yield the names that are called, or matched by position."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) | ast.MatchClass(cls=ast.Name(id=name), patterns=[_, *_]):
                yield name
