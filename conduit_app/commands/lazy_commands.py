"""Commands that are imported on use: their list needs neither the web framework nor the database."""

import pkgutil
import shutil
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from conduit_app.commands.fail import fail
from conduit_app.discovery import DiscoveryError, names_with_commands
from conduit_app.gc_paused import gc_paused

# The heading of the help.
HEADING = "Module commands"
# Of the list of commands, in columns.
MAX_WIDTH = 100


class LazyCommand(TyperCommand):
    """A command that is imported on use: `callback` imports and returns it."""

    callback: Callable[[], Any]

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Return the context of the imported command."""
        return self.callback().make_context(info_name, args, parent, **extra)


def add_command(app: typer.Typer, heading: str, name: str, target: str, summary: str) -> None:
    """Add the command whose function or Typer application is `target`, as `package.module:attribute`.

    `summary` is the first line of its help, for the list of commands.
    """

    def load() -> Any:
        command = _import(target)
        imported = typer.Typer(rich_markup_mode=app.rich_markup_mode)
        if isinstance(command, typer.Typer):
            imported.add_typer(command, name=name)
        else:
            imported.command(name)(command)
        return get_group(imported).commands[name]

    app.command(name, cls=LazyCommand, help=summary, rich_help_panel=heading)(load)


def add_missing_command(app: typer.Typer, name: str, message: str) -> None:
    """Add a command that is not installed: the list omits it, and calling it fails with the message."""
    any_arguments = {"ignore_unknown_options": True, "allow_extra_args": True}
    app.command(name, hidden=True, context_settings=any_arguments)(lambda: fail(message))


class ConduitCommands(TyperGroup):
    """Conduit's own commands and those of modules, each group with the name of its module."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; without any, those of the help."""
        # Not `no_args_is_help`, which prints nothing unless Typer formats the help.
        return super().parse_args(ctx, args if args or ctx.resilient_parsing else ["--help"])

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help as plain text: to import what Typer formats it with takes twice as long."""
        formatter.width = min(shutil.get_terminal_size().columns, MAX_WIDTH) - 2
        super(TyperGroup, self).format_help(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their headings."""
        rows: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            if not command.hidden:
                rows[command.rich_help_panel].append((name, command.help))
        for heading, commands in rows.items():
            with formatter.section(heading):
                formatter.write_dl(commands)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *_modules()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of this name, or None."""
        command = super().get_command(ctx, cmd_name)
        return _group(cmd_name) if command is None and cmd_name in _modules() else command


def _modules() -> list[str]:
    try:
        return list(names_with_commands())
    except DiscoveryError as error:
        # Reported only: a broken plugin must not break the help.
        typer.echo(f"conduit: {error}", err=True)
        return []


def _group(module: str) -> LazyCommand:
    def load() -> Any:
        return _import("conduit_app.commands.module_commands:commands_of")(module)

    return LazyCommand(
        module, callback=load, help=f"Commands of the module {module}.", rich_help_panel=HEADING
    )


def _import(target: str) -> Any:
    with gc_paused():
        import_module("conduit_app.lean_imports")
        return pkgutil.resolve_name(target)
