"""Which part of a list is wanted."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.kernel.domain.pagination import PageRequest, Position, split_page

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
AFTER_POSITION = Position(NOON, 4)


class Row(NamedTuple):
    """A row of a list."""

    created_at: datetime
    id: int


def test_a_page_is_the_first_twenty_unless_told_otherwise() -> None:
    assert PageRequest() == PageRequest(limit=20, offset=0)


@pytest.mark.parametrize(("asked", "served"), [(1, 1), (100, 100), (101, 100), (2**63, 100)])
def test_a_page_has_a_hundred_rows_at_the_most(asked: int, served: int) -> None:
    assert PageRequest(limit=asked).limit == served


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (-1, 0), (20, -1)])
def test_a_page_that_is_no_page_cannot_be_built(limit: int, offset: int) -> None:
    with pytest.raises(ValueError, match="Page"):
        PageRequest(limit, offset)


def test_a_page_begins_after_so_many_rows_or_behind_one_of_them() -> None:
    assert PageRequest(after=AFTER_POSITION).offset == 0
    with pytest.raises(ValueError, match="Page"):
        PageRequest(offset=1, after=AFTER_POSITION)


@pytest.mark.parametrize(
    ("there", "shown", "following"),
    [([], [], None), ([5, 4], [5, 4], None), ([5, 4, 3], [5, 4], AFTER_POSITION)],
    ids=["nothing", "all", "more"],
)
def test_a_page_ends_at_a_position_if_there_is_more(
    there: list[int], shown: list[int], following: Position | None
) -> None:
    rows = [Row(NOON, id_) for id_ in there]
    assert split_page(rows, PageRequest(limit=2)) == ([Row(NOON, id_) for id_ in shown], following)


@given(st.integers(), st.integers())
def test_a_page_is_a_window_that_can_be_served_or_none_at_all(limit: int, offset: int) -> None:
    try:
        page = PageRequest(limit, offset)
    except ValueError:
        assert limit < 1 or offset < 0
        return
    assert 1 <= page.limit <= min(limit, 100)
    assert page.offset == min(offset, 2**62) >= 0
