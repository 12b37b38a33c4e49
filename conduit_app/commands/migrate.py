"""`conduit migrate`."""

import asyncio

import typer

from conduit_app.application import compose_from_settings
from conduit_app.commands.errors import reporting_errors
from conduit_app.composition import Composition
from conduit_app.migrations.runner import migrate
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, SettingsError, load_settings
from modules.kernel.infrastructure.persistence.engines import create_folder
from modules.kernel.infrastructure.settings import PREFIX


def migrate_command() -> None:
    """Migrate the database to the schema of this version.

    Example: conduit migrate
    """
    with reporting_errors():
        settings = load_settings(Settings)
        configure_logging(settings)
        create_database_folder(settings)
        changed = asyncio.run(_migrate(compose_from_settings(settings)))
    typer.echo(f"migrated {', '.join(changed)}" if changed else "the database is up to date", err=True)


def create_database_folder(settings: Settings) -> None:
    """Create the folder of a SQLite database outside of the working directory, and say so.

    A folder inside of it is created by any command. Raises `SettingsError`.
    """
    try:
        created = create_folder(settings.database_url)
    except OSError as error:
        problem = f"cannot create the folder {error.filename}: {error.strerror}"
        raise SettingsError(f"{PREFIX}DATABASE_URL: {problem}") from error
    if created is not None:
        typer.echo(f"created the folder {created}", err=True)


async def _migrate(composition: Composition) -> list[str]:
    try:
        return list(await migrate(composition.database, composition.migratable))
    finally:
        await composition.database.dispose()
