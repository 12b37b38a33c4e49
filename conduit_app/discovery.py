"""Discovery of modules: the packages of `modules/`, then installed distributions."""

import importlib
import pkgutil
from collections.abc import Sequence
from importlib.metadata import entry_points

import modules
from modules.kernel.module import Module

ENTRY_POINTS = "conduit.modules"
KERNEL = "kernel"


class DiscoveryError(Exception):
    """A module cannot be imported or has no manifest; the message is one line for the operator."""


def discover() -> Sequence[Module]:
    """Return the manifests of all modules, those of `modules/` before those of plugins.

    Raises `DiscoveryError` naming the module that cannot be imported or has no manifest.
    """
    return [*in_tree(), *installed()]


def in_tree() -> Sequence[Module]:
    """Return the manifests of the packages in `modules/`; raise `DiscoveryError`."""
    packages = [package.name for package in pkgutil.iter_modules(modules.__path__) if package.ispkg]
    return [manifest(f"modules.{name}.module") for name in sorted(packages) if name != KERNEL]


def installed() -> Sequence[Module]:
    """Return the manifests that installed distributions advertise; raise `DiscoveryError`."""
    manifests = []
    for entry_point in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry_point: entry_point.name):
        try:
            loaded = entry_point.load()
        except Exception as error:
            raise DiscoveryError(
                f"plugin {entry_point.name} cannot be imported: {_one_line(error)}"
            ) from error
        manifests.append(_require_manifest(entry_point.value, loaded))
    return manifests


def manifest(name: str) -> Module:
    """Return the manifest in this Python module; raise `DiscoveryError`."""
    try:
        imported = importlib.import_module(name)
    except Exception as error:
        raise DiscoveryError(f"{name} cannot be imported: {_one_line(error)}") from error
    return _require_manifest(name, getattr(imported, "MODULE", None))


def _one_line(error: Exception) -> str:
    # With the type: "'tag'" alone does not say that it is a KeyError.
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _require_manifest(name: str, manifest: object) -> Module:
    if not isinstance(manifest, Module):
        raise DiscoveryError(f"{name} has no manifest: MODULE must be a modules.kernel.module.Module")
    return manifest
