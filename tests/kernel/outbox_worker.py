"""A process that delivers: `python -m tests.kernel.outbox_worker URL FILE`, until it gets a SIGTERM.

What it is told it writes to the table of steps. When it began and ended with each, it writes to the
file, which no transaction undoes.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.domain.clock import SystemClock
from modules.kernel.domain.events import DeliveryMode, Event
from modules.kernel.infrastructure.messaging.messaging import Messaging, create_messaging
from modules.kernel.infrastructure.messaging.outbox import DeliveryPolicy
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.schema import module_metadata

TIMEOUT_SECONDS = 60
# A process that was killed is missed soon.
POLICY = DeliveryPolicy(lease=timedelta(seconds=1), handler_timeout=timedelta(milliseconds=400))


@dataclass(frozen=True, slots=True)
class StepTaken(Event):
    walker: int
    number: int
    at: int = 0
    """When it was published, in nanoseconds of the machine's monotonic clock."""


class Base(DeclarativeBase):
    metadata = module_metadata()


class StepRow(Base):
    __tablename__ = "steps_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    walker: Mapped[int]
    number: Mapped[int]


class Walk:
    """The subscriber."""

    def __init__(self, database: Database, file: Path) -> None:
        self._database = database
        # Every line whole, whoever else writes to it.
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def note(self, step: StepTaken) -> None:
        self._say("began", step)
        async with self._database.transaction() as session:
            session.add(StepRow(walker=step.walker, number=step.number))
            await session.flush()
        self._say("ended", step)

    def _say(self, what: str, step: StepTaken) -> None:
        now = time.monotonic_ns()
        line = f"{now} {os.getpid()} {what} {step.walker} {step.number} {(now - step.at) / 1e6}\n"
        os.write(self._file, line.encode())


def posted(database: Database, file: Path) -> Messaging:
    """Return what carries steps to the walk."""
    walk = Walk(database, file)
    post = create_messaging(database, SystemClock(), POLICY)
    post.subscribe("walk", StepTaken, lambda: walk.note, DeliveryMode.AFTER_COMMIT)
    return post


async def publish(database: Database, post: Messaging, steps: Iterable[tuple[int, int]]) -> None:
    """Publish steps in one transaction."""
    async with database.transaction():
        for walker, number in steps:
            await post.events.publish(StepTaken(walker, number, time.monotonic_ns()))


async def steps(database: Database) -> int:
    """Return how many steps were noted."""
    async with database.snapshot() as session:
        return await session.scalar(select(func.count()).select_from(StepRow)) or 0


async def noted(database: Database, number: int) -> None:
    """Wait until so many steps were noted."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while await steps(database) < number:  # noqa: ASYNC110 - another process notes them
            await asyncio.sleep(0.02)


async def deliver(url: str, file: Path) -> None:
    """Deliver until told to end."""
    database = Database(url)
    post = posted(database, file)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, post.signals.close)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    relay = asyncio.create_task(post.signals.relay())
    await post.dispatcher.run()
    relay.cancel()
    with suppress(asyncio.CancelledError):
        await relay
    await database.dispose()


if __name__ == "__main__":
    asyncio.run(deliver(sys.argv[1], Path(sys.argv[2])))
