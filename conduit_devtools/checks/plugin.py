"""A plugin outside of a checkout of Conduit, which is checked against the installed Conduit."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from conduit_app.discovery import ENTRY_POINTS
from conduit_devtools.checks.source import Checkout, ModuleSource, SourceFile, text_of

PROJECT = "pyproject.toml"
SOURCE_FOLDERS = ("", "src")
INSTALLED = Path(__file__).resolve().parents[2]
"""The folder with the packages of the installed Conduit."""


class NotAPlugin(Exception):
    """The folder is no distribution of a plugin; the message is one line for the developer."""


@dataclass(frozen=True)
class PluginCheckout(Checkout):
    """The folder of a plugin's distribution. Its other modules are those of the installed Conduit.

    Findings on the installed modules are not the plugin's: only those on `packages` are reported.
    """

    @classmethod
    def find(cls, root: Path) -> "PluginCheckout":
        """Return the plugin in the folder; raise `NotAPlugin`."""
        plugin = cls(root.resolve())
        _ = plugin.plugins
        return plugin

    @property
    def is_plugin(self) -> bool:
        """True."""
        return True

    @cached_property
    def installed(self) -> Checkout:
        """The source of the installed Conduit."""
        return Checkout(INSTALLED)

    @cached_property
    def kernel(self) -> ModuleSource:
        """The kernel of the installed Conduit."""
        return self.installed.kernel

    @cached_property
    def modules(self) -> Sequence[ModuleSource]:
        """The modules of the installed Conduit, except other plugins, and the plugin."""
        return [
            *(module for module in self.installed.modules if module not in self.installed.plugins),
            *self.plugins,
        ]

    @cached_property
    def plugins(self) -> Sequence[ModuleSource]:
        """The plugin."""
        for name, value in entry_points_of(self.root).items():
            package = value.partition(":")[0].removesuffix(".module")
            for folder in (self.root / parent / package for parent in SOURCE_FOLDERS):
                if (folder / "module.py").exists():
                    return [ModuleSource(_declared_name(folder) or name, folder, self.root)]
            raise NotAPlugin(
                f"{PROJECT} names {value} in {ENTRY_POINTS}, and there is no {package}/module.py"
            )
        raise NotAPlugin(f"{PROJECT} has no entry point in {ENTRY_POINTS}")

    @property
    def programs(self) -> Sequence[ModuleSource]:
        """None: the application is installed."""
        return []

    @property
    def packages(self) -> Sequence[ModuleSource]:
        """The plugin."""
        return self.plugins


def _declared_name(package: Path) -> str | None:
    """Return the name in the source of the manifest, or None if it does not show it."""
    try:
        calls = SourceFile(package / "module.py", package).calls
    except (SyntaxError, ValueError):
        # The checks report it.
        return None
    names = (
        text_of(keyword.value)
        for function, call in calls
        for keyword in call.keywords
        if function == "Module" and keyword.arg == "name"
    )
    return next(names, None)


def project_of(folder: Path) -> dict[str, Any]:
    """Return the table `project` of the folder's pyproject.toml; raise `NotAPlugin` if it has none."""
    try:
        project = tomllib.loads((folder / PROJECT).read_text(encoding="utf-8"))["project"]
    except FileNotFoundError as error:
        raise NotAPlugin(
            f"{folder.name} is neither a checkout of Conduit nor a plugin: it has no {PROJECT}"
        ) from error
    except KeyError as error:
        raise NotAPlugin(f"{PROJECT} has no table [project]") from error
    except tomllib.TOMLDecodeError as error:
        raise NotAPlugin(f"{PROJECT}: {error}") from error
    return dict(project)


def entry_points_of(folder: Path) -> dict[str, str]:
    """Return the manifests that the distribution in the folder advertises, by name; raise `NotAPlugin`."""
    return dict(project_of(folder).get("entry-points", {}).get(ENTRY_POINTS, {}))
