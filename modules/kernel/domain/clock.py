"""The clock, as a dependency that tests replace."""

from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

RESOLUTION = timedelta(milliseconds=1)


@runtime_checkable
class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds."""
        ...


class SystemClock:
    """The clock of this machine, in whole milliseconds: the resolution of times on the wire."""

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds."""
        # conduit: allow pure-domain: the one place that reads the clock, behind the port above
        return truncate_to_ms(datetime.now(UTC))


def truncate_to_ms(moment: datetime) -> datetime:
    """Return the moment truncated to whole milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def to_iso(moment: datetime) -> str:
    """Return a moment in UTC in the wire format: ISO 8601 in milliseconds, with a Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def next_timestamp(previous: datetime, now: datetime) -> datetime:
    """Return `now`, or the first moment after `previous` if the clock has not advanced.

    Every update must change the timestamp: caches and clients distinguish versions by it.
    """
    return max(now, previous + RESOLUTION)
