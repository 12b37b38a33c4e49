"""Signals between the processes on one database: hints, by topic, that there may be new rows."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError

from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.persistence.database import Database

RETRY_SECONDS = 1.0

log = structlog.get_logger("conduit.signals")


class Listener:
    """Waits for the signals of one topic; one that arrives between two waits is not lost."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End the current or the next wait."""
        self._woken.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for a signal for at most so many seconds; return whether there was one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        woken = self._woken.is_set()
        self._woken.clear()
        return woken


class Signals:
    """Wakes the listeners of a topic, in every process, after the commit.

    A signal may arrive without new rows, and signals are lost while the database is unavailable: a
    listener queries the rows itself, and also polls at intervals.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._listened_to = asyncio.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the process is shutting down; listeners then stop."""
        return self._closed

    async def send(self, topic: str) -> None:
        """Wake the topic's listeners when the open transaction is committed.

        Raises `RuntimeError` when no transaction is open.
        """
        self._database.after_commit(lambda: self._wake(topic))
        await self._database.notify(topic)

    @contextmanager
    def listening(self, topic: str) -> Iterator[Listener]:
        """Open a listener to one topic, which is also woken at shutdown."""
        listener = Listener()
        self._listeners[topic].add(listener)
        self._listened_to.set()
        try:
            yield listener
        finally:
            self._listeners[topic].discard(listener)

    async def relay(self) -> None:
        """Wake listeners on signals of other processes, from the first listener on until cancelled."""
        await self._listened_to.wait()
        while True:
            try:
                async for topic in self._database.notifications():
                    self._wake(topic)
            except (Unavailable, SQLAlchemyError, OSError) as error:
                log.warning("cannot listen for notifications", cause=repr(error))
            else:
                return
            await asyncio.sleep(RETRY_SECONDS)

    def close(self) -> None:
        """Wake all listeners for shutdown."""
        self._closed = True
        self._wake(None)

    def _wake(self, topic: str | None) -> None:
        topics = list(self._listeners) if topic is None else [topic]
        for name in topics:
            for listener in self._listeners.get(name, ()):
                listener.wake()
