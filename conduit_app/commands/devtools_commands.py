"""The optional commands of `conduit_devtools`, imported on use."""

from typing import Any, NoReturn

import typer
from typer.core import TyperCommand
from typer.main import get_group

from conduit_app.commands.errors import fail
from conduit_app.devtools import devtools, is_installed


def add_devtools_command(app: typer.Typer, name: str, summary: str, heading: str) -> None:
    """Add the command of this name in `conduit_devtools.commands`, without importing it.

    `summary` is the first line of its help, for the list of commands. If the package is not installed,
    the list omits the command, and calling it fails with a message.
    """
    app.command(
        name,
        cls=_DevtoolsCommand,
        help=summary,
        hidden=not is_installed(),
        rich_help_panel=heading,
        # Used without the package only: any arguments lead to the error that it is missing.
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )(_not_installed)


class _DevtoolsCommand(TyperCommand):
    """A command that is imported on use."""

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Return the context of the imported command, or of this one if that is not installed."""
        module = devtools("commands")
        if module is None:
            return super().make_context(info_name, args, parent, **extra)
        imported = get_group(module.commands).commands[str(self.name)]
        return imported.make_context(info_name, args, parent, **extra)


def _not_installed() -> NoReturn:
    fail("the development tools are not installed; in a checkout of Conduit, run: make setup")
