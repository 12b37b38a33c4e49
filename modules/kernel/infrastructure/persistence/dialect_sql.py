"""Statements that SQLite and PostgreSQL write each their own way."""

import json
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Dialect, Insert, Text, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

Columns = ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]
SetClause = Callable[[Columns, Columns], Mapping[str, object]]
Condition = Callable[[Columns], ColumnElement[bool]]


def insert_or_ignore(
    session: AsyncSession, table: type[DeclarativeBase], returning: str | None = None
) -> Insert:
    """Return an INSERT, to execute with rows, that does nothing where a unique key is taken.

    With `returning` it gives that column of each row that was inserted.
    """
    return _insert_or_ignore(session.get_bind().dialect.name, table, returning)


def upsert(
    session: AsyncSession,
    table: type[DeclarativeBase],
    updated: SetClause,
    *,
    where: Condition | None = None,
    returning: str | None = None,
) -> Insert:
    """Return an INSERT, to execute with rows, that updates where the primary key is taken.

    `updated` is given the columns of the row that is there and of the new one, and returns the new
    value of each column that changes. A row of which `where` does not hold stays as it is. With
    `returning` it gives that column of each row that was inserted or updated.
    """
    return _upsert(session.get_bind().dialect.name, table, updated, where, returning)


# Built once for each table: building costs more than executing.
@cache
def _insert_or_ignore(dialect: str, table: type[DeclarativeBase], returning: str | None) -> Insert:
    insert = _insert(dialect, table).on_conflict_do_nothing()
    return insert if returning is None else insert.returning(insert.table.c[returning])


@cache
def _upsert(
    dialect: str,
    table: type[DeclarativeBase],
    updated: SetClause,
    where: Condition | None,
    returning: str | None,
) -> Insert:
    insert = _insert(dialect, table)
    changed = updated(insert.table.c, insert.excluded)
    condition = None if where is None else where(insert.table.c)
    insert = insert.on_conflict_do_update(
        index_elements=list(insert.table.primary_key), set_=changed, where=condition
    )
    return insert if returning is None else insert.returning(insert.table.c[returning])


def _insert(dialect: str, table: type[DeclarativeBase]) -> postgresql.Insert:
    # SQLite took ON CONFLICT over from PostgreSQL; SQLAlchemy has a class for each all the same.
    kinds: Any = sqlite if dialect == "sqlite" else postgresql
    insert: postgresql.Insert = kinds.insert(table.metadata.tables[table.__tablename__])
    return insert


def in_ids(column: ColumnElement[int], ids: str) -> ColumnElement[bool]:
    """Return the condition that the column is one of the ids that are bound to this name.

    However many they are, they are one value, and the statement is the same one: an IN with a value
    for each is put together anew for every number of them, and databases have a limit.
    """
    return column.bool_op("IN")(_Unnest(bindparam(ids, type_=_IdArray())))


class _IdArray(TypeDecorator[Collection[int]]):
    """Many ids as one value: JSON in SQLite, an array in PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else postgresql.ARRAY(BigInteger))

    def process_bind_param(self, value: Collection[int] | None, dialect: Dialect) -> Any:
        ids = list(value or ())
        return json.dumps(ids) if dialect.name == "sqlite" else ids


class _Unnest(FunctionElement[int]):
    """The rows of such a value."""

    name = "each"
    inherit_cache = True


@compiles(_Unnest, "sqlite")
def _each_of_json(element: _Unnest, compiler: SQLCompiler, **options: Any) -> str:
    # No SQL of somebody else: the compiler made it of a bound value.
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"  # noqa: S608


@compiles(_Unnest, "postgresql")
def _each_of_array(element: _Unnest, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.clauses, **options)}))"
