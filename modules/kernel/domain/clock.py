"""The time, as a dependency, so that a test can choose it."""

from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

RESOLUTION = timedelta(milliseconds=1)


@runtime_checkable
class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds."""
        ...


class SystemClock:
    """The clock of this machine, in whole milliseconds: what is stored is what is shown."""

    def now(self) -> datetime:
        """Return the time in UTC, in whole milliseconds."""
        return truncate_to_ms(datetime.now(UTC))


def truncate_to_ms(moment: datetime) -> datetime:
    """Return the moment without what is finer than a millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def to_iso(moment: datetime) -> str:
    """Return a moment in UTC as it is on the wire: ISO 8601, in milliseconds, with a Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def next_timestamp(than: datetime, now: datetime) -> datetime:
    """Return the time now, or the first moment after `than` when the clock has not moved on.

    A change must always move its time stamp: caches and readers tell versions apart by it.
    """
    return max(now, than + RESOLUTION)
