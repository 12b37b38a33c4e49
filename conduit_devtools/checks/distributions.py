"""The check of a plugin's pyproject.toml: its range of Conduit, and the entry point of its manifest."""

from collections.abc import Iterator
from pathlib import Path

from conduit_app.discovery import ENTRY_POINTS, MANIFEST
from conduit_app.plugin_requirements import requirement_misfit
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.plugin import PROJECT, NotAPlugin, project_of
from conduit_devtools.checks.source import Checkout, ModuleSource


def check_distributions(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for each plugin that start-up would refuse or not discover."""
    for plugin in checkout.plugins:
        folder = checkout.root if checkout.is_plugin else plugin.folder.parent
        file = (folder / PROJECT).relative_to(checkout.root)
        for message in _problems(plugin, folder):
            yield Finding(RULES["plugin-distribution"], file, 1, f"{plugin.name} {message}")


def _problems(plugin: ModuleSource, folder: Path) -> Iterator[str]:
    try:
        project = project_of(folder)
    except NotAPlugin as error:
        yield f"is in no distribution: {error}"
        return
    misfit = requirement_misfit(project.get("dependencies", ()))
    if misfit is not None:
        yield misfit
    value = f"{plugin.folder.name}.module:{MANIFEST}"
    declared = project.get("entry-points", {}).get(ENTRY_POINTS, {})
    if declared != {plugin.name: value}:
        yield f'is not discovered: [project.entry-points."{ENTRY_POINTS}"] must be {plugin.name} = "{value}"'
