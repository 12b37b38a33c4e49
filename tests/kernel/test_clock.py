"""The time, in whole milliseconds."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from modules.kernel.domain.clock import SystemClock, in_milliseconds, later
from modules.kernel.fakes import NOON

MILLISECOND = timedelta(milliseconds=1)


def test_the_time_is_utc_in_whole_milliseconds() -> None:
    before = in_milliseconds(datetime.now(UTC))
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


def test_what_is_finer_than_a_millisecond_is_cut_off() -> None:
    assert in_milliseconds(NOON.replace(microsecond=123_999)) == NOON.replace(microsecond=123_000)


def test_later_is_now_when_the_clock_has_moved_on() -> None:
    assert later(NOON, NOON + timedelta(hours=1)) == NOON + timedelta(hours=1)


def test_later_is_a_millisecond_on_when_the_clock_stands_still() -> None:
    assert later(NOON, NOON) == NOON + MILLISECOND


def test_later_is_a_millisecond_on_when_the_clock_was_set_back() -> None:
    assert later(NOON, NOON - timedelta(hours=1)) == NOON + MILLISECOND


@given(st.datetimes(max_value=datetime(9999, 1, 1)), st.datetimes(max_value=datetime(9999, 1, 1)))
def test_later_is_later(than: datetime, now: datetime) -> None:
    assert later(than, now) > than
    assert later(than, now) >= now
