"""Which modules there are: the packages of `modules/`, then those of installed distributions."""

import importlib
import pkgutil
from collections.abc import Sequence
from importlib.metadata import entry_points

import modules
from modules.kernel.module import Module

ENTRY_POINTS = "conduit.modules"
KERNEL = "kernel"


class DiscoveryError(Exception):
    """A module that is there cannot be used; the message is one line for the operator."""


def discover() -> Sequence[Module]:
    """Return the manifest of every module, those of the tree before those of plugins.

    Raises `DiscoveryError` naming the module that cannot be imported or has no manifest.
    """
    return [*in_tree(), *installed()]


def in_tree() -> Sequence[Module]:
    """Return the manifests of the packages in `modules/`; raise `DiscoveryError`."""
    packages = [package.name for package in pkgutil.iter_modules(modules.__path__) if package.ispkg]
    return [manifest(f"modules.{name}.module") for name in sorted(packages) if name != KERNEL]


def installed() -> Sequence[Module]:
    """Return the manifests that installed distributions advertise; raise `DiscoveryError`."""
    found = []
    for entry_point in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry_point: entry_point.name):
        try:
            loaded = entry_point.load()
        except Exception as error:
            raise DiscoveryError(f"plugin {entry_point.name} cannot be imported: {_told(error)}") from error
        found.append(_checked(entry_point.value, loaded))
    return found


def manifest(name: str) -> Module:
    """Return the manifest in this Python module; raise `DiscoveryError`."""
    try:
        imported = importlib.import_module(name)
    except Exception as error:
        raise DiscoveryError(f"{name} cannot be imported: {_told(error)}") from error
    return _checked(name, getattr(imported, "MODULE", None))


def _told(error: Exception) -> str:
    # On one line, with its kind: "'tag'" alone says little, KeyError: 'tag' says where to look.
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _checked(name: str, manifest: object) -> Module:
    if not isinstance(manifest, Module):
        raise DiscoveryError(f"{name} has no manifest: MODULE must be a modules.kernel.module.Module")
    return manifest
