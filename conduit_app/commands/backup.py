"""`conduit backup` and `conduit restore`."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from conduit_app.application import compose_from_settings
from conduit_app.commands.errors import reporting_errors
from conduit_app.migrations.runner import SchemaAheadError, SchemaState, schema_states
from conduit_app.settings import Settings, load_settings
from modules.kernel.infrastructure.persistence.backup import (
    check_integrity,
    create_backup,
    require_migrated,
    restore_backup,
    sqlite_file,
)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to create; it must not exist.")],
) -> None:
    """Copy the database, also while the server runs.

    Example: conduit backup var/monday.db
    """
    with reporting_errors():
        create_backup(sqlite_file(load_settings(Settings).database_url), file)
    typer.echo(f"created {file}, {file.stat().st_size} bytes; back up the secret key too", err=True)


def restore(
    file: Annotated[Path, typer.Argument(help="The backup file.")],
) -> None:
    """Replace the database by a backup.

    Example: conduit restore var/monday.db

    The previous database is saved in a file next to it.
    """
    with reporting_errors():
        settings = load_settings(Settings)
        database = sqlite_file(settings.database_url)
        check_integrity(file)
        require_migrated(file)
        states = asyncio.run(_states(settings, file))
        previous = _previous_file(database)
        if previous is not None:
            create_backup(database, previous)
        restore_backup(file, database)
    if previous is not None:
        typer.echo(f"saved the previous database in {previous}", err=True)
    behind = SchemaState.BEHIND in states.values()
    typer.echo(f"restored {file}" + ("; now run: conduit migrate" if behind else ""), err=True)


async def _states(settings: Settings, file: Path) -> dict[str, SchemaState]:
    """Return the schema states of the backup; raise `SchemaAheadError` for one of a newer Conduit."""
    composition = compose_from_settings(
        settings.model_copy(update={"database_url": f"sqlite+aiosqlite:///{file}"})
    )
    try:
        states = await schema_states(composition.database, composition.migratable)
    finally:
        await composition.database.dispose()
    if SchemaState.AHEAD in states.values():
        raise SchemaAheadError(f"{file} was made by a newer Conduit: upgrade this one")
    return states


def _previous_file(database: Path) -> Path | None:
    if not database.exists():
        return None
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return database.with_name(f"{database.stem}.before-{moment}-{os.getpid()}{database.suffix}")
