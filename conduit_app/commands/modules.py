"""`conduit modules`."""

from typing import Annotated

import typer

from conduit_app.application import compose_from_settings, create_application
from conduit_app.commands.errors import reporting_errors
from conduit_app.module_catalog import ModulesFormat, describe_modules, render_modules
from conduit_app.settings import Settings, load_settings


def modules_command(
    output_format: Annotated[
        ModulesFormat, typer.Option("--format", help="Output format.")
    ] = ModulesFormat.TEXT,
) -> None:
    """List the enabled modules.

    Example: conduit modules --format mermaid
    """
    with reporting_errors():
        settings = load_settings(Settings)
        composition = compose_from_settings(settings)
        descriptions = describe_modules(composition, create_application(settings, composition))
    typer.echo(render_modules(descriptions, output_format))
