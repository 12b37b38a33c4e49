"""Runs the Alembic migrations of each module."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, delete, event, insert, inspect, text
from sqlalchemy.exc import DBAPIError

from conduit_app.migrations.errors import MigrationFailedError, SchemaAheadError
from conduit_app.migrations.existing_tables import require_usable_tables
from conduit_app.migrations.revision_files import (
    RevisionFile,
    lineage,
    pending,
    required_revisions,
    revision_files,
)
from conduit_app.migrations.schema_state import (
    SchemaState,
    applied_revision,
    current_heads,
    schema_state,
    version_table,
    with_schemas,
)
from modules.kernel.domain.errors import ConcurrencyConflict
from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable
from modules.kernel.infrastructure.persistence.driver_errors import (
    is_conflict,
    is_lock_timeout,
    is_unavailable,
)
from modules.kernel.infrastructure.persistence.postgresql import migration_lock
from modules.kernel.infrastructure.persistence.postgresql_roles import grant_roles
from modules.kernel.infrastructure.persistence.schema import Schema
from modules.kernel.infrastructure.persistence.sqlite import APPLICATION_ID
from modules.kernel.infrastructure.settings import PREFIX
from modules.kernel.module import Module

ENVIRONMENT = Path(__file__).parent / "environment"
# Each attempt waits for two seconds.
LOCK_ATTEMPTS = 30
LOCK_PAUSE_SECONDS = 1.0
# Of Alembic: the last revision, and none.
HEADS, BASE = "heads", "base"
NOT_CHANGED = "nothing was changed"
EARLIER_APPLIED = "the revisions before it are applied"

ResultT = TypeVar("ResultT")

log = structlog.get_logger("conduit.migrations")


async def migrate(database: Database, modules: Collection[Module], revision: str = HEADS) -> Sequence[str]:
    """Migrate every module's tables to this revision; return the names of the modules that changed.

    In one transaction, but for revisions that are not transactional: each of them runs on its own, between
    two transactions. Concurrent processes migrate one after the other. Tables of a newer release are left
    alone. Raises `SchemaAheadError` when this release does not work on them, `UnexpectedTablesError` for a
    database of another application or one restored in part, and `MigrationFailedError` when a migration
    fails, or on PostgreSQL when others use the tables for longer than `LOCK_ATTEMPTS` last. A revision that
    is not transactional waits for the end of other transactions without a limit.
    """
    changed: dict[str, None] = {}
    while True:
        if_it_fails = EARLIER_APPLIED if changed else NOT_CHANGED
        step = await _retrying(partial(_migrate, database, modules, revision, if_it_fails), if_it_fails)
        changed |= dict.fromkeys(step.changed)
        if not step.following:
            return list(changed)
        module = step.following[0]
        if await _retrying(partial(_run_without_transaction, database, module), EARLIER_APPLIED):
            changed[module.name] = None


@dataclass(frozen=True, slots=True)
class Step:
    """The modules that a transaction has migrated, and those whose next revision is not transactional."""

    changed: Sequence[str]
    following: Sequence[Module]


async def _retrying(run: Callable[[], Awaitable[ResultT]], if_it_fails: str) -> ResultT:
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            return await run()
        except (ConcurrencyConflict, DatabaseUnavailable) as error:
            # A deadlock with requests, or a lock that it has waited for too long.
            if isinstance(error, DatabaseUnavailable) and not is_lock_timeout(error.__cause__):
                raise
            log.warning("migration waits for a lock", attempt=attempt, attempts=LOCK_ATTEMPTS)
        # Requests that waited behind it are served meanwhile.
        await asyncio.sleep(LOCK_PAUSE_SECONDS)
    raise MigrationFailedError(
        f"a table to migrate is in use by a long transaction, such as a backup; {if_it_fails}"
    )


async def _migrate(database: Database, modules: Collection[Module], revision: str, if_it_fails: str) -> Step:
    changed, following = [], []
    async with database.migration_connection() as connection:
        schemas = dict(with_schemas(modules))
        await connection.run_sync(require_usable_tables, schemas)
        for module in modules:
            if module.schema is None:
                continue
            state = await connection.run_sync(schema_state, module.name, module.schema)
            if state is SchemaState.AHEAD:
                raise SchemaAheadError(
                    f"the tables of {module.name} were made by a newer Conduit: upgrade this one"
                )
            if state is SchemaState.BEHIND:
                target, is_last = await connection.run_sync(_target, module.name, module.schema, revision)
                if target is not None:
                    await connection.run_sync(_upgrade, module.name, module.schema, target, if_it_fails)
                    await connection.run_sync(_store_applied_revisions, module.name, module.schema)
                    changed.append(module.name)
                if not is_last:
                    following.append(module)
        if database.dialect == "sqlite":
            await connection.run_sync(_set_application_id)
        elif database.isolates_modules:
            await connection.run_sync(_grant_roles, [module.name for module in modules], if_it_fails)
    return Step(changed, following)


async def _run_without_transaction(database: Database, module: Module) -> bool:
    """Run the next revision, which is not transactional; return False if another process has run it."""
    schema = module.schema
    assert schema is not None  # noqa: S101 - it has a revision
    async with database.autocommit_migration_connections() as (transaction, connection):
        following = await transaction.run_sync(_pending, module.name, schema)
        if not following or following[0].is_transactional:
            return False
        revision = following[0].revision
        log.info("migrating without a transaction", module=module.name, revision=revision)
        assert connection.sync_connection is not None  # noqa: S101 - it is open
        event.listen(connection.sync_connection, "before_cursor_execute", _require_concurrent)
        await connection.run_sync(_upgrade, module.name, schema, revision, EARLIER_APPLIED)
        await transaction.run_sync(_store_applied_revisions, module.name, schema)
    return True


def _target(connection: Connection, module: str, schema: Schema, revision: str) -> tuple[str | None, bool]:
    """Return the revision to which a transaction can migrate, if there is one, and whether it is the last."""
    if connection.dialect.name == "sqlite":
        return revision, True
    following = _pending(connection, module, schema)
    names = [file.revision for file in following]
    if revision in names:
        following = following[: names.index(revision) + 1]
    before = [*takewhile(attrgetter("is_transactional"), following)]
    if len(before) == len(following):
        return revision, True
    return before[-1].revision if before else None, False


def _pending(connection: Connection, module: str, schema: Schema) -> Sequence[RevisionFile]:
    return pending(revision_files(schema.migrations), current_heads(connection, module))


def _require_concurrent(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
    """Raise `MigrationFailedError` for a statement that blocks the requests which use the table."""
    if statement.lstrip().startswith(("ALTER", "CREATE", "DROP")) and " CONCURRENTLY " not in statement:
        raise MigrationFailedError(
            "a revision that is not transactional only creates and drops indexes, with "
            f"postgresql_concurrently; {EARLIER_APPLIED}"
        )


def _upgrade(connection: Connection, module: str, schema: Schema, revision: str, if_it_fails: str) -> None:
    try:
        _run(connection, module, schema, partial(command.upgrade, revision=revision))
    except DBAPIError as error:
        if is_conflict(error) or is_unavailable(error):
            raise
        problem = f"the tables of {module} cannot be migrated: {error.orig}; {if_it_fails}"
        raise MigrationFailedError(problem) from error


async def downgrade(database: Database, module: Module, revision: str = BASE) -> None:
    """Downgrade one module's tables to an earlier revision, one revision after the other."""
    for name, schema in with_schemas([module]):
        files = revision_files(schema.migrations)
        remaining = () if revision == BASE else lineage(files, revision)
        async with database.connection() as connection:
            current = await connection.run_sync(current_heads, name)
        applied = [file for head in current for file in lineage(files, head)]
        for file in reversed(pending(files, set())):
            if file in applied and file not in remaining:
                undo = partial(command.downgrade, revision=next(iter(file.follows), BASE))
                await _undo(database, name, schema, undo, is_transactional=file.is_transactional)


