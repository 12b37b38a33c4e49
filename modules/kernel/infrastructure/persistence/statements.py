"""Statements that are compiled once per dialect and run on the driver's connection.

SQLAlchemy Core remains the language of SQL. What SQLAlchemy does per execution (cache key, execution
context, cursor, result, rows) takes several times as long as SQLite needs for a lookup; here it is done
once per statement.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from sqlalchemy import JSON, Delete, Dialect, Float, Insert, Select, Update
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

AnyStatement = Select[*tuple[Any, ...]] | Insert | Update | Delete
Parameters = Mapping[str, Any]
Convert = Callable[[Any], Any] | None

# PostgreSQL's type of DOUBLE PRECISION: https://www.postgresql.org/docs/current/datatype-oid.html
FLOAT8 = 701


class PreparedStatement:
    """A statement to be executed by `Database.fetch_all` and its siblings, compiled at its first execution.

    A list of values is one parameter (`in_ids`, `in_texts`), because an expanding IN would be compiled for
    each number of values.
    """

    __slots__ = ("_compiled", "_is_insert", "is_select", "statement", "writes")

    def __init__(self, statement: AnyStatement) -> None:
        self.statement = statement
        self.is_select = isinstance(statement, Select)
        # Row locks, too, last until the end of a transaction.
        self.writes = not isinstance(statement, Select) or statement._for_update_arg is not None
        self._is_insert = isinstance(statement, Insert)
        self._compiled: dict[tuple[str, Sequence[str]], CompiledStatement] = {}

    def compiled(self, dialect: Dialect, parameters: Parameters) -> "CompiledStatement":
        """Return the statement for this dialect. An INSERT sets the columns that the parameters name."""
        columns = tuple(parameters) if self._is_insert else ()
        compiled = self._compiled.get((dialect.name, columns))
        if compiled is None:
            compiled = CompiledStatement(self.statement, dialect, columns)
            self._compiled[dialect.name, columns] = compiled
        return compiled


def prepare(statement: AnyStatement) -> PreparedStatement:
    """Return the statement, to be built once and executed many times."""
    return PreparedStatement(statement)


class CompiledStatement:
    """A statement as SQL, with the conversions of its parameters and rows."""

    __slots__ = ("_converted", "_make_row", "_parameters", "sql")

    def __init__(self, statement: AnyStatement, dialect: Dialect, insert_columns: Sequence[str]) -> None:
        compiled = _compile(statement, dialect, insert_columns)
        self.sql = str(compiled)
        self._parameters = [_parameter(compiled, name, dialect) for name in compiled.positiontup or ()]
        columns = compiled._result_columns
        row_class: Any = namedtuple("Row", [column.keyname for column in columns], rename=True)  # type: ignore[misc]
        # What `_make` does, without a call of Python's.
        self._make_row = partial(tuple.__new__, row_class)
        converters = [_result_converter(column.type, dialect) for column in columns]
        self._converted = [(index, convert) for index, convert in enumerate(converters) if convert]

    def bind(self, parameters: Parameters) -> Sequence[Any]:
        """Return the values of the driver's positional parameters; raise `KeyError` for a missing one."""
        return [
            constant if name is None else parameters[name] if convert is None else convert(parameters[name])
            for name, convert, constant in self._parameters
        ]

    def rows(self, fetched: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """Return the driver's rows as named tuples of Python values."""
        if not self._converted or not fetched:
            return list(map(self._make_row, fetched))
        # By column: a loop over the rows, and in it over the columns, takes a quarter longer.
        columns: list[Sequence[Any]] = list(zip(*fetched, strict=True))
        for index, convert in self._converted:
            # Of every type, NULL is None.
            columns[index] = [None if value is None else convert(value) for value in columns[index]]
        return list(map(self._make_row, zip(*columns, strict=True)))


def _compile(statement: AnyStatement, dialect: Dialect, insert_columns: Sequence[str]) -> SQLCompiler:
    options: dict[str, Any] = {}
    if isinstance(statement, Insert):
        options["column_keys"] = list(insert_columns)
        if not statement._returning:
            # Without the generated id.
            statement = statement.inline()
    if dialect.name == "postgresql":
        dialect = _with_dollar_parameters(dialect)
    compiled = statement.compile(dialect=dialect, **options)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - what statements compile to
    if compiled.post_compile_params or compiled.literal_execute_params:
        raise TypeError(f"cannot be compiled once: {compiled}")
    return compiled


def _with_dollar_parameters(dialect: Dialect) -> Dialect:
    """Return PostgreSQL's dialect with its own parameters ($1), which the driver sends as they are."""
    dialect_class: Any = type(dialect)
    compiling: Dialect = dialect_class(paramstyle="numeric_dollar")
    return compiling


def _parameter(compiled: SQLCompiler, name: str, dialect: Dialect) -> tuple[str | None, Convert, Any]:
    """Return the name of a parameter and the conversion of its values, or its constant value."""
    parameter = compiled.binds[name]
    type_: TypeEngine[Any] = parameter.type.dialect_impl(dialect)
    convert = type_.bind_processor(dialect)
    if parameter.required:
        return parameter.key, convert, None
    value = parameter.effective_value
    return None, None, value if convert is None else convert(value)


def _result_converter(type_: TypeEngine[Any], dialect: Dialect) -> Convert:
    if isinstance(type_, JSON) and dialect.name == "sqlite":
        # As the engine is set up, without the two calls of Python's that SQLAlchemy makes for each value.
        return orjson.loads
    # Of the types in use, only floating-point numbers depend on what the driver says about the column.
    return type_.dialect_impl(dialect).result_processor(dialect, FLOAT8 if isinstance(type_, Float) else None)
