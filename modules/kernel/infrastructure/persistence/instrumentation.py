"""Instrumentation of a database: statements and connections, for metrics."""

import time
from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import QueuePool, event
from sqlalchemy.ext.asyncio import AsyncEngine

from modules.kernel.infrastructure.persistence.database import Database

STARTED = "conduit.started"


class DatabaseObserver(Protocol):
    """Observes every statement. It is called synchronously and must be fast."""

    def executed(self, statement: str, seconds: float) -> None:
        """Record a statement and its duration."""
        ...


def instrument(database: Database, observer: DatabaseObserver) -> None:
    """Call the observer for every statement from now on."""
    for engine in dict.fromkeys(database.engines):
        _observe(engine, observer)


def connections_in_use(database: Database) -> Mapping[str, int]:
    """Return the number of connections that are checked out of each pool, `write` and `read`.

    Read from the pools, because their events are not paired: a connection that cannot be opened is checked
    in without having been checked out. A database in memory has no pools.
    """
    pools = {name: engine.pool for name, engine in zip(("write", "read"), database.engines, strict=True)}
    return {name: pool.checkedout() for name, pool in pools.items() if isinstance(pool, QueuePool)}


def _observe(engine: AsyncEngine, observer: DatabaseObserver) -> None:
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
