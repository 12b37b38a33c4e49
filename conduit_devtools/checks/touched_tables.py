"""Observes which tables a connection to SQLite reads and changes, whatever the SQL was made of."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

READS = frozenset({sqlite3.SQLITE_READ, sqlite3.SQLITE_PRAGMA})
# The second argument of these is a column. https://sqlite.org/c3ref/c_alter_table.html
WITH_COLUMN = frozenset({sqlite3.SQLITE_READ, sqlite3.SQLITE_UPDATE})
CREATES = frozenset(
    {
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_TRIGGER,
    }
)


@dataclass(frozen=True, slots=True)
class Touch:
    """An access to a table: the line of the file that caused it, and the view or trigger that made it."""

    line: int
    changes: bool
    inside: str | None


class TouchedTables:
    """An authorizer of SQLite that allows everything, and records which tables a file's statements touch.

    https://sqlite.org/c3ref/set_authorizer.html: SQLite calls it for each table that a statement names, also
    if there are no rows, and for the views and triggers that the statement uses.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.touches: dict[str, Touch] = {}
        """The tables in lower case, each with its first access, or else its first change."""

        self.read: set[str] = set()
        """The tables that a statement reads, in lower case."""

        self.created: dict[str, int] = {}
        """The tables, views and triggers in lower case, each with the line that created it."""

        self._file: str | None = None
        self._line: int | None = None
        connection.set_authorizer(self._authorize)

    @contextmanager
    def recording(self, file: str, line: int | None = None) -> Iterator[None]:
        """Record the accesses in this block: at this line, or at that of the file that is executed."""
        self._file, self._line = file, line
        try:
            yield
        finally:
            self._file = None

    def _authorize(
        self, action: int, first: str | None, second: str | None, database: str | None, inside: str | None
    ) -> int:
        if self._file is not None and database != "temp":
            line = self._line or _line_in(self._file, sys._getframe())
            changes = action not in READS
            for name in (first, None if action in WITH_COLUMN else second):
                if name is not None:
                    self._touch(name.lower(), Touch(line, changes, inside))
            if action == sqlite3.SQLITE_READ and first is not None:
                self.read.add(first.lower())
            if action in CREATES and first is not None:
                self.created[first.lower()] = line
        return sqlite3.SQLITE_OK

    def _touch(self, table: str, touch: Touch) -> None:
        known = self.touches.get(table)
        if known is None or touch.changes > known.changes:
            self.touches[table] = touch


def _line_in(file: str, frame: FrameType | None) -> int:
    """Return the line of the file that is being executed, or 1."""
    while frame is not None:
        if frame.f_code.co_filename == file:
            return frame.f_lineno
        frame = frame.f_back
    return 1
