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
    file: Annotated[Path, typer.Argument(help="The file to make; it must not be there yet.")],
) -> None:
    """Copy the database, also while Conduit serves.

    Example: conduit backup var/monday.db
    """
    with reporting_errors():
        create_backup(sqlite_file(load_settings(Settings).database_url), file)
    typer.echo(f"{file} is a whole copy, {file.stat().st_size} bytes; keep the secret key too", err=True)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
) -> None:
    """Make the database what a backup holds.

    Example: conduit restore var/monday.db

    What it held before is kept in a file beside it.
    """
    with reporting_errors():
        settings = load_settings(Settings)
        database = sqlite_file(settings.database_url)
        check_integrity(file)
        require_migrated(file)
        found = asyncio.run(_states(settings, file))
        kept = _kept(database)
        if kept is not None:
            create_backup(database, kept)
        restore_backup(file, database)
    if kept is not None:
        typer.echo(f"what was there before is kept in {kept}", err=True)
    behind = SchemaState.BEHIND in found.values()
    typer.echo(f"restored {file}" + ("; now run: conduit migrate" if behind else ""), err=True)


async def _states(settings: Settings, file: Path) -> dict[str, SchemaState]:
    """Return how the backup stands to the program; raise for what this program cannot use."""
    composition = compose_from_settings(
        settings.model_copy(update={"database_url": f"sqlite+aiosqlite:///{file}"})
    )
    try:
        found = await schema_states(composition.database, composition.migratable)
    finally:
        await composition.database.dispose()
    if SchemaState.AHEAD in found.values():
        raise SchemaAheadError(f"{file} was made by a newer Conduit: upgrade this one")
    return found


def _kept(database: Path) -> Path | None:
    if not database.exists():
        return None
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return database.with_name(f"{database.stem}.before-{moment}-{os.getpid()}{database.suffix}")
