"""Several worker processes on one outbox, one of them killed."""

import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from modules.kernel.infrastructure.messaging.messaging import Messaging
from modules.kernel.infrastructure.persistence.database import Database
from tests.kernel.outbox_worker import (
    TIMEOUT_SECONDS,
    StepRow,
    create_walk_messaging,
    publish,
    wait_for_steps,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WALKERS, STEPS = 8, 15


@contextmanager
def running_worker(database: Database, file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker process, and kill it at the end of the block."""
    url = database.engines[0].url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.kernel.outbox_worker", url, str(file)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


async def steps_by_walker(database: Database) -> dict[int, list[int]]:
    """Return the steps of each walker, in the order in which they were handled."""
    steps: defaultdict[int, list[int]] = defaultdict(list)
    async with database.snapshot() as session:
        for walker, number in await session.execute(
            select(StepRow.walker, StepRow.number).order_by(StepRow.id)
        ):
            steps[walker].append(number)
    return dict(steps)


def assert_steps_of_a_walker_never_overlap(file: Path) -> None:
    """Assert that a step begins after the previous step of its walker, or that step's process, ended."""
    started: dict[str, tuple[str, str]] = {}
    last_seen: dict[str, int] = {}
    lines = sorted((line.split() for line in file.read_text().splitlines()), key=lambda line: int(line[0]))
    for at, process, *_ in lines:
        last_seen[process] = int(at)
    for at, process, phase, walker, number, _ in lines:
        if phase == "ended":
            assert started.pop(walker) == (process, number)
            continue
        if walker in started:
            assert last_seen[started[walker][0]] < int(at), f"two are at step {number} of {walker}"
        started[walker] = (process, number)


async def test_events_are_handled_once_and_in_order_when_a_worker_is_killed(
    outbox_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "log"
    messaging: Messaging = create_walk_messaging(outbox_database, tmp_path / "unused")
    with running_worker(outbox_database, file) as first, running_worker(outbox_database, file) as second:
        for number in range(STEPS):
            await publish(outbox_database, messaging, ((walker, number) for walker in range(WALKERS)))
        await wait_for_steps(outbox_database, WALKERS * STEPS // 4)
        first.send_signal(signal.SIGKILL)
        await wait_for_steps(outbox_database, WALKERS * STEPS)
        second.send_signal(signal.SIGTERM)
        assert second.wait(TIMEOUT_SECONDS) == 0
    assert await steps_by_walker(outbox_database) == {walker: list(range(STEPS)) for walker in range(WALKERS)}
    assert (await messaging.outbox_admin.backlog()).pending == 0
    assert_steps_of_a_walker_never_overlap(file)
