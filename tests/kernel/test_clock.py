"""The time, in whole milliseconds."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from modules.kernel.domain.clock import SystemClock, next_timestamp, truncate_to_ms
from modules.kernel.fakes import NOON

MILLISECOND = timedelta(milliseconds=1)


def test_the_time_is_utc_in_whole_milliseconds() -> None:
    before = truncate_to_ms(datetime.now(UTC))
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


def test_what_is_finer_than_a_millisecond_is_cut_off() -> None:
    assert truncate_to_ms(NOON.replace(microsecond=123_999)) == NOON.replace(microsecond=123_000)


def test_later_is_now_when_the_clock_has_moved_on() -> None:
    assert next_timestamp(NOON, NOON + timedelta(hours=1)) == NOON + timedelta(hours=1)


def test_later_is_a_millisecond_on_when_the_clock_stands_still() -> None:
    assert next_timestamp(NOON, NOON) == NOON + MILLISECOND


def test_later_is_a_millisecond_on_when_the_clock_was_set_back() -> None:
    assert next_timestamp(NOON, NOON - timedelta(hours=1)) == NOON + MILLISECOND


@given(st.datetimes(max_value=datetime(9999, 1, 1)), st.datetimes(max_value=datetime(9999, 1, 1)))
def test_later_is_later(than: datetime, now: datetime) -> None:
    assert next_timestamp(than, now) > than
    assert next_timestamp(than, now) >= now
