"""Hints between the processes on one database: there may be something new, and no more than that."""

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
    """Waits for the signals of one topic; one that comes while nobody waits is not lost."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End the wait that is on, or the next one."""
        self._woken.set()

    async def wait(self, seconds: float) -> bool:
        """Return whether it was woken, at once, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        woken = self._woken.is_set()
        self._woken.clear()
        return woken


class Signals:
    """Wakes whoever listens to a topic, in every process, once what there is to see is committed.

    A signal may come when there is nothing new, and one that came while the database was away is
    lost: whoever listens looks for itself, and also when it has not been woken for a while.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._listened_to = asyncio.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the process is about to end: whoever listens ends too."""
        return self._closed

    async def send(self, topic: str) -> None:
        """Wake those who listen, once the open transaction is committed; never, if it is undone.

        Raises `RuntimeError` when no transaction is open.
        """
        self._database.after_commit(lambda: self._wake(topic))
        await self._database.notify(topic)

    @contextmanager
    def listening(self, topic: str) -> Iterator[Listener]:
        """Open a listener to one topic, which is also woken when the process is about to end."""
        listener = Listener()
        self._listeners[topic].add(listener)
        self._listened_to.set()
        try:
            yield listener
        finally:
            self._listeners[topic].discard(listener)

    async def relay(self) -> None:
        """Pass on what other processes send, from when somebody listens until this is cancelled."""
        await self._listened_to.wait()
        while True:
            try:
                async for topic in self._database.notifications():
                    self._wake(topic)
            except (Unavailable, SQLAlchemyError, OSError) as error:
                log.warning("other processes cannot be heard", cause=repr(error))
            else:
                return
            await asyncio.sleep(RETRY_SECONDS)
            # What was sent meanwhile was not heard.
            self._wake(None)

    def close(self) -> None:
        """Let everybody who listens know that the process is about to end."""
        self._closed = True
        self._wake(None)

    def _wake(self, topic: str | None) -> None:
        topics = list(self._listeners) if topic is None else [topic]
        for name in topics:
            for listener in self._listeners.get(name, ()):
                listener.wake()
