"""The system clock and timestamps in whole milliseconds."""

from datetime import UTC, datetime, timedelta

import pytest

from modules.kernel.domain.clock import SystemClock, next_timestamp, truncate_to_ms
from modules.kernel.fakes import NOON

MILLISECOND = timedelta(milliseconds=1)


def test_system_clock_returns_utc_in_whole_milliseconds() -> None:
    before = truncate_to_ms(datetime.now(UTC))
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


def test_truncate_to_ms_truncates_microseconds() -> None:
    assert truncate_to_ms(NOON.replace(microsecond=123_999)) == NOON.replace(microsecond=123_000)


def test_next_timestamp_is_now_when_clock_advanced() -> None:
    assert next_timestamp(NOON, NOON + timedelta(hours=1)) == NOON + timedelta(hours=1)


@pytest.mark.parametrize("elapsed", [timedelta(0), timedelta(hours=-1)], ids=["same time", "set back"])
def test_next_timestamp_is_a_millisecond_later_when_clock_did_not_advance(elapsed: timedelta) -> None:
    assert next_timestamp(NOON, NOON + elapsed) == NOON + MILLISECOND
