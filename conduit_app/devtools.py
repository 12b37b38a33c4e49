"""Access to `conduit_devtools` by name: production code neither imports nor needs it."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

PACKAGE = "conduit_devtools"


def is_installed() -> bool:
    """Return whether the developer tools are installed, without importing them."""
    return find_spec(PACKAGE) is not None


def devtools(name: str) -> ModuleType | None:
    """Return this module of the developer tools, or None if they are not installed."""
    return import_module(f"{PACKAGE}.{name}") if is_installed() else None
