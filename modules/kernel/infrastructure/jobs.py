"""Periodic jobs of modules: each is run by one process at a time, of all machines."""

import asyncio
import secrets
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, bindparam, case, or_, select, update

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.job_table import JobRow
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import Columns, upsert
from modules.kernel.infrastructure.persistence.statements import prepare

# The longest wait of a process until it looks at the schedule again.
POLL_SECONDS = 60.0
# Of each run: one that exceeds it has failed. Below the lease, after which another process may run the job.
TIME_LIMIT = timedelta(minutes=4)
LEASE = timedelta(minutes=5)
RETRY_SECONDS = 1.0
OUTAGE_DELAY = timedelta(minutes=1)
"""When a job that failed because the database was not available runs again, if its interval is longer."""

PROCESS_LOST = "the process stopped, or exceeded its lease, while it ran this job"
MAX_ERROR_LENGTH = 10_000

jobs: Any = JobRow.__table__

DUE_AT = prepare(select(jobs.c.due_at).where(jobs.c.name == bindparam("job")))
STATES = prepare(
    select(
        jobs.c.name,
        jobs.c.due_at,
        jobs.c.claimed_by,
        jobs.c.started_at,
        jobs.c.finished_at,
        jobs.c.failures,
        jobs.c.last_error,
    ).order_by(jobs.c.name)
)
_CLAIMED = (jobs.c.name == bindparam("job"), jobs.c.claimed_by == bindparam("worker"))
FINISH = prepare(
    update(jobs)
    .where(*_CLAIMED)
    .values(
        due_at=bindparam("next"), claimed_by=None, finished_at=bindparam("now"), failures=0, last_error=None
    )
)
RELEASE = prepare(update(jobs).where(*_CLAIMED).values(due_at=bindparam("now"), claimed_by=None))
FAIL = prepare(
    update(jobs)
    .where(*_CLAIMED)
    .values(
        due_at=bindparam("next"),
        claimed_by=None,
        failures=jobs.c.failures + 1,
        last_error=bindparam("error"),
    )
)
SCHEDULE = prepare(
    update(jobs)
    .where(
        jobs.c.name == bindparam("job"),
        or_(jobs.c.claimed_by.is_(None), jobs.c.due_at <= bindparam("now")),
    )
    .values(due_at=bindparam("now"))
    .returning(jobs.c.name)
)

log = structlog.get_logger("conduit.jobs")


@dataclass(frozen=True, slots=True)
class JobState:
    """The schedule and the last result of a job."""

    name: str
    every: timedelta
    next_run_at: datetime | None
    """None before the first run."""

    is_running: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failures: int = 0
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    every: timedelta
    run: Callable[[], Awaitable[bool]]


