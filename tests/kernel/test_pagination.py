"""Page requests and pages."""

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


def test_default_page_is_first_twenty() -> None:
    assert PageRequest() == PageRequest(limit=20, offset=0)


@pytest.mark.parametrize(("limit", "served"), [(1, 1), (100, 100), (101, 100), (2**63, 100)])
def test_limit_is_capped_at_100(limit: int, served: int) -> None:
    assert PageRequest(limit=limit).limit == served


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (-1, 0), (20, -1)])
def test_invalid_page_request_raises_value_error(limit: int, offset: int) -> None:
    with pytest.raises(ValueError, match="Page"):
        PageRequest(limit, offset)


def test_offset_and_position_are_exclusive() -> None:
    assert PageRequest(after=AFTER_POSITION).offset == 0
    with pytest.raises(ValueError, match="Page"):
        PageRequest(offset=1, after=AFTER_POSITION)


@pytest.mark.parametrize(
    ("ids", "page_ids", "next_position"),
    [([], [], None), ([5, 4], [5, 4], None), ([5, 4, 3], [5, 4], AFTER_POSITION)],
    ids=["nothing", "all", "more"],
)
def test_split_page_returns_next_position_if_there_are_more_rows(
    ids: list[int], page_ids: list[int], next_position: Position | None
) -> None:
    rows = [Row(NOON, id_) for id_ in ids]
    assert split_page(rows, PageRequest(limit=2)) == ([Row(NOON, id_) for id_ in page_ids], next_position)


@given(st.integers(), st.integers())
def test_page_request_is_within_bounds(limit: int, offset: int) -> None:
    try:
        page = PageRequest(limit, offset)
    except ValueError:
        assert limit < 1 or offset < 0
        return
    assert 1 <= page.limit <= min(limit, 100)
    assert page.offset == min(offset, 2**62) >= 0
