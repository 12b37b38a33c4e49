"""Commands of modules: `conduit MODULE COMMAND`."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, cast, get_args, get_origin

import typer
from typer.core import TyperGroup
from typer.main import get_group

from conduit_app.application import compose_from_settings
from conduit_app.commands.audited_command import audited_command
from conduit_app.commands.errors import reporting_errors
from conduit_app.commands.fail import fail
from conduit_app.discovery import discover
from conduit_app.migrations.schema_state import require_compatible
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load_settings
from modules.kernel.domain.text import storable
from modules.kernel.infrastructure.consistency import retrying
from modules.kernel.module import Command

# What databases store.
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1


def commands_of(name: str) -> TyperGroup:
    """Return the commands of the module of this name."""
    with reporting_errors():
        [module] = [module for module in discover() if module.name == name]
    group = typer.Typer(name=name, help=f"Commands of the module {name}.", no_args_is_help=True)
    for command in module.commands:
        example = f"conduit {module.name} {command.name} {command.example}".rstrip()
        text = f"{command.help}\n\nExample: {example}"
        group.command(name=command.name, help=text)(_runner(module.name, command))
    return get_group(group)


def _runner(module: str, command: Command) -> Callable[[], None]:
    def run(**arguments: object) -> None:
        with reporting_errors():
            settings = load_settings(Settings)
            configure_logging(settings)
            text = asyncio.run(_run_audited(settings, module, command, arguments))
        if text:
            typer.echo(text)

    # Typer reads both.
    parameters = [_parameter(parameter) for parameter in _parameters_of(command)]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined] # of any function
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _parameters_of(command: Command) -> Sequence[Parameter]:
    """Return the parameters of the command without the container."""
    return list(signature(command.run, eval_str=True).parameters.values())[1:]


def _parameter(parameter: Parameter) -> Parameter:
    """Return a parameter with its description as Typer has it."""
    kind, descriptions = parameter.annotation, list[str]()
    if get_origin(parameter.annotation) is Annotated:
        kind, *descriptions = get_args(parameter.annotation)
    describe = typer.Argument if parameter.default is Parameter.empty else typer.Option
    limits: Any = {"min": MIN_INTEGER, "max": MAX_INTEGER} if kind is int else {}
    annotation = cast("Any", Annotated)[kind, describe(help=" ".join(descriptions), **limits)]
    return parameter.replace(annotation=annotation, kind=Parameter.KEYWORD_ONLY)


async def _run_audited(
    settings: Settings, module: str, command: Command, arguments: Mapping[str, object]
) -> str:
    with audited_command(f"{module} {command.name}", arguments):
        for argument in arguments.values():
            if isinstance(argument, str):
                storable("argument", argument)
        return await retrying(_run, settings, module, command, arguments)


async def _run(settings: Settings, module: str, command: Command, arguments: Mapping[str, object]) -> str:
    composition = compose_from_settings(settings)
    try:
        if module not in composition.containers:
            fail(f"{module} is disabled")
        await require_compatible(composition.database, composition.migratable)
        return await command.run(composition.containers[module], **arguments)
    finally:
        await composition.database.dispose()
