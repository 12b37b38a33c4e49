"""Commands of modules: `conduit MODULE COMMAND`."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from conduit_app.application import compose_from_settings
from conduit_app.commands.errors import fail, reporting_errors
from conduit_app.discovery import DiscoveryError, discover
from conduit_app.migrations.runner import require_current
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load_settings
from modules.kernel.module import Command, Module

# The heading of the help.
HEADING = "Module commands"


class ConduitCommands(TyperGroup):
    """Conduit's own commands and those of modules, which are discovered on use."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *_groups()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of this name, or None."""
        return super().get_command(ctx, cmd_name) or _groups().get(cmd_name)


def _groups() -> Mapping[str, TyperGroup]:
    try:
        return {module.name: _group(module) for module in discover() if module.commands}
    except DiscoveryError as error:
        # Reported only: a broken plugin must not break the help.
        typer.echo(f"conduit: {error}", err=True)
        return {}


def _group(module: Module) -> TyperGroup:
    group = typer.Typer(name=module.name, help=f"Commands of the module {module.name}.", no_args_is_help=True)
    for command in module.commands:
        # Module commands take no arguments.
        text = f"{command.help}\n\nExample: conduit {module.name} {command.name}"
        group.command(name=command.name, help=text)(_runner(module.name, command))
    commands = get_group(group)
    commands.rich_help_panel = HEADING
    return commands


def _runner(module: str, command: Command) -> Callable[[], None]:
    # Not a partial: Typer reads the signature.
    def run() -> None:
        with reporting_errors():
            settings = load_settings(Settings)
            configure_logging(settings)
            message = asyncio.run(_run(settings, module, command))
        typer.echo(message, err=True)

    return run


async def _run(settings: Settings, module: str, command: Command) -> str:
    composition = compose_from_settings(settings)
    try:
        if module not in composition.containers:
            fail(f"{module} is disabled")
        await require_current(composition.database, composition.migratable)
        return await command.run(composition.containers[module])
    finally:
        await composition.database.dispose()
