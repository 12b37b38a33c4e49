"""`conduit catalog`."""

from typing import Annotated

import typer

from conduit_app.application import compose_from_settings
from conduit_app.catalog import CatalogFormat, describe_catalog, render_catalog
from conduit_app.commands.errors import reporting_errors
from conduit_app.settings import Settings, load_settings


def catalog(
    form: Annotated[CatalogFormat, typer.Option("--format", help="Output format.")] = CatalogFormat.JSON,
) -> None:
    """Print the contracts and events of the enabled modules, with owners, versions and consumers.

    Example: conduit catalog --format html > catalog.html
    """
    with reporting_errors():
        described = describe_catalog(compose_from_settings(load_settings(Settings)))
    typer.echo(render_catalog(described, form))
