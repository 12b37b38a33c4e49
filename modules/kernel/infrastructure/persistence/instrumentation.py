"""Instrumentation of a database: statements and connections, for metrics and traces."""

import time
from typing import Any, Protocol

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from modules.kernel.infrastructure.persistence.database import Database

STARTED = "conduit.started"


class DatabaseObserver(Protocol):
    """Observes every statement and connection. It is called synchronously and must be fast."""

    def executed(self, statement: str, seconds: float) -> None:
        """Record a statement and its duration."""
        ...

    def connections_changed(self, pool: str, change: int) -> None:
        """Record that a connection of the pool, `write` or `read`, was checked out (1) or in (-1)."""
        ...


def instrument(database: Database, observer: DatabaseObserver) -> None:
    """Call the observer for every statement and connection from now on."""
    write, read = database.engines
    _observe("write", write, observer)
    if read is not write:
        _observe("read", read, observer)


def _observe(pool: str, engine: AsyncEngine, observer: DatabaseObserver) -> None:
    def started(
        _connection: object, _cursor: object, _text: str, _values: object, context: Any, _many: bool
    ) -> None:
        context.__dict__[STARTED] = time.perf_counter()

    def ended(
        _connection: object, _cursor: object, text: str, _values: object, context: Any, _many: bool
    ) -> None:
        observer.executed(text, time.perf_counter() - context.__dict__[STARTED])

    event.listen(engine.sync_engine, "before_cursor_execute", started)
    event.listen(engine.sync_engine, "after_cursor_execute", ended)
    event.listen(engine.sync_engine.pool, "checkout", lambda *_: observer.connections_changed(pool, 1))
    event.listen(engine.sync_engine.pool, "checkin", lambda *_: observer.connections_changed(pool, -1))
