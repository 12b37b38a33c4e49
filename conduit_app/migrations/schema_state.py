"""The states of the modules' tables, read without Alembic.

A server process reads them for each readiness probe. Alembic takes 8 MB, and runs every revision file.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, String, column, inspect, literal_column, select, table, union_all
from sqlalchemy.exc import DBAPIError

from conduit_app.migrations.errors import InvalidRevisionError, SchemaAheadError, SchemaBehindError
from conduit_app.migrations.revision_files import conflict, heads, revision_files
from modules.kernel.infrastructure.applied_revision_table import AppliedRevisionRow
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.postgresql_roles import first_unusable_role
from modules.kernel.infrastructure.persistence.schema import Schema
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare
from modules.kernel.module import Module

applied_revision: Any = AppliedRevisionRow.__table__


class SchemaState(Enum):
    """The state of a module's tables relative to the installed migrations."""

    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"
    """A newer release made them, and this one does not work on them."""

    EXPANDED = "expanded"
    """A newer release made them, and this one works on them."""


async def schema_states(database: Database, modules: Iterable[Module]) -> dict[str, SchemaState]:
    """Return the schema state of each module that has tables."""
    schemas = dict(with_schemas(modules))
    try:
        rows = await database.fetch_all(_select_heads(tuple(schemas)))
    except DBAPIError:
        # A module that was never migrated has no table of its revision.
        async with database.connection() as connection:
            return {
                module: await connection.run_sync(schema_state, module, schema)
                for module, schema in schemas.items()
            }
    states = {}
    for module, schema in schemas.items():
        current = {revision for name, revision in rows if name == module}
        states[module] = _state(current, installed_revisions(schema.migrations))
        if states[module] is SchemaState.AHEAD:
            async with database.connection() as connection:
                states[module] = await connection.run_sync(schema_state, module, schema)
    return states


@cache
def _select_heads(modules: tuple[str, ...]) -> PreparedStatement:
    """Return the statement that selects the revisions of all modules."""
    heads = union_all(
        *(
            select(
                literal_column(f"'{module}'", String).label("module"), column("version_num", String)
            ).select_from(table(version_table(module)))
            for module in modules
        )
    )
    return prepare(select(heads.subquery()))


async def require_compatible(database: Database, modules: Collection[Module]) -> None:
    """Raise `SchemaAheadError` or `SchemaBehindError` unless this release works on every module's tables.

    On PostgreSQL with isolated modules, each module must have its role, too.
    """
    for module, state in (await schema_states(database, modules)).items():
        if state is SchemaState.AHEAD:
            raise SchemaAheadError(f"the tables of {module} were made by a newer Conduit: upgrade this one")
        if state is SchemaState.BEHIND:
            raise SchemaBehindError(f"the tables of {module} are not migrated; run: conduit migrate")
    if database.isolates_modules and database.dialect == "postgresql":
        async with database.connection() as connection:
            role = await connection.run_sync(first_unusable_role, [module.name for module in modules])
            if role is not None:
                raise SchemaBehindError(f"the role {role} cannot be used; run: conduit migrate")


def schema_state(connection: Connection, module: str, schema: Schema) -> SchemaState:
    """Return the state of one module's tables."""
    revisions = installed_revisions(schema.migrations)
    state = _state(current_heads(connection, module), revisions)
    if state is SchemaState.AHEAD:
        applied = applied_revisions(connection, module)
        required = {revision for revision, is_required in applied.items() if is_required}
        if revisions.heads <= applied.keys() and required <= revisions.known:
            return SchemaState.EXPANDED
    return state


def _state(current: Set[str], revisions: "Revisions") -> SchemaState:
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


def applied_revisions(connection: Connection, module: str) -> Mapping[str, bool]:
    """Return the stored revisions of a module's tables, and whether each is required."""
    if not inspect(connection).has_table(applied_revision.name):
        return {}
    rows = select(applied_revision.c.revision, applied_revision.c.required).where(
        applied_revision.c.module == module
    )
    return dict(connection.execute(rows).all())


def current_heads(connection: Connection, module: str) -> Set[str]:
    """Return the revisions of the module's tables: one, or none without tables."""
    name = version_table(module)
    if not inspect(connection).has_table(name):
        return set()
    return set(connection.scalars(select(column("version_num", String)).select_from(table(name))))
