"""Commands of modules: `conduit MODULE COMMAND`."""

import asyncio
from collections.abc import Callable

import typer
from typer.core import TyperGroup
from typer.main import get_group

from conduit_app.application import compose_from_settings
from conduit_app.commands.errors import reporting_errors
from conduit_app.commands.fail import fail
from conduit_app.discovery import discover
from conduit_app.migrations.schema_state import require_compatible
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load_settings
from modules.kernel.module import Command


def commands_of(name: str) -> TyperGroup:
    """Return the commands of the module of this name."""
    with reporting_errors():
        [module] = [module for module in discover() if module.name == name]
    group = typer.Typer(name=name, help=f"Commands of the module {name}.", no_args_is_help=True)
    for command in module.commands:
        # Module commands take no arguments.
        text = f"{command.help}\n\nExample: conduit {module.name} {command.name}"
        group.command(name=command.name, help=text)(_runner(module.name, command))
    return get_group(group)


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
        await require_compatible(composition.database, composition.migratable)
        return await command.run(composition.containers[module])
    finally:
        await composition.database.dispose()
