"""`conduit migrate`."""

import asyncio

import typer

from conduit_app.application import compose_from_settings
from conduit_app.commands.errors import reporting_errors
from conduit_app.composition import Composition
from conduit_app.migrations.runner import migrate
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load_settings


def migrate_command() -> None:
    """Migrate the database to the schema of this version.

    Example: conduit migrate
    """
    with reporting_errors():
        settings = load_settings(Settings)
        configure_logging(settings)
        changed = asyncio.run(_migrate(compose_from_settings(settings)))
    typer.echo(f"migrated {', '.join(changed)}" if changed else "the database is up to date", err=True)


async def _migrate(composition: Composition) -> list[str]:
    try:
        return list(await migrate(composition.database, composition.migratable))
    finally:
        await composition.database.dispose()
