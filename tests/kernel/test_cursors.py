"""Signed cursors."""

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.kernel.api.cursors import CursorPagination, InvalidCursor
from modules.kernel.domain.pagination import Position

NOON = Position(datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC), 42)
CURSORS = CursorPagination(["a signing key of thirty-two bytes"])
LIST = "/api/articles?tag=dragons"

positions = st.builds(
    Position,
    st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)),
    st.integers(1, 2**63 - 1),
)


@given(positions, st.text())
def test_position_survives_encoding(position: Position, scope: str) -> None:
    scope = scope.encode(errors="replace").decode()
    assert CURSORS.decode(CURSORS.encode(position, scope), scope) == position


@given(st.text() | st.text(string.ascii_letters + string.digits + "-_", min_size=40, max_size=46))
def test_arbitrary_text_is_rejected(text: str) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.decode(text, LIST)


def test_changed_character_is_rejected() -> None:
    cursor = CURSORS.encode(NOON, LIST)
    for index, original in enumerate(cursor):
        for character in string.ascii_letters + string.digits + "-_=+/ \u00e9":
            if character != original:
                with pytest.raises(InvalidCursor):
                    CURSORS.decode(cursor[:index] + character + cursor[index + 1 :], LIST)


@pytest.mark.parametrize("spelling", ["{0}=", "{0}\n", " {0}", "{0}A", "{0}.{0}", ""])
def test_other_spellings_are_rejected(spelling: str) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.decode(spelling.format(CURSORS.encode(NOON, LIST)), LIST)


@pytest.mark.parametrize("other", ["/api/articles?tag=knights", "/api/articles?", "/api/articles/feed?", ""])
def test_cursor_of_another_list_is_rejected(other: str) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.decode(CURSORS.encode(NOON, other), LIST)


def test_cursor_is_valid_until_its_signing_key_is_removed() -> None:
    cursor = CURSORS.encode(NOON, LIST)
    assert CursorPagination(["a newer key", "a signing key of thirty-two bytes"]).decode(cursor, LIST) == NOON
    with pytest.raises(InvalidCursor):
        CursorPagination(["a newer key"]).decode(cursor, LIST)


def test_position_has_microsecond_resolution() -> None:
    later = Position(NOON.at + timedelta(microseconds=1), NOON.id)
    assert CURSORS.encode(NOON, LIST) != CURSORS.encode(later, LIST)
