"""`conduit openapi`."""

import json
import secrets

import typer

from conduit_app.application import create_application
from conduit_app.commands.errors import reporting_errors
from conduit_app.settings import Settings, load_settings


def openapi() -> None:
    """Print the API's OpenAPI document.

    Example: conduit openapi > openapi.json
    """
    with reporting_errors():
        # No database file and no secret key file are created: nothing is stored or signed.
        unused = {"database_url": "sqlite+aiosqlite://", "secret_key": secrets.token_hex()}
        document = create_application(load_settings(Settings).model_copy(update=unused)).openapi()
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
