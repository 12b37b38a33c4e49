"""Checks of the tables that `migrate` finds: those of other applications, and of an interrupted restore.

`pg_restore` creates all tables, then fills them, and creates keys and indexes last. One that was interrupted,
or whose dump is truncated, leaves tables that look migrated.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, UniqueConstraint, inspect

from conduit_app.migrations.errors import UnexpectedTablesError
from conduit_app.migrations.schema_state import SchemaState, current_heads, schema_state, version_table
from modules.kernel.infrastructure.persistence.postgresql import migration_lock
from modules.kernel.infrastructure.persistence.schema import Schema

MAX_NAMED = 5
RESTORE_AGAIN = "if a restore was interrupted, restore into a new database; nothing was changed"


def require_usable_tables(connection: Connection, schemas: Mapping[str, Schema]) -> None:
    """Raise `UnexpectedTablesError` for a database of another application, or one that is restored in part.

    The tables of a module at the present revision must have their keys and indexes.
    """
    inspector = inspect(connection)
    existing = frozenset(inspector.get_table_names()) - {migration_lock.name}
    if existing and existing.isdisjoint(map(version_table, ("kernel", *schemas))):
        raise UnexpectedTablesError(
            f"the database has tables that are not Conduit's: {_names(existing)}; "
            "give Conduit a database of its own"
        )
    for module, schema in schemas.items():
        own = {name for name in existing if name.startswith(f"{module}_")} - {version_table(module)}
        if own and not current_heads(connection, module):
            raise UnexpectedTablesError(
                f"{module} has tables without a revision: {_names(own)}; {RESTORE_AGAIN}"
            )
        if schema_state(connection, module, schema) is SchemaState.CURRENT:
            missing = [*_missing_tables(schema, existing), *_missing_keys(connection, schema)]
            if missing:
                raise UnexpectedTablesError(f"{module} lacks {_names(missing)}; {RESTORE_AGAIN}")


def _missing_tables(schema: Schema, existing: Collection[str]) -> Collection[str]:
    return [f"the table {name}" for name in schema.metadata.tables if name not in existing]


def _missing_keys(connection: Connection, schema: Schema) -> Collection[str]:
    """Return the keys and indexes that the existing tables of a module lack.

    They are compared by their columns: PostgreSQL truncates long names.
    """
    inspector, tables = inspect(connection), schema.metadata.tables
    missing: list[str] = []
    if not tables:
        # For no names, SQLAlchemy returns all tables.
        return missing
    for (_, name), primary_key in inspector.get_multi_pk_constraint(filter_names=list(tables)).items():
        if tables[name].primary_key.columns and not primary_key["constrained_columns"]:
            missing.append(f"the primary key of {name}")
    for (_, name), indexes in inspector.get_multi_indexes(filter_names=list(tables)).items():
        wanted: Sequence[Sequence[str]] = [index.columns.keys() for index in tables[name].indexes]
        missing += _missing("index", name, wanted, [index["column_names"] for index in indexes])
    for (_, name), keys in inspector.get_multi_unique_constraints(filter_names=list(tables)).items():
        unique = [key for key in tables[name].constraints if isinstance(key, UniqueConstraint)]
        wanted = [key.columns.keys() for key in unique]
        missing += _missing("unique constraint", name, wanted, [key["column_names"] for key in keys])
    for (_, name), foreign_keys in inspector.get_multi_foreign_keys(filter_names=list(tables)).items():
        wanted = [key.column_keys for key in tables[name].foreign_key_constraints]
        found = [key["constrained_columns"] for key in foreign_keys]
        missing += _missing("foreign key", name, wanted, found)
    return missing


def _missing(
    kind: str, table: str, wanted: Iterable[Sequence[str]], found: Iterable[Sequence[str | None]]
) -> Iterator[str]:
    existing = {tuple(columns) for columns in found}
    for columns in wanted:
        if tuple(columns) not in existing:
            yield f"the {kind} of {table} ({', '.join(columns)})"


def _names(names: Iterable[str]) -> str:
    """Return the first names in order, and how many others there are."""
    ordered = sorted(names)
    others = len(ordered) - MAX_NAMED
    return ", ".join(ordered[:MAX_NAMED]) + (f" and {others} others" if others > 0 else "")
