"""What a changed file is: a part of a module, a test, documentation, or something that affects all."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from conduit_devtools.affected.sources import CONFTEST, TESTS, Sources
from conduit_devtools.checks.source import Checkout

# Documentation, and what only checks of the checkout read.
DOCUMENTATION = ("docs", "deploy")
DOCUMENTATION_FILES = frozenset({".gitattributes", ".gitignore", "CODEOWNERS", "LICENSE"})
MODULES, PLUGINS, BENCHMARKS = "modules", "plugins", "benchmarks"


@dataclass
class Change:
    """The changed files, by what they are. Paths are relative to the root."""

    files: set[Path] = field(default_factory=set)
    """The Python files, and those that may read a changed data file or may have imported a deleted file."""

    modules: dict[str, Path] = field(default_factory=dict)
    """The first changed file of each changed module."""

    application: bool = False
    """Whether all tests of the assembled application may be affected."""

    documentation: list[Path] = field(default_factory=list)
    everything: list[Path] = field(default_factory=list)
    """The changed files that can affect any test."""


def classify(checkout: Checkout, sources: Sources, changed: Iterable[Path]) -> Change:
    """Return what the changed files are."""
    change, files = Change(), frozenset(sources.files)
    imported = frozenset().union(*sources.imports.values())
    folders = {module.folder.relative_to(checkout.root): module.name for module in checkout.modules}
    plugins = {plugin.folder.parent.name: plugin.name for plugin in checkout.plugins}
    for path in sorted(changed):
        module = next((folders[parent] for parent in path.parents if parent in folders), None)
        if path.suffix == ".md" or path.parts[0] in DOCUMENTATION or path.name in DOCUMENTATION_FILES:
            change.documentation.append(path)
        elif module is not None:
            change.modules.setdefault(module, path)
            change.application |= path.parts[0] == MODULES
            # What reads a migration or a data file is in the module.
            is_imported = path in files and "migrations" not in path.parts
            folder = next(parent for parent in path.parents if parent in folders)
            change.files |= {path} if is_imported else _below(folder, files)
        elif path.parts[0] == TESTS and path != Path(TESTS, CONFTEST) and len(path.parts) > 1:
            change.files |= {path} if path in files and path.name != CONFTEST else _below(path.parent, files)
            # A support file that no file imports is found by its name: tests/users/additions.py.
            is_test = path.name == CONFTEST or path.name.startswith("test_")
            change.application |= not is_test and path in files and path not in imported
        elif path.parts[0] == BENCHMARKS:
            change.files |= {path} if path in files else _below(path.parent, files)
        elif path.parts[0] == PLUGINS and path.parts[1] in plugins:
            change.modules.setdefault(plugins[path.parts[1]], path)
        else:
            change.everything.append(path)
    return change


def _below(folder: Path, files: frozenset[Path]) -> set[Path]:
    return {file for file in files if file.is_relative_to(folder)}
