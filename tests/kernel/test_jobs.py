"""Periodic jobs: one process at a time, resumed after a crash or a shutdown."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from modules.kernel.fakes import FakeClock
from modules.kernel.infrastructure.jobs import LEASE, OUTAGE_DELAY, PROCESS_LOST, Jobs
from modules.kernel.infrastructure.persistence.database import Database, DatabaseUnavailable

NAME, EVERY = "lamps/dust", timedelta(minutes=10)


class Dusting:
    """A job that dusts one lamp at each run, and has some left."""

    def __init__(self) -> None:
        self.runs = 0
        self.left = 0
        self.fails = False
        self.started, self.ending = asyncio.Event(), asyncio.Event()
        self.ending.set()

    async def run(self) -> bool:
        self.runs += 1
        self.started.set()
        await self.ending.wait()
        if self.fails:
            raise LookupError("no duster")
        self.left = max(0, self.left - 1)
        return self.left > 0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def dusting() -> Dusting:
    return Dusting()


@pytest.fixture
def jobs(kernel_database: Database, clock: FakeClock, dusting: Dusting) -> Jobs:
    return process(kernel_database, clock, dusting)


def process(database: Database, clock: FakeClock, dusting: Dusting) -> Jobs:
    """Return the jobs of a further process."""
    jobs = Jobs(database, clock)
    jobs.add(NAME, EVERY, dusting.run)
    return jobs


async def begin(jobs: Jobs, dusting: Dusting) -> asyncio.Task[float]:
    """Begin to run the job, which waits for `dusting.ending`."""
    dusting.ending.clear()
    running = asyncio.create_task(jobs.run_if_due(NAME))
    await dusting.started.wait()
    return running


async def test_job_runs_at_the_first_start_and_then_at_its_interval(
    jobs: Jobs, dusting: Dusting, clock: FakeClock
) -> None:
    assert await jobs.run_if_due(NAME) == EVERY.total_seconds()
    clock.at += EVERY - timedelta(seconds=1)
    assert await jobs.run_if_due(NAME) == 1.0
    assert dusting.runs == 1
    clock.at += timedelta(seconds=1)
    await jobs.run_if_due(NAME)
    assert dusting.runs == 2
    [state] = await jobs.states()
    assert (state.finished_at, state.next_run_at) == (clock.at, clock.at + EVERY)


async def test_job_with_more_to_do_is_due_at_once(jobs: Jobs, dusting: Dusting, clock: FakeClock) -> None:
    dusting.left = 3
    assert [await jobs.run_if_due(NAME) for _ in range(3)] == [0.0, 0.0, EVERY.total_seconds()]
    [state] = await jobs.states()
    assert (dusting.left, state.finished_at) == (0, clock.at)


async def test_job_runs_in_one_process_at_a_time(
    kernel_database: Database, jobs: Jobs, dusting: Dusting, clock: FakeClock
) -> None:
    running = await begin(jobs, dusting)
    other = process(kernel_database, clock, dusting)
    assert await other.run_if_due(NAME) == LEASE.total_seconds()
    [state] = await other.states()
    assert (dusting.runs, state.is_running) == (1, True)
    dusting.ending.set()
    await running


async def test_job_of_a_lost_process_is_taken_over_when_its_lease_has_expired(
    kernel_database: Database, jobs: Jobs, dusting: Dusting, clock: FakeClock
) -> None:
    lost = await begin(jobs, dusting)
    clock.at += LEASE
    other_dusting = Dusting()
    other = process(kernel_database, clock, other_dusting)
    assert await other.run_if_due(NAME) == EVERY.total_seconds()
    assert other_dusting.runs == 1
    # The lost process, which was only slow, does not change the schedule of the new one.
    clock.at += timedelta(minutes=1)
    dusting.ending.set()
    await lost
    [state] = await other.states()
    assert state.next_run_at == clock.at - timedelta(minutes=1) + EVERY


async def test_job_in_progress_at_shutdown_is_left_to_others(
    kernel_database: Database, jobs: Jobs, dusting: Dusting, clock: FakeClock
) -> None:
    dusting.ending.clear()
    running = asyncio.create_task(jobs.run())
    await dusting.started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    dusting.ending.set()
    await process(kernel_database, clock, dusting).run_if_due(NAME)
    assert dusting.runs == 2


async def test_job_that_ends_its_process_counts_as_failed(
    kernel_database: Database, jobs: Jobs, dusting: Dusting, clock: FakeClock
) -> None:
    lost = await begin(jobs, dusting)
    clock.at += LEASE
    dusting.started.clear()
    other = process(kernel_database, clock, dusting)
    next_run = asyncio.create_task(other.run_if_due(NAME))
    await dusting.started.wait()
    [state] = await other.states()
    assert (state.failures, state.last_error) == (1, PROCESS_LOST)
    dusting.ending.set()
    await asyncio.gather(lost, next_run)


async def test_job_runs_soon_after_the_database_was_not_available(
    jobs: Jobs, dusting: Dusting, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable() -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(dusting.ending, "wait", unavailable)
    assert await jobs.run_if_due(NAME) == OUTAGE_DELAY.total_seconds()
    [state] = await jobs.states()
    assert (state.failures, state.next_run_at) == (1, clock.at + OUTAGE_DELAY)


async def test_shutdown_ends_also_if_a_commit_ignores_the_cancellation(
    jobs: Jobs, dusting: Dusting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def commit() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    monkeypatch.setattr(dusting.ending, "wait", commit)
    dusting.left = 10
    running = asyncio.create_task(jobs.run())
    await dusting.started.wait()
    jobs.close()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert dusting.runs == 1


async def test_failure_is_stored_and_the_job_runs_again_at_its_interval(
    jobs: Jobs, dusting: Dusting, clock: FakeClock
) -> None:
    dusting.fails = True
    for _ in range(2):
        assert await jobs.run_if_due(NAME) == EVERY.total_seconds()
        clock.at += EVERY
    [state] = await jobs.states()
    assert (state.failures, state.finished_at) == (2, None)
    assert (state.last_error or "").endswith("LookupError: no duster\n")
    dusting.fails = False
    await jobs.run_if_due(NAME)
    [state] = await jobs.states()
    assert (state.failures, state.last_error, state.finished_at) == (0, None, clock.at)


async def test_job_can_be_made_due(jobs: Jobs, dusting: Dusting) -> None:
    assert await jobs.schedule(NAME) is False
    await jobs.run_if_due(NAME)
    assert await jobs.schedule(NAME) is True
    await jobs.run_if_due(NAME)
    assert dusting.runs == 2


async def test_second_job_of_a_name_is_refused(jobs: Jobs, dusting: Dusting) -> None:
    with pytest.raises(ValueError, match=f"there are two jobs {NAME}"):
        jobs.add(NAME, EVERY, dusting.run)
