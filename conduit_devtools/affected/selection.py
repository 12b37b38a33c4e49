"""The modules that a change affects, each with the reason, and the tests that can see it."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conduit_devtools.affected.change import PLUGINS, Change, classify
from conduit_devtools.affected.reach import Reach, ReachOfTests
from conduit_devtools.affected.sources import TESTS, Sources
from conduit_devtools.checks.manifest import manifest_argument
from conduit_devtools.checks.source import Checkout, ModuleSource, last_name


@dataclass(frozen=True, slots=True)
class Affected:
    """What a change affects."""

    modules: Mapping[str, str]
    """The reason, by module."""

    everything: Sequence[Path]
    """The changed files because of which all tests are selected."""

    tests: Sequence[Path]
    """Files below tests/ or, if everything is affected, that folder."""

    test_count: int
    """The number of test files in the checkout."""

    plugins: Sequence[str]
    """The plugins whose own tests are selected."""


def select(checkout: Checkout, changed: Sequence[Path]) -> Affected:
    """Return what these changed paths affect."""
    return Selector(checkout).select(changed)


class Selector:
    """Selects what changes of a checkout affect. Reads its files once."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._sources = Sources(checkout.root)
        self._reach = ReachOfTests(self._sources)

    @cached_property
    def tests(self) -> Mapping[Path, Reach]:
        """The reach of each test file: below tests/, and of the plugins."""
        return {
            path: self._reach.of(path)
            for path in self._sources.files
            if TESTS in path.parts and path.name.startswith("test_")
        }

    def select(self, changed: Sequence[Path]) -> Affected:
        """Return what these changed paths affect."""
        change = classify(self._checkout, self._sources, changed)
        if change.everything:
            modules = {module.name: "everything is affected" for module in self._checkout.modules}
            selected = [Path(TESTS)]
            plugins = {plugin.folder.parent.name for plugin in self._checkout.plugins}
        else:
            modules = _affected_modules(self._checkout, change)
            seeing = [test for test, reach in self.tests.items() if _sees(test, reach, change, modules)]
            selected = [test for test in seeing if test.parts[0] == TESTS]
            # A plugin's tests are run together: one may assemble the application.
            plugins = {test.parts[1] for test in seeing if test.parts[0] == PLUGINS}
        test_count = sum(test.parts[0] == TESTS for test in self.tests)
        return Affected(modules, change.everything, selected, test_count, sorted(plugins))


def _sees(test: Path, reach: Reach, change: Change, modules: Mapping[str, str]) -> bool:
    return bool(
        test in change.files
        or reach.imports & change.files
        or (reach.application and change.application)
        or (reach.checkout and (change.modules or change.documentation))
        or test.parts[1] in modules
    )


def _affected_modules(checkout: Checkout, change: Change) -> dict[str, str]:
    """Return the changed modules and, in turn, those that use what an affected one publishes."""
    affected = {name: f"{path} is changed" for name, path in change.modules.items()}
    uses = {module.name: dict(_used(checkout, module)) for module in checkout.modules}
    pending = list(affected)
    while pending:
        provider = pending.pop(0)
        for name, providers in uses.items():
            if provider in providers and name not in affected:
                affected[name] = providers[provider]
                pending.append(name)
    return affected


def _used(checkout: Checkout, module: ModuleSource) -> Iterator[tuple[str, str]]:
    """Yield each module that this one uses, and how. Subscriptions, views and fakes need an import."""
    offers = {name: other.name for other in checkout.modules for name in _names(other, "offers")}
    for name in _names(module, "needs"):
        if name in offers:
            yield offers[name], f"needs {name} of {offers[name]}"
    packages = {other.package: other.name for other in checkout.modules if other is not module}
    for file in module.files:
        for name, _ in file.imports():
            for package, other in packages.items():
                if name.startswith(f"{package}."):
                    yield other, f"imports {package}.{name.removeprefix(f'{package}.').split('.')[0]}"


def _names(module: ModuleSource, argument: str) -> Iterator[str]:
    """Yield the contracts that the manifest names in this argument."""
    for file, value in [found] if (found := manifest_argument(module, argument)) else []:
        del file
        if isinstance(value, ast.Dict):
            contracts = value.keys if argument == "offers" else value.values
            yield from (last_name(node) for node in contracts if node is not None)
