"""What a database is asked."""

import re
import sqlite3

from sqlalchemy import ClauseElement, event
from sqlalchemy.dialects import sqlite

from modules.kernel.infrastructure.persistence.database import Database


class StatementRecorder:
    """Notes the statements that a database is sent."""

    def __init__(self, database: Database) -> None:
        self.statements: list[str] = []
        # The same engine twice, where reads and writes share one: counted once.
        self._engines = {engine.sync_engine for engine in database.engines}
        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", self._note)

    def stop(self) -> None:
        """Note no more."""
        for engine in self._engines:
            event.remove(engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_others: object) -> None:
        self.statements.append(statement)


def plan(connection: sqlite3.Connection, statement: ClauseElement) -> list[str]:
    """Return how SQLite goes about it: a line for each table it looks into, and for each sort."""
    compiled = statement.compile(dialect=sqlite.dialect())
    steps = connection.execute(f"EXPLAIN QUERY PLAN {compiled}", [None] * str(compiled).count("?"))
    return [line for *_, line in steps if re.match(r"SCAN|SEARCH|USE", line)]
