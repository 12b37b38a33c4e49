"""The end of a command that cannot do its work."""

from typing import NoReturn

import typer


def fail(message: str) -> NoReturn:
    """Print the message to standard error, and exit with code 1."""
    # A database server's message may have several lines.
    typer.echo(f"conduit: {' '.join(message.split())}", err=True)
    raise typer.Exit(1)
