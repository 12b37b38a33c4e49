"""The commands of the program."""

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from conduit_app.cli import main

Path = tuple[str, ...]


def commands(group: Any = None, parent: Path = ()) -> Iterator[Path]:
    """Yield the words of each command, including those in groups."""
    group = group or get_command(main)
    context = typer.Context(group)
    for name in group.list_commands(context):
        # Of the context: the command itself is imported on use.
        command = group.get_command(context, name).make_context(name, [], resilient_parsing=True).command
        if isinstance(command, TyperGroup):
            yield from commands(command, (*parent, name))
        else:
            yield (*parent, name)
