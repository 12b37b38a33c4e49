"""The checks that contracts have versions, and that plugins state those that they were built with."""

import ast
from collections.abc import Iterator, Mapping

from conduit_devtools.checks.compatibility.versions import NAME, Version
from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.manifest import manifest_argument, manifest_keys
from conduit_devtools.checks.source import Checkout, ModuleSource

ARGUMENT = "built_with"


def check_versions(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for each contracts.py without a version, and for each wrong range of a plugin."""
    for module in checkout.modules:
        file = module.contracts
        if file is not None and Version.declared(file.path.read_text(encoding="utf-8")) is None:
            message = f'the contract of {module.name} has no version: {NAME} = "1.0"'
            yield file.finding("contract-version", file.tree, message)
    packages = {f"{_package(module)}.contracts": module.name for module in checkout.modules}
    for plugin in checkout.plugins:
        yield from _check_plugin(plugin, packages)


def _check_plugin(plugin: ModuleSource, packages: Mapping[str, str]) -> Iterator[Finding]:
    imported = {
        packages[node.module]
        for file in plugin.files
        for node in file.nodes(ast.ImportFrom)
        if node.module is not None and node.module in packages
    }
    used, stated = imported - {plugin.name}, manifest_keys(plugin, ARGUMENT)
    manifest = manifest_argument(plugin, ARGUMENT)
    for name in sorted(used - stated.keys()):
        if manifest is not None:
            file, node = manifest
            message = f"{plugin.name} imports the contract of {name}, but {ARGUMENT} has no version of it"
            yield file.finding("built-with", node, message)
    for name in sorted(stated.keys() - used):
        file, key = stated[name]
        message = f"{ARGUMENT} names {name}, but {plugin.name} does not import its contract"
        yield file.finding("built-with", key, message)


def _package(module: ModuleSource) -> str:
    parent = module.folder.parent.name
    return f"modules.{module.name}" if parent == "modules" else module.folder.name
