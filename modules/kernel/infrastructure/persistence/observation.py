"""The observation of statements, for metrics and tests."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

STARTED = "conduit.started"


class StatementObserver(Protocol):
    """Observes every statement. It is called synchronously and must be fast."""

    def executed(self, statement: str, seconds: float) -> None:
        """Record a statement and its duration."""
        ...


def observe_session_statements(engine: AsyncEngine, observers: Sequence[StatementObserver]) -> None:
    """Call the observers for the statements that SQLAlchemy executes on this engine."""

    def started(
        _connection: object, _cursor: object, _text: str, _values: object, context: Any, _many: bool
    ) -> None:
        context.__dict__[STARTED] = time.perf_counter()

    def ended(
        _connection: object, _cursor: object, text: str, _values: object, context: Any, _many: bool
    ) -> None:
        for observer in observers:
            observer.executed(text, time.perf_counter() - context.__dict__[STARTED])

    event.listen(engine.sync_engine, "before_cursor_execute", started)
    event.listen(engine.sync_engine, "after_cursor_execute", ended)