async def _undo(
    database: Database,
    module: str,
    schema: Schema,
    undo: Callable[[Config], object],
    *,
    is_transactional: bool,
) -> None:
    if is_transactional or database.dialect == "sqlite":
        async with database.migration_connection() as connection:
            await connection.run_sync(_run, module, schema, undo)
            await connection.run_sync(_store_applied_revisions, module, schema)
    else:
        async with database.autocommit_migration_connections() as (transaction, connection):
            await connection.run_sync(_run, module, schema, undo)
            await transaction.run_sync(_store_applied_revisions, module, schema)


async def check_models(database: Database, module: Module) -> None:
    """Compare migrated tables with the models; raise Alembic's `AutogenerateDiffsDetected` if they differ."""
    for name, schema in with_schemas([module]):
        async with database.migration_connection() as connection:
            await connection.run_sync(_run, name, schema, command.check)


def _set_application_id(connection: Connection) -> None:
    """Set `application_id` in the header of a SQLite file, which `conduit restore` checks."""
    if connection.scalar(text("PRAGMA application_id")) != APPLICATION_ID:
        connection.execute(text(f"PRAGMA application_id = {APPLICATION_ID}"))


def _grant_roles(connection: Connection, modules: Sequence[str], if_it_fails: str) -> None:
    try:
        grant_roles(connection, modules)
    except DBAPIError as error:
        if is_conflict(error) or is_unavailable(error):
            raise
        raise MigrationFailedError(
            f"cannot create the roles of modules: {error.orig}; {if_it_fails}; without them: "
            f"{PREFIX}DATABASE_ISOLATES_MODULES=false"
        ) from error


def _store_applied_revisions(connection: Connection, module: str, schema: Schema) -> None:
    if not inspect(connection).has_table(applied_revision.name):
        return
    connection.execute(delete(applied_revision).where(applied_revision.c.module == module))
    for current in current_heads(connection, module):
        applied = lineage(revision_files(schema.migrations), current)
        required = required_revisions(applied)
        for file in applied:
            values = {"revision": file.revision, "required": file.revision in required}
            connection.execute(insert(applied_revision).values(module=module, **values))


def _run(connection: Connection, module: str, schema: Schema, run: Callable[[Config], object]) -> None:
    run(_config(connection, module, schema))


def _config(connection: Connection, module: str, schema: Schema) -> Config:
    # Alembic would print to standard output; the runner raises exceptions instead.
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(schema.migrations))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(
        connection=connection,
        metadata=schema.metadata,
        version_table=version_table(module),
        include_name=_include_module(module, schema.unmapped),
    )
    return config


def _include_module(module: str, unmapped: Sequence[str]) -> Callable[[str | None, str, object], bool]:
    # The database has the tables of all modules: compare only those of this one that are mapped.
    def include(name: str | None, kind: str, _parents: object) -> bool:
        table = f"{name}_"
        is_mapped = table.startswith(f"{module}_") and not table.startswith(
            tuple(f"{prefix}_" for prefix in (*unmapped, migration_lock.name))
        )
        return kind != "table" or is_mapped

    return include
