"""The import contracts of the project and of plugins: run by import-linter, reported as findings."""

import contextlib
import io
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

from conduit_devtools.checks.finding import RULES, Finding, Rule
from conduit_devtools.checks.source import Checkout, SourceFile, module_of

CONFIGURATION = "importlinter.ini"
PLUGIN_CONTRACTS = Path(__file__).with_name("plugin_contracts.ini.template")
"""The import contracts of every plugin, with `${package}` for its package."""


def check_imports(checkout: Checkout) -> Iterator[Finding]:
    """Yield the violations of the import contracts of the checkout and of its plugins."""
    # Imported here: the other modules of this package are used where import-linter is not installed.
    from importlinter.configuration import configure  # noqa: PLC0415
    from importlinter.contracts import acyclic_siblings, forbidden, layers, protected  # noqa: PLC0415
    from importlinter.domain.contract import registry  # noqa: PLC0415

    configure()
    registry.register(acyclic_siblings.AcyclicSiblingsContract, "acyclic_siblings")
    registry.register(forbidden.ForbiddenContract, "forbidden")
    registry.register(layers.LayersContract, "layers")
    registry.register(protected.ProtectedContract, "protected")
    if not checkout.is_plugin:
        yield from _check(checkout.root, checkout.root, checkout.root / CONFIGURATION)
    template = Template(PLUGIN_CONTRACTS.read_text(encoding="utf-8"))
    for plugin in checkout.plugins:
        folder = plugin.folder.parent
        with tempfile.TemporaryDirectory() as rendered:
            contracts = Path(rendered, CONFIGURATION)
            contracts.write_text(template.substitute(package=plugin.folder.name), encoding="utf-8")
            yield from _check(checkout.root, folder, contracts)
        own = (checkout.root if checkout.is_plugin else folder) / CONFIGURATION
        if own.exists():
            yield from _check(checkout.root, folder, own)
    yield from _imports_of_plugins(checkout)


def _imports_of_plugins(checkout: Checkout) -> Iterator[Finding]:
    """Yield the forbidden imports of plugins, which the project's import contracts cannot name.

    Another plugin may import a plugin's contracts; the project may not, because plugins are optional.
    """
    packages = {plugin.folder.name: plugin for plugin in checkout.plugins}
    for importer in checkout.packages:
        is_plugin = importer in checkout.plugins
        for file in importer.files:
            for name, statement in file.imports():
                package, _, layer = name.partition(".")
                allowed = is_plugin and layer.partition(".")[0] in {"", "contracts"}
                if packages.get(package, importer) is not importer and not allowed:
                    message = f"{importer.name} imports {name}, of a plugin"
                    yield file.finding("boundary", statement, message, packages[package].name)


def _check(root: Path, folder: Path, contracts: Path) -> Iterator[Finding]:
    """Yield the violations of contracts in a folder: the checkout's root, or that of a plugin's package."""
    from importlinter.application import use_cases  # noqa: PLC0415

    options = use_cases.read_user_options(str(contracts))
    # The contracts of one rule have ids of the form rule/contract.
    rules = {contract["name"]: contract["id"].partition("/")[0] for contract in options.contracts_options}
    # import-linter draws a progress bar on standard output, where the report goes.
    with _first_on_path(root, folder), contextlib.redirect_stdout(io.StringIO()):
        report = use_cases.create_report(options, cache_dir=None)
    for contract, check in report.get_contracts_and_checks():
        if not check.kept:
            rule = RULES.get(rules[contract.name], RULES["plugin-contracts"])
            yield from _findings(rule, root, folder, check.metadata)


@contextlib.contextmanager
def _first_on_path(*folders: Path) -> Iterator[None]:
    """Put the folders first on Python's path, where import-linter searches for packages."""
    before = sys.path.copy()
    sys.path[:0] = map(str, folders)
    try:
        yield
    finally:
        sys.path[:] = before


def _findings(rule: Rule, root: Path, folder: Path, metadata: Mapping[str, Any]) -> Iterator[Finding]:
    seen = set()
    for importer, imported, line in _first_imports(metadata):
        # A plugin's contracts cover the modules too, which the project's contracts have already checked.
        if (importer, imported) not in seen and (folder / importer.partition(".")[0]).exists():
            seen.add((importer, imported))
            file = _file(root, folder, importer)
            number = line or _line(SourceFile(root / file, folder), imported)
            about = module_of(imported) if module_of(imported) != module_of(importer) else ""
            yield Finding(rule, file, number, f"{importer} imports {imported}", about)
    for module in sorted(metadata.get("undeclared_modules", ())):
        yield Finding(rule, _file(root, folder, module), 1, f"{module} is not a layer of a module")


def _first_imports(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Yield the first import of each forbidden chain, with its line or 0 if unknown."""
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
    """Return the line of an import that import-linter reports without one, as in a cycle."""
    return next((node.lineno for name, node in file.imports() if name == imported), 1)


def _file(root: Path, folder: Path, module: str) -> Path:
    path = folder.joinpath(*module.split("."))
    package = path / "__init__.py"
    return (package if package.exists() else path.with_suffix(".py")).relative_to(root)
