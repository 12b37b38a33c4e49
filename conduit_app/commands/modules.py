"""`conduit modules`."""

from typing import Annotated

import typer

from conduit_app.application import compose_from, create_application
from conduit_app.commands.errors import one_line_errors
from conduit_app.module_catalog import HouseFormat, cards, render_house
from conduit_app.settings import Settings, load


def modules_command(
    form: Annotated[HouseFormat, typer.Option("--format", help="How they are told.")] = HouseFormat.TEXT,
) -> None:
    """Show the modules that are switched on.

    Example: conduit modules --format mermaid
    """
    with one_line_errors():
        settings = load(Settings)
        composition = compose_from(settings)
        shown = cards(composition, create_application(settings, composition))
    typer.echo(render_house(shown, form))