class Jobs:
    """The jobs of this process's modules."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._jobs: dict[str, _Job] = {}
        self._closed = False
        # Distinguishes this process's claims from those of others.
        self._worker_id = secrets.token_hex(8)

    def add(self, name: str, every: timedelta, run: Callable[[], Awaitable[bool]]) -> None:
        """Add a job. `run` does a part of the work and returns whether more is left.

        Raises `ValueError` for a second job of this name.
        """
        if name in self._jobs:
            raise ValueError(f"there are two jobs {name}")
        self._jobs[name] = _Job(every, run)

    @property
    def names(self) -> Sequence[str]:
        """The names of the jobs, as `module/job`."""
        return list(self._jobs)

    async def run(self) -> None:
        """Run each job when it is due, until `close` and a cancellation.

        A part in progress is then left to a later run, or finished, if it commits at that moment.
        """
        async with asyncio.TaskGroup() as tasks:
            for name in self._jobs:
                tasks.create_task(self._run_repeatedly(name))

    def close(self) -> None:
        """Let no job begin any more: a commit in progress ignores a cancellation."""
        self._closed = True

    async def _run_repeatedly(self, name: str) -> None:
        while not self._closed:
            if self._database.is_read_only:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                seconds = min(await self.run_if_due(name), POLL_SECONDS)
            except Unavailable as error:
                log.warning(
                    "job delayed: database unavailable", job=name, cause=repr(error.__cause__ or error)
                )
                seconds = RETRY_SECONDS
            except Exception:
                # A bug. Stopping here would end all jobs of this process.
                log.exception("job schedule failed", job=name)
                seconds = POLL_SECONDS
            if not self._closed:
                await asyncio.sleep(seconds)

    async def run_if_due(self, name: str) -> float:
        """Run the job if it is due and no other process runs it; return how many seconds later it is due.

        Raises what the database raises; an error of the job is stored and logged.
        """
        # Read before claiming, which writes.
        due_at = await self._database.fetch_value(DUE_AT, {"job": name})
        if (due_at is None or due_at <= self._clock.now()) and await self._claim(name):
            await self._run_claimed(name, self._jobs[name])
            due_at = await self._database.fetch_value(DUE_AT, {"job": name})
        return 0.0 if due_at is None else max(0.0, (due_at - self._clock.now()).total_seconds())

    async def _claim(self, name: str) -> bool:
        now = self._clock.now()
        row = {
            "name": name,
            "due_at": now + LEASE,
            "claimed_by": self._worker_id,
            "started_at": now,
            "failures": 0,
            "now": now,
        }
        claim = upsert(self._database.dialect, JobRow, _claimed, where=_is_due, returning="name")
        return await self._database.fetch_one(claim, row) is not None

    async def _run_claimed(self, name: str, job: _Job) -> None:
        key = {"job": name, "worker": self._worker_id}
        try:
            async with asyncio.timeout(TIME_LIMIT.total_seconds()):
                has_more = await job.run()
        except Exception as error:
            # First, because the database may be what failed.
            log.exception("job failed", job=name)
            delay = min(job.every, OUTAGE_DELAY) if isinstance(error, Unavailable) else job.every
            text = "".join(traceback.format_exception(error))[-MAX_ERROR_LENGTH:].replace("\0", "")
            parameters = {"next": self._clock.now() + delay, "error": text}
            await self._database.execute(FAIL, key | parameters)
        except BaseException:
            # Otherwise others run it when the lease has expired.
            with suppress(Unavailable):
                await self._database.execute(RELEASE, key | {"now": self._clock.now()})
            raise
        else:
            now = self._clock.now()
            if has_more:
                await self._database.execute(RELEASE, key | {"now": now})
            else:
                await self._database.execute(FINISH, key | {"now": now, "next": now + job.every})

    async def states(self) -> Sequence[JobState]:
        """Return the state of each job of this process's modules."""
        rows: Mapping[str, Any] = {row.name: row for row in await self._database.fetch_all(STATES)}
        return [self._state(name, job, rows.get(name)) for name, job in self._jobs.items()]

    def _state(self, name: str, job: _Job, row: Any) -> JobState:
        if row is None:
            return JobState(name, job.every, None)
        return JobState(
            name,
            job.every,
            row.due_at,
            row.claimed_by is not None and row.due_at > self._clock.now(),
            row.started_at,
            row.finished_at,
            row.failures,
            row.last_error,
        )

    async def schedule(self, name: str) -> bool:
        """Make a job due now; return whether it had run before and is not running."""
        scheduled = await self._database.fetch_one(SCHEDULE, {"job": name, "now": self._clock.now()})
        return scheduled is not None


def _claimed(stored: Columns, new: Columns) -> Mapping[str, object]:
    # Of a process that was lost: it could neither finish nor release the job.
    was_claimed = stored.claimed_by.is_not(None)
    return {
        "due_at": new.due_at,
        "claimed_by": new.claimed_by,
        "started_at": new.started_at,
        "failures": stored.failures + case((was_claimed, 1), else_=0),
        "last_error": case((was_claimed, PROCESS_LOST), else_=stored.last_error),
    }


def _is_due(stored: Columns) -> ColumnElement[bool]:
    due: ColumnElement[bool] = stored.due_at <= bindparam("now")
    return due
