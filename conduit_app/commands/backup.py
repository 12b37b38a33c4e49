"""`conduit backup`, `conduit restore` and `conduit after-restore`."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from conduit_app.application import compose_from_settings
from conduit_app.commands.audited_command import audited_command
from conduit_app.commands.errors import reporting_errors
from conduit_app.commands.migrate import create_database_folder
from conduit_app.composition import Composition
from conduit_app.migrations.errors import SchemaAheadError
from conduit_app.migrations.runner import migrate
from conduit_app.migrations.schema_state import SchemaState, schema_states
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load_settings
from modules.kernel.infrastructure.persistence.backup import (
    check_integrity,
    create_backup,
    require_conduit_database,
    restore_backup,
    sqlite_file,
    temporary_copy,
)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to create; it must not exist.")],
) -> None:
    """Copy the database, also while the server runs.

    Example: conduit backup var/monday.db
    """
    with reporting_errors():
        settings = load_settings(Settings)
        configure_logging(settings)
        with audited_command("backup", {"file": str(file)}):
            create_backup(sqlite_file(settings.database_url), file)
    typer.echo(f"created {file}, {file.stat().st_size} bytes; back up the secret key too", err=True)


def restore(
    file: Annotated[Path, typer.Argument(help="The backup file.")],
) -> None:
    """Replace the database by a backup.

    Example: conduit restore var/monday.db

    The restored database is migrated, and every user must log in again. The previous database is saved in
    a file next to it.
    """
    with reporting_errors():
        settings = load_settings(Settings)
        configure_logging(settings)
        with audited_command("restore", {"file": str(file)}):
            previous = _restore(settings, file)
    if previous is not None:
        typer.echo(f"saved the previous database in {previous}", err=True)
    typer.echo(f"restored {file}; every user must log in again", err=True)


def _restore(settings: Settings, file: Path) -> Path | None:
    """Restore the file; return the one in which the previous database is saved, if there is one."""
    database = sqlite_file(settings.database_url)
    check_integrity(file)
    require_conduit_database(file)
    asyncio.run(_require_not_ahead(settings, file))
    create_database_folder(settings)
    # On a copy, so that no request ever sees the backup before its sessions are revoked.
    with temporary_copy(file, database) as copy:
        asyncio.run(_finish(_on_file(settings, copy)))
        previous = _previous_file(database)
        if previous is not None:
            create_backup(database, previous)
        restore_backup(copy, database)
    return previous


def after_restore() -> None:
    """Finish a restore that other tools have done, such as pg_restore, before Conduit serves again.

    Example: conduit after-restore

    The database is migrated, and every user must log in again: otherwise sessions that were ended after
    the backup are valid again. `conduit restore` does this itself.
    """
    with reporting_errors():
        settings = load_settings(Settings)
        configure_logging(settings)
        with audited_command("after-restore", {}):
            asyncio.run(_finish(compose_from_settings(settings)))
    typer.echo("every user must log in again", err=True)


def _on_file(settings: Settings, file: Path) -> Composition:
    return compose_from_settings(settings.model_copy(update={"database_url": f"sqlite+aiosqlite:///{file}"}))


async def _finish(composition: Composition) -> None:
    """Migrate a restored database, and let every module do what it must after a restore."""
    try:
        await migrate(composition.database, composition.migratable)
        for module in composition.modules:
            if module.after_restore is not None:
                await module.after_restore(composition.containers[module.name])
    finally:
        await composition.database.dispose()


async def _require_not_ahead(settings: Settings, file: Path) -> None:
    """Raise `SchemaAheadError` for a backup made by a newer Conduit."""
    composition = _on_file(settings, file)
    try:
        states = await schema_states(composition.database, composition.migratable)
    finally:
        await composition.database.dispose()
    if SchemaState.AHEAD in states.values():
        raise SchemaAheadError(f"{file} was made by a newer Conduit: upgrade this one")


def _previous_file(database: Path) -> Path | None:
    if not database.exists():
        return None
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return database.with_name(f"{database.stem}.before-{moment}-{os.getpid()}{database.suffix}")
