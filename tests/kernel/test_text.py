"""Rules for text that the value objects of all modules share."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.text import (
    MAX_TEXT_LENGTH,
    Length,
    multiline,
    require_max_length,
    single_line,
    storable,
)

Rule = Callable[[str], str]


def title(text: str) -> str:
    return single_line("title", text, max_length=10)


def body(text: str) -> str:
    return multiline("body", text, max_length=10)


def test_single_line_is_stripped() -> None:
    assert title(" \t a line \n") == "a line"


def test_multiline_is_unchanged() -> None:
    assert body("  prose\n") == "  prose\n"


@pytest.mark.parametrize("rule", [title, body])
@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u2003\u3000", "\u200b", "\u2800 \u3164", "\ufe0f"])
def test_text_without_a_visible_character_is_blank(rule: Rule, text: str) -> None:
    with pytest.raises(Invalid) as raised:
        rule(text)
    assert raised.value.problem == "can't be blank"


@pytest.mark.parametrize("rule", [title, body])
def test_length_is_limited_in_characters(rule: Rule) -> None:
    assert rule("🐉" * 10) == "🐉" * 10
    with pytest.raises(Invalid) as raised:
        rule("🐉" * 11)
    assert raised.value.problem == "is too long (at most 10 characters)"


def test_surrounding_white_space_of_single_line_does_not_count() -> None:
    assert title("  1234567890  ") == "1234567890"


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x1b", "\x7f", "\x85"])
def test_control_characters_are_rejected_in_single_line(character: str) -> None:
    with pytest.raises(Invalid) as raised:
        title(f"two{character}lines")
    assert raised.value.problems == {"title": "must be one line, without control characters"}


@pytest.mark.parametrize("rule", [title, body])
def test_unstorable_characters_are_rejected(rule: Rule) -> None:
    with pytest.raises(Invalid, match=r"U\+0000"):
        rule("a\0b")
    with pytest.raises(Invalid, match="surrogates"):
        rule("a\ud800b")


def test_field_longer_than_request_bodies_allow_is_rejected() -> None:
    assert Length(1, MAX_TEXT_LENGTH).max == MAX_TEXT_LENGTH
    with pytest.raises(ValueError, match="at most 500000 characters"):
        Length(1, MAX_TEXT_LENGTH + 1)


def test_storable_and_require_max_length_return_the_text() -> None:
    assert storable("bio", "") == ""
    assert require_max_length("bio", "four", max_length=4) == "four"


def test_error_omits_the_rejected_text() -> None:
    for text in ("secret\0", "secret\ud800", "secret" * 10, "secret\nsecret"):
        with pytest.raises(Invalid) as raised:
            title(text)
        assert "secret" not in str(raised.value)


@given(st.text(st.characters(exclude_categories=())))
def test_single_line_is_idempotent(text: str) -> None:
    try:
        line = single_line("title", text, max_length=50)
    except Invalid:
        return
    assert single_line("title", line, max_length=50) == line
