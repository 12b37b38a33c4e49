"""Several processes on one outbox, one of them killed at work: nothing is lost, doubled or out of order."""

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
from tests.kernel.outbox_worker import TIMEOUT_SECONDS, StepRow, noted, posted, publish

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WALKERS, STEPS = 8, 15


@contextmanager
def delivering(database: Database, file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that delivers, and see to it that it ends."""
    url = database.engines[0].url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.kernel.outbox_worker", url, str(file)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


async def walked(database: Database) -> dict[int, list[int]]:
    """Return the steps of each walker, in the order in which they were noted."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    async with database.snapshot() as session:
        for walker, number in await session.execute(
            select(StepRow.walker, StepRow.number).order_by(StepRow.id)
        ):
            found[walker].append(number)
    return dict(found)


def assert_never_two_at_once(file: Path) -> None:
    """Check that what is about one walker was begun when all before it was ended, or its process was."""
    at_it: dict[str, tuple[str, str]] = {}
    last_seen: dict[str, int] = {}
    lines = sorted((line.split() for line in file.read_text().splitlines()), key=lambda line: int(line[0]))
    for at, process, *_ in lines:
        last_seen[process] = int(at)
    for at, process, what, walker, number, _ in lines:
        if what == "ended":
            assert at_it.pop(walker) == (process, number)
            continue
        if walker in at_it:
            assert last_seen[at_it[walker][0]] < int(at), f"two are at step {number} of {walker}"
        at_it[walker] = (process, number)


async def test_a_process_is_killed_at_work_and_every_step_is_noted_once_and_in_order(
    outbox: Database, tmp_path: Path
) -> None:
    file = tmp_path / "log"
    post: Messaging = posted(outbox, tmp_path / "unused")
    with delivering(outbox, file) as first, delivering(outbox, file) as second:
        for number in range(STEPS):
            await publish(outbox, post, ((walker, number) for walker in range(WALKERS)))
        await noted(outbox, WALKERS * STEPS // 4)
        first.send_signal(signal.SIGKILL)
        await noted(outbox, WALKERS * STEPS)
        second.send_signal(signal.SIGTERM)
        assert second.wait(TIMEOUT_SECONDS) == 0
    assert await walked(outbox) == {walker: list(range(STEPS)) for walker in range(WALKERS)}
    assert (await post.outbox_admin.backlog()).waiting == 0
    assert_never_two_at_once(file)
