"""Rows that make a revision run the statements that it runs for existing rows only."""

import sqlite3

COLUMNS = "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden = 0"
TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB ? AND sql NOT LIKE 'CREATE VIRTUAL%'"
)
# By the name of a column's type; the first that matches.
VALUES = {
    "INT": 1,
    "BOOL": 1,
    "DATE": "2026-01-31 12:00:00.000000",
    "JSON": "[]",
    "DOUBLE": 1.0,
    "FLOAT": 1.0,
}


def insert_marker_rows(connection: sqlite3.Connection, module: str) -> None:
    """Insert a row into each table of the module, unless a constraint refuses it."""
    for (table,) in list(connection.execute(TABLES, [f"{module}_*"])):
        columns = dict(connection.execute(COLUMNS, [table]))
        names = ", ".join(f'"{name}"' for name in columns)
        values = list(map(_value, columns.values()))
        marks = ", ".join("?" * len(values))
        connection.execute(f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({marks})', values)  # noqa: S608


def _value(type_name: str) -> object:
    return next((value for name, value in VALUES.items() if name in type_name.upper()), "1")
