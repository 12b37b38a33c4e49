"""An outbox worker process: `python -m tests.kernel.outbox_worker URL FILE`, until it gets a SIGTERM.

It inserts each event into the table of steps, and logs the begin and end of each handler call to the
file, which no rollback affects.
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
# A short lease, so that the deliveries of a killed worker are soon reclaimed.
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


class StepHandler:
    """The subscriber to steps."""

    def __init__(self, database: Database, file: Path) -> None:
        self._database = database
        # O_APPEND: lines of several processes do not interleave.
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def handle(self, step: StepTaken) -> None:
        self._log("began", step)
        try:
            async with self._database.transaction() as session:
                session.add(StepRow(walker=step.walker, number=step.number))
                await session.flush()
        finally:
            # Also at the handler's time limit, which a busy machine exceeds: another attempt follows.
            self._log("ended", step)

    def _log(self, phase: str, step: StepTaken) -> None:
        now = time.monotonic_ns()
        line = f"{now} {os.getpid()} {phase} {step.walker} {step.number} {(now - step.at) / 1e6}\n"
        os.write(self._file, line.encode())


def create_walk_messaging(database: Database, file: Path) -> Messaging:
    """Return messaging with a handler of steps."""
    handler = StepHandler(database, file)
    messaging = create_messaging(database, SystemClock(), POLICY)
    messaging.subscribe("walk", StepTaken, lambda: handler.handle, DeliveryMode.AFTER_COMMIT)
    return messaging


async def publish(database: Database, messaging: Messaging, steps: Iterable[tuple[int, int]]) -> None:
    """Publish steps in one transaction."""
    async with database.transaction():
        for walker, number in steps:
            await messaging.events.publish(StepTaken(walker, number, time.monotonic_ns()))


async def count_steps(database: Database) -> int:
    """Return the number of handled steps."""
    async with database.snapshot() as session:
        return await session.scalar(select(func.count()).select_from(StepRow)) or 0


async def wait_for_steps(database: Database, number: int) -> None:
    """Wait until so many steps are handled."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while await count_steps(database) < number:  # noqa: ASYNC110 - another process handles them
            await asyncio.sleep(0.02)


async def run_worker(url: str, file: Path) -> None:
    """Run the dispatcher until SIGTERM."""
    database = Database(url)
    messaging = create_walk_messaging(database, file)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, messaging.signals.close)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    relay = asyncio.create_task(messaging.signals.relay())
    await messaging.dispatcher.run()
    relay.cancel()
    with suppress(asyncio.CancelledError):
        await relay
    await database.dispose()


if __name__ == "__main__":
    asyncio.run(run_worker(sys.argv[1], Path(sys.argv[2])))
