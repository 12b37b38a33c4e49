"""`conduit modules`."""

from typing import Annotated

import typer

from conduit_app.application import compose_from_settings, create_application
from conduit_app.commands.errors import reporting_errors
from conduit_app.module_catalog import ModulesFormat, describe_modules, render_modules
from conduit_app.settings import Settings, load_settings


def modules_command(
    form: Annotated[ModulesFormat, typer.Option("--format", help="How they are told.")] = ModulesFormat.TEXT,
) -> None:
    """Show the modules that are switched on.

    Example: conduit modules --format mermaid
    """
    with reporting_errors():
        settings = load_settings(Settings)
        composition = compose_from_settings(settings)
        shown = describe_modules(composition, create_application(settings, composition))
    typer.echo(render_modules(shown, form))
