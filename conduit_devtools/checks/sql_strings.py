"""Strings that may be SQL, in contrast to messages and keys that name a table."""

import ast
import re

from conduit_devtools.checks.source import SourceFile, last_name

STATEMENT = re.compile(
    r"""[\s(]* (?:--[^\n]*\n[\s(]*)*
    (?: select\b .* \bfrom\b | insert\s .* \binto\b | replace\s+into\b | update\s .* \bset\b
      | delete\s+from\b | with\s .* \bas\b | (?:create|alter|drop|lock|truncate|comment\s+on)\s .* \b(?:table|
        index|view|trigger)\b | truncate\s | copy\s | merge\s+into\b | table\s | values\b
      | (?:explain|analyze|vacuum|reindex|pragma)\b )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
# A part of a statement, in capitals: lower-case prose has the same words.
CLAUSE = r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|USING|REFERENCES|ON|EXISTS|ONLY)[\s(\"`\[]+(?:\w+\.)?"
# The name alone, with or without quotes, a schema or an alias.
NAME = r"[\s(\"`\[]*(?:\w+[\"`\]]*\.[\"`\[]*)?{table}[\s)\"`\]]*(?:(?:as\s+)?\w+\s*)?[,.]?"
# Functions whose strings are SQL, or names in it.
SQL_FUNCTIONS = frozenset(
    {
        *("DDL", "Table", "column", "exec_driver_sql", "execute", "executemany", "executescript"),
        *("literal_column", "prepare", "scalar", "scalars", "select_from", "table", "text"),
    }
)
LOGGERS = frozenset({"log", "logger", "logging"})


class SqlStrings:
    """Tells the strings of a file that may be SQL from those that only mention a table."""

    def __init__(self, file: SourceFile) -> None:
        self._in_revision = file.path.parent.name == "migrations"
        self._passed: set[int] = set()
        self._logged: set[int] = set()
        for function, call in file.calls:
            values = [*call.args, *(keyword.value for keyword in call.keywords)]
            if function in SQL_FUNCTIONS:
                self._passed |= set(map(id, values))
            elif isinstance(call.func, ast.Attribute):
                receiver = last_name(call.func.value).strip("_").lower()
                self._logged |= set(map(id, values)) if receiver in LOGGERS else set()
        keys = [key for node in file.nodes(ast.Dict) for key in node.keys]
        self._keys = {id(key) for key in (*keys, *(node.slice for node in file.nodes(ast.Subscript)))}

    def may_be_sql(self, text: str, node: ast.expr, table: str) -> bool:
        """Return whether a string that names the table may be SQL or become a part of it."""
        if self._in_revision or id(node) in self._passed:
            return True
        if id(node) in self._logged:
            return False
        if STATEMENT.match(text) or re.search(f"{CLAUSE}(?i:{table})", text):
            return True
        is_name = re.fullmatch(NAME.format(table=table), text, re.IGNORECASE) is not None
        return is_name and id(node) not in self._keys
