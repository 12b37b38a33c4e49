"""The versions of contracts, and the plugins that were built with others."""

import re
from collections.abc import Iterator, Sequence
from importlib import import_module

from modules.kernel.module import Module

VERSION = re.compile(r"(\d+)\.(\d+)")


def contract_version(module: Module) -> str | None:
    """Return the `CONTRACT_VERSION` in the module's contracts.py, or None if it has none."""
    name = f"{module.package}.contracts"
    try:
        contracts = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
    return getattr(contracts, "CONTRACT_VERSION", None)


def version_conflicts(modules: Sequence[Module]) -> Iterator[str]:
    """Yield a line for each module that was built with another version of a contract than the installed one.

    A plugin that was built with 1.2 runs with 1.2 and later, but not with 2.0: a new major version means
    that something was removed or changed.
    """
    installed = {module.name: module for module in modules}
    for module in modules:
        for name, built in module.built_with.items():
            if VERSION.fullmatch(built) is None:
                yield f"{module.name} was built with contract {built} of {name}, not a version such as 1.0"
            # A module that is not installed is missing only if another one needs a contract that it offers.
            elif name in installed:
                current = contract_version(installed[name])
                if not _satisfies(current, built):
                    found = f"is {current}" if current else "has no version"
                    yield f"{module.name} was built with contract {built} of {name}, which {found} here"


def _satisfies(current: str | None, built: str) -> bool:
    found = VERSION.fullmatch(current or "")
    required = VERSION.fullmatch(built)
    if found is None or required is None:
        return False
    return found[1] == required[1] and int(found[2]) >= int(required[2])
