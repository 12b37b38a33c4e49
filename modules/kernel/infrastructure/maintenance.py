"""Maintenance: the site is read-only, in all processes."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, select

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.maintenance_table import MaintenanceRow
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import Columns, upsert
from modules.kernel.infrastructure.persistence.statements import prepare

POLL_SECONDS = 1.0
"""How late a process notices at most that it has begun or ended, if the database responds."""

log = structlog.get_logger("conduit.maintenance")

maintenance: Any = MaintenanceRow.__table__
STATE = prepare(select(maintenance.c.since, maintenance.c.retry_after))
END = prepare(delete(maintenance))


@dataclass(frozen=True, slots=True)
class MaintenanceState:
    """Since when the site is read-only, and after how long clients should retry."""

    since: datetime
    retry_after: timedelta


class Maintenance:
    """Begins and ends the maintenance of a site.

    In a process that watches it, transactions that would write raise `ReadOnly` meanwhile. Commands do not
    watch it: maintenance is for migrations and repairs.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        # It must not wait for requests.
        self._reading = database.for_probes()
        self._clock = clock

    async def begin(self, retry_after: timedelta) -> None:
        """Make the site read-only. Responses have that time in Retry-After."""
        row = {"id": 1, "since": self._clock.now(), "retry_after": int(retry_after.total_seconds())}
        statement = upsert(self._database.dialect, MaintenanceRow, _changed)
        await self._database.execute(statement, row)

    async def end(self) -> None:
        """Let the site be written again, by this process at once."""
        self._database.refuse_writes(None)
        await self._database.execute(END)

    async def state(self) -> MaintenanceState | None:
        """Return the state, None if there is no maintenance."""
        row = await self._reading.fetch_one(STATE)
        return None if row is None else MaintenanceState(row.since, timedelta(seconds=row.retry_after))

    async def refresh(self) -> None:
        """Let this process refuse writes, or not, as the database says."""
        state, was_read_only = await self.state(), self._database.is_read_only
        self._database.refuse_writes(None if state is None else int(state.retry_after.total_seconds()))
        if self._database.is_read_only != was_read_only:
            log.warning("maintenance ended" if state is None else "maintenance begun")

    async def watch(self) -> None:
        """Refresh every second, until cancelled. While the database does not respond, nothing changes."""
        while True:
            try:
                await self.refresh()
            except Unavailable as error:
                log.debug("maintenance not read", cause=repr(error.__cause__ or error))
            except Exception:
                # A bug. Stopping here would leave this process as it is.
                log.exception("maintenance not read")
            await asyncio.sleep(POLL_SECONDS)


def _changed(_stored: Columns, new: Columns) -> dict[str, Any]:
    return {"retry_after": new.retry_after}
