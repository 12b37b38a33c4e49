"""What a database is asked."""

from sqlalchemy import event

from modules.kernel.infrastructure.database import Database


class Statements:
    """Notes the statements that a database is sent."""

    def __init__(self, database: Database) -> None:
        self.sent: list[str] = []
        # The same engine twice, where reads and writes share one: counted once.
        self._engines = {engine.sync_engine for engine in database.engines}
        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", self._note)

    def stop(self) -> None:
        """Note no more."""
        for engine in self._engines:
            event.remove(engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_others: object) -> None:
        self.sent.append(statement)
