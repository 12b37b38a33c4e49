"""Recording SQL statements, and SQLite's query plans."""

import re
import sqlite3

from sqlalchemy.dialects import sqlite

from modules.kernel import fakes
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.statements import PreparedStatement


class StatementRecorder(fakes.StatementRecorder):
    """Records the statements that are sent to a database."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        database.observers.append(self)

    def stop(self) -> None:
        """Stop recording."""
        self._database.observers.remove(self)


def plan(connection: sqlite3.Connection, statement: PreparedStatement) -> list[str]:
    """Return SQLite's query plan: a line for each table that it reads, and for each sort."""
    compiled = statement.statement.compile(dialect=sqlite.dialect())
    steps = connection.execute(f"EXPLAIN QUERY PLAN {compiled}", [None] * str(compiled).count("?"))
    return [line for *_, line in steps if re.match(r"SCAN|SEARCH|USE", line)]
