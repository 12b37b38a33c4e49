"""The states of the modules' tables, read without Alembic.

A server process reads them for each readiness probe. Alembic takes 8 MB, and runs every revision file.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, String, column, inspect, select, table

from conduit_app.migrations.errors import InvalidRevisionError, SchemaAheadError, SchemaBehindError
from conduit_app.migrations.revision_files import conflict, heads, revision_files
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.schema import Schema
from modules.kernel.module import Module


class SchemaState(Enum):
    """The state of a module's tables relative to the installed migrations."""

    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"


async def schema_states(database: Database, modules: Iterable[Module]) -> dict[str, SchemaState]:
    """Return the schema state of each module that has tables."""
    async with database.connection() as connection:
        return {
            module: await connection.run_sync(schema_state, module, schema)
            for module, schema in with_schemas(modules)
        }


async def require_current(database: Database, modules: Iterable[Module]) -> None:
    """Raise `SchemaAheadError` or `SchemaBehindError` unless every module's tables are current."""
    for module, state in (await schema_states(database, modules)).items():
        if state is SchemaState.AHEAD:
            raise SchemaAheadError(f"the tables of {module} were made by a newer Conduit: upgrade this one")
        if state is SchemaState.BEHIND:
            raise SchemaBehindError(f"the tables of {module} are not migrated; run: conduit migrate")


def schema_state(connection: Connection, module: str, schema: Schema) -> SchemaState:
    """Return the state of one module's tables."""
    revisions = installed_revisions(schema.migrations)
    current = _current_heads(connection, version_table(module))
    if not current <= revisions.known:
        return SchemaState.AHEAD
    return SchemaState.CURRENT if current == revisions.heads else SchemaState.BEHIND


def with_schemas(modules: Iterable[Module]) -> Iterator[tuple[str, Schema]]:
    """Yield the names and schemas of the modules that have tables."""
    return ((module.name, module.schema) for module in modules if module.schema is not None)


def version_table(module: str) -> str:
    """Return the name of the table with the module's Alembic revision."""
    return f"{module}_alembic_version"


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions of a folder, and those that no other one follows."""

    known: Set[str]
    heads: Set[str]


# Cached: the files of an installation do not change while it runs.
@cache
def installed_revisions(folder: Path) -> Revisions:
    """Return the revisions of the files in this folder.

    Raises `InvalidRevisionError`, naming the files, for a file that is no revision, for two files with the
    same revision, and for two heads.
    """
    files = revision_files(folder)
    if found := conflict(files):
        _, problem = found
        raise InvalidRevisionError(f"conflicting migrations in {folder}: {problem}")
    return Revisions({file.revision for file in files}, {file.revision for file in heads(files)})


def _current_heads(connection: Connection, version_table: str) -> Set[str]:
    if not inspect(connection).has_table(version_table):
        return set()
    return set(connection.scalars(select(column("version_num", String)).select_from(table(version_table))))
