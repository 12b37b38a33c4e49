"""Discovery of modules: the packages of `modules/`, then installed distributions."""

import ast
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import modules

if TYPE_CHECKING:
    from modules.kernel.module import Module

ENTRY_POINTS = "conduit.modules"
KERNEL = "kernel"
# The attribute of `module.py`.
MANIFEST = "MODULE"


class DiscoveryError(Exception):
    """A module cannot be imported or has no manifest; the message is one line for the operator."""


def discover() -> "Sequence[Module]":
    """Return the manifests of all modules, those of `modules/` before those of plugins.

    Raises `DiscoveryError` naming the module that cannot be imported or has no manifest.
    """
    return [*in_tree(), *installed()]


def in_tree() -> "Sequence[Module]":
    """Return the manifests of the packages in `modules/`; raise `DiscoveryError`."""
    return [manifest(name) for name in _in_tree_names()]


def installed() -> "Sequence[Module]":
    """Return the manifests that installed distributions advertise; raise `DiscoveryError`."""
    return [_load(entry_point) for entry_point in _sorted_entry_points()]


def installed_readmes() -> Mapping[str, str]:
    """Return the READMEs in the metadata of installed plugins, by the names of their entry points."""
    texts = {
        entry_point.name: entry_point.dist.metadata.json.get("description", "")
        for entry_point in _sorted_entry_points()
        if entry_point.dist is not None
    }
    return {name: text for name, text in texts.items() if isinstance(text, str) and text.strip()}


def names_with_commands() -> Iterator[str]:
    """Yield the names of the modules that have commands; raise `DiscoveryError`.

    They are read in the source of the manifests: importing one imports the web framework and the database.
    A manifest that its source does not show is imported.
    """
    for name in _in_tree_names():
        yield from _name_with_commands(name, MANIFEST, partial(manifest, name))
    for entry_point in _sorted_entry_points():
        yield from _name_with_commands(entry_point.module, entry_point.attr, partial(_load, entry_point))


def _name_with_commands(module: str, attribute: str, load: "Callable[[], Module]") -> Iterator[str]:
    match _arguments(module, attribute):
        case {"name": ast.Constant(value=str(name)), **others}:
            if "commands" in others:
                yield name
        case _:
            loaded = load()
            if loaded.commands:
                yield loaded.name


def _arguments(module: str, attribute: str) -> Mapping[str | None, ast.expr]:
    """Return the arguments in `attribute = Module(...)` of this Python module; none if it is not found."""
    try:
        spec = find_spec(module)
        source = b"" if spec is None or spec.origin is None else Path(spec.origin).read_bytes()
        statements = ast.parse(source).body
    except Exception:
        # The import reports it.
        return {}
    for statement in statements:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="Module"), keywords=keywords)
            ) if name == attribute and all(keyword.arg for keyword in keywords):
                return {keyword.arg: keyword.value for keyword in keywords}
    return {}


def _in_tree_names() -> Sequence[str]:
    packages = [package.name for package in pkgutil.iter_modules(modules.__path__) if package.ispkg]
    return [f"modules.{name}.module" for name in sorted(packages) if name != KERNEL]


def _sorted_entry_points() -> Sequence[EntryPoint]:
    return sorted(entry_points(group=ENTRY_POINTS), key=lambda entry_point: entry_point.name)


def _load(entry_point: EntryPoint) -> "Module":
    from conduit_app.plugin_requirements import requirement_misfit  # noqa: PLC0415 - for plugins only

    # Before the import, which may fail because of it. All entry points of installations have a distribution.
    misfit = entry_point.dist and requirement_misfit(entry_point.dist.requires or ())
    if misfit is not None:
        raise DiscoveryError(f"plugin {entry_point.name} {misfit}")
    try:
        loaded = entry_point.load()
    except Exception as error:
        raise DiscoveryError(f"plugin {entry_point.name} cannot be imported: {_one_line(error)}") from error
    return _require_manifest(entry_point.value, loaded)


def manifest(name: str) -> "Module":
    """Return the manifest in this Python module; raise `DiscoveryError`."""
    try:
        imported = importlib.import_module(name)
    except Exception as error:
        raise DiscoveryError(f"{name} cannot be imported: {_one_line(error)}") from error
    return _require_manifest(name, getattr(imported, MANIFEST, None))


def _one_line(error: Exception) -> str:
    # With the type: "'tag'" alone does not say that it is a KeyError.
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _require_manifest(name: str, manifest: object) -> "Module":
    from modules.kernel.module import Module  # noqa: PLC0415 - the list of commands does not need FastAPI

    if not isinstance(manifest, Module):
        raise DiscoveryError(f"{name} has no manifest: MODULE must be a modules.kernel.module.Module")
    return manifest
