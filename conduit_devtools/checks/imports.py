"""The import contracts, the house's and each plugin's own, run by import-linter and told as findings."""

import contextlib
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from conduit_devtools.checks.finding import RULES, Finding, Rule
from conduit_devtools.checks.source import Checkout, SourceFile

CONFIGURATION = "importlinter.ini"


def check_imports(checkout: Checkout) -> Iterator[Finding]:
    """Yield what breaks an import contract of the checkout, or one of a plugin's own."""
    # A development tool: imported here, so that Conduit runs without it.
    from importlinter.configuration import configure  # noqa: PLC0415
    from importlinter.contracts import acyclic_siblings, forbidden, layers, protected  # noqa: PLC0415
    from importlinter.domain.contract import registry  # noqa: PLC0415

    configure()
    registry.register(acyclic_siblings.AcyclicSiblingsContract, "acyclic_siblings")
    registry.register(forbidden.ForbiddenContract, "forbidden")
    registry.register(layers.LayersContract, "layers")
    registry.register(protected.ProtectedContract, "protected")
    yield from _check(checkout.root, checkout.root)
    for plugin in checkout.plugins:
        configuration = plugin.folder.parent / CONFIGURATION
        if configuration.exists():
            yield from _check(checkout.root, configuration.parent)
        else:
            file = configuration.relative_to(checkout.root)
            yield Finding(RULES["plugin-contracts"], file, 1, f"{plugin.name} has no {CONFIGURATION}")
    yield from _of_plugins(checkout)


def _of_plugins(checkout: Checkout) -> Iterator[Finding]:
    """Yield the imports of a plugin by who is not part of it; no contract of the house knows its name.

    Another plugin may import its contracts; the house may not, because the plugin need not be there.
    """
    packages = {plugin.folder.name: plugin for plugin in checkout.plugins}
    for part in checkout.parts:
        for file in part.files:
            for name, statement in file.imports():
                package, _, room = name.partition(".")
                open_to_it = part in checkout.plugins and room.partition(".")[0] in {"", "contracts"}
                if packages.get(package, part) is not part and not open_to_it:
                    yield file.finding("boundary", statement, f"{part.name} imports {name}, of a plugin")


def _check(root: Path, folder: Path) -> Iterator[Finding]:
    """Yield what breaks a contract of the folder, which is the checkout's root or a plugin's distribution."""
    from importlinter.application import use_cases  # noqa: PLC0415

    options = use_cases.read_user_options(str(folder / CONFIGURATION))
    # A rule that takes several contracts names each after itself and a slash.
    rules = {contract["name"]: contract["id"].partition("/")[0] for contract in options.contracts_options}
    # It draws a progress bar on standard output, which here belongs to the findings.
    with _first_on_path(root, folder), contextlib.redirect_stdout(io.StringIO()):
        report = use_cases.create_report(options, cache_dir=None)
    for contract, check in report.get_contracts_and_checks():
        if not check.kept:
            rule = RULES.get(rules[contract.name], RULES["plugin-contracts"])
            yield from _findings(rule, root, folder, check.metadata)


@contextlib.contextmanager
def _first_on_path(*folders: Path) -> Iterator[None]:
    """Let import-linter find the packages of the checkout, which it looks for on Python's path."""
    before = sys.path.copy()
    sys.path[:0] = map(str, folders)
    try:
        yield
    finally:
        sys.path[:] = before


def _findings(rule: Rule, root: Path, folder: Path, metadata: Mapping[str, Any]) -> Iterator[Finding]:
    seen = set()
    for importer, imported, line in _first_imports(metadata):
        # A plugin's contracts read the modules too; those are held to the house's contracts, once.
        if (importer, imported) not in seen and (folder / importer.partition(".")[0]).exists():
            seen.add((importer, imported))
            file = _file(root, folder, importer)
            known = line or _line(SourceFile(root / file, folder), imported)
            yield Finding(rule, file, known, f"{importer} imports {imported}")
    for module in sorted(metadata.get("undeclared_modules", ())):
        yield Finding(rule, _file(root, folder, module), 1, f"{module} is no room of a module")


def _first_imports(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Yield the import that each broken chain begins with, the one to take away; 0 is an unknown line."""
    for dependency in metadata.get("invalid_dependencies", ()):  # layers
        for route in dependency["routes"]:
            for link in (route["chain"][0], *route["extra_firsts"]):
                yield _link(link)
    for pair in metadata.get("invalid_chains", ()):  # forbidden
        for chain in pair["chains"]:
            yield _link(chain[0])
    for protected in metadata.get("illegal_imports", ()):  # protected
        for link in protected.illegal_links:
            yield _link(link)
    for breakers in metadata.get("cycle_breakers_by_package", {}).values():  # acyclic_siblings
        for importer, imported in sorted(breakers):
            yield importer, imported, 0


def _link(link: Mapping[str, Any]) -> tuple[str, str, int]:
    lines: Iterable[int] = link["line_numbers"]
    return link["importer"], link["imported"], next(iter(lines), 0)


def _line(file: SourceFile, imported: str) -> int:
    """Return the line of an import that import-linter names without one, as it does those of a cycle."""
    return next((node.lineno for name, node in file.imports() if name == imported), 1)


def _file(root: Path, folder: Path, module: str) -> Path:
    path = folder.joinpath(*module.split("."))
    package = path / "__init__.py"
    return (package if package.exists() else path.with_suffix(".py")).relative_to(root)
