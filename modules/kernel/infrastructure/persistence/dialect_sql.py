"""Statements whose SQL differs between SQLite and PostgreSQL."""

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Dialect, Select, SelectBase, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.sql.functions import FunctionElement, GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

Columns = ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]
SetClause = Callable[[Columns, Columns], Mapping[str, object]]
Condition = Callable[[Columns], ColumnElement[bool]]


@cache
def insert_or_ignore(
    dialect: str, table: type[DeclarativeBase], returning: str | None = None
) -> PreparedStatement:
    """Return an INSERT ON CONFLICT DO NOTHING, to be executed with rows.

    With `returning`, it returns that column of each inserted row.
    """
    insert = _insert(dialect, table).on_conflict_do_nothing()
    return prepare(insert if returning is None else insert.returning(insert.table.c[returning]))


@cache
def upsert(
    dialect: str,
    table: type[DeclarativeBase],
    updated: SetClause,
    *,
    where: Condition | None = None,
    returning: str | None = None,
) -> PreparedStatement:
    """Return an INSERT ON CONFLICT (primary key) DO UPDATE, to be executed with rows.

    `updated` is called with the columns of the stored row and of the new one, and returns the new value
    of each column that changes. A stored row for which `where` is false is not updated. With
    `returning`, it returns that column of each inserted or updated row.
    """
    insert = _insert(dialect, table)
    changed = updated(insert.table.c, insert.excluded)
    condition = None if where is None else where(insert.table.c)
    insert = insert.on_conflict_do_update(
        index_elements=list(insert.table.primary_key), set_=changed, where=condition
    )
    return prepare(insert if returning is None else insert.returning(insert.table.c[returning]))


@cache
def insert_or_add(
    dialect: str, table: type[DeclarativeBase], rows: Select[*tuple[Any, ...]], added: str
) -> PreparedStatement:
    """Return an INSERT of the rows of a query, which adds their values of a column to those that are stored.

    The query has a WHERE clause: https://sqlite.org/lang_upsert.html#parsing_ambiguity.
    """
    columns = [column.name for column in rows.selected_columns]
    insert = _insert(dialect, table).from_select(columns, rows)
    total = insert.table.c[added] + insert.excluded[added]
    return prepare(
        insert.on_conflict_do_update(index_elements=list(insert.table.primary_key), set_={added: total})
    )


def _insert(dialect: str, table: type[DeclarativeBase]) -> "postgresql.Insert":
    # ON CONFLICT has the same syntax in both, but SQLAlchemy has a class for each dialect.
    insert: Any
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert  # noqa: PLC0415 - the other one takes 2 MB
    else:
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - SQLite's takes 2 MB
    statement: postgresql.Insert = insert(table.metadata.tables[table.__tablename__])
    return statement


def in_ids(column: ColumnElement[int], ids: str) -> ColumnElement[bool]:
    """Return the condition that the column is one of the ids bound to this parameter name.

    The ids are one bound value. An expanding IN would be compiled for each number of ids, and databases
    limit the number of parameters.
    """
    return _IsOneOf(column, bindparam(ids, type_=_Array(BigInteger)))


def in_texts(column: ColumnElement[str], texts: str) -> ColumnElement[bool]:
    """Return the condition that the column is one of the texts bound to this parameter name."""
    return _IsOneOf(column, bindparam(texts, type_=_Array(Text)))


def in_selected(column: ColumnElement[int], ids: SelectBase) -> ColumnElement[bool]:
    """Return the condition that the column is one of the selected ids, which are read first.

    PostgreSQL may join a plain subquery in another order, and read all rows in the order of the statement.
    """
    return _IsOneOfSelected(column, ids.scalar_subquery())


class octet_length(GenericFunction[int]):  # noqa: N801 - the name of the SQL function
    """The size of a text in bytes. PostgreSQL does not read the text; SQLite does, but not Python."""

    type = BigInteger()
    inherit_cache = True


@compiles(octet_length, "sqlite")
def _octet_length_of_blob(element: octet_length, compiler: SQLCompiler, **options: Any) -> str:
    # SQLite has octet_length since 3.43.
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


class _Array(TypeDecorator[Collection[Any]]):
    """A collection as one value: JSON in SQLite, an array in PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, item_type: type[TypeEngine[Any]]) -> None:
        super().__init__()
        self.item_type = item_type

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.item_type))

    def bind_processor(self, dialect: Dialect) -> Callable[[Collection[Any] | None], Any]:
        return _to_json if dialect.name == "sqlite" else _to_list

    def result_processor(self, dialect: Dialect, _coltype: object) -> Callable[[Any], Any] | None:
        return orjson.loads if dialect.name == "sqlite" else None


def _to_json(items: Collection[Any] | None) -> str:
    return orjson.dumps(_to_list(items)).decode()


def _to_list(items: Collection[Any] | None) -> list[Any]:
    return list(items or ())


class _IsOneOf(FunctionElement[bool]):
    """The condition that a column is one of the items of such a value."""

    name = "is_one_of"
    inherit_cache = True


@compiles(_IsOneOf, "sqlite")
def _in_json(element: _IsOneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, items = (compiler.process(clause, **options) for clause in element.clauses)
    # No injection: the compiler renders a bound parameter.
    return f"{column} IN (SELECT value FROM json_each({items}))"  # noqa: S608


@compiles(_IsOneOf, "postgresql")
def _in_array(element: _IsOneOf, compiler: SQLCompiler, **options: Any) -> str:
    # Not a subquery, whose rows the planner may join by scanning the table.
    column, items = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({items})"


class _IsOneOfSelected(FunctionElement[bool]):
    """The condition that a column is one of the values of a subquery."""

    name = "is_one_of_selected"
    inherit_cache = True


@compiles(_IsOneOfSelected, "sqlite")
def _in_subquery(element: _IsOneOfSelected, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN {ids}"


@compiles(_IsOneOfSelected, "postgresql")
def _in_array_of_subquery(element: _IsOneOfSelected, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY (ARRAY{ids})"


class collected_ids(FunctionElement[Collection[Any]]):  # noqa: N801 - the name of an SQL function
    """The ids of a group as one value. A row for each costs three times as much in SQLite."""

    type = _Array(BigInteger)
    name = "collected_ids"
    inherit_cache = True


@compiles(collected_ids, "sqlite")
def _collected_as_json(element: collected_ids, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"


@compiles(collected_ids, "postgresql")
def _collected_as_array(element: collected_ids, compiler: SQLCompiler, **options: Any) -> str:
    return f"array_agg({compiler.process(element.clauses, **options)})"


class ByteOrder(FunctionElement[str]):
    """A text to sort by its UTF-8 bytes, which is Python's order of strings, whatever the collation."""

    type = Text()
    name = "byte_order"
    inherit_cache = True


@compiles(ByteOrder, "sqlite")
def _by_default(element: ByteOrder, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(ByteOrder, "postgresql")
def _by_collation(element: ByteOrder, compiler: SQLCompiler, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'


class RandomHex(FunctionElement[str]):
    """At least 122 random bits as 32 hexadecimal digits, another value for each row."""

    type = Text()
    name = "random_hex"
    inherit_cache = True


@compiles(RandomHex, "sqlite")
def _random_blob(_element: RandomHex, _compiler: SQLCompiler, **_options: Any) -> str:
    return "lower(hex(randomblob(16)))"


@compiles(RandomHex, "postgresql")
def _random_uuid(_element: RandomHex, _compiler: SQLCompiler, **_options: Any) -> str:
    # 122 random bits: https://www.postgresql.org/docs/current/functions-uuid.html
    return "replace(CAST(gen_random_uuid() AS text), '-', '')"
