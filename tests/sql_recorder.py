"""Recording SQL statements, and SQLite's query plans."""

import re
import sqlite3

from sqlalchemy import ClauseElement, event
from sqlalchemy.dialects import sqlite

from modules.kernel.infrastructure.persistence.database import Database


class StatementRecorder:
    """Records the statements that are sent to a database."""

    def __init__(self, database: Database) -> None:
        self.statements: list[str] = []
        # A set, because reads and writes may share one engine.
        self._engines = {engine.sync_engine for engine in database.engines}
        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", self._record)

    def stop(self) -> None:
        """Stop recording."""
        for engine in self._engines:
            event.remove(engine, "before_cursor_execute", self._record)

    def _record(self, _connection: object, _cursor: object, statement: str, *_others: object) -> None:
        self.statements.append(statement)


def plan(connection: sqlite3.Connection, statement: ClauseElement) -> list[str]:
    """Return SQLite's query plan: a line for each table that it reads, and for each sort."""
    compiled = statement.compile(dialect=sqlite.dialect())
    steps = connection.execute(f"EXPLAIN QUERY PLAN {compiled}", [None] * str(compiled).count("?"))
    return [line for *_, line in steps if re.match(r"SCAN|SEARCH|USE", line)]
