"""Rules for text that every module's value objects share."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.text import multiline, require_max_length, single_line, storable

Rule = Callable[[str], str]


def title(text: str) -> str:
    return single_line("title", text, max_length=10)


def body(text: str) -> str:
    return multiline("body", text, max_length=10)


def test_a_line_loses_the_white_space_around_it() -> None:
    assert title(" \t a line \n") == "a line"


def test_prose_keeps_its_white_space() -> None:
    assert body("  prose\n") == "  prose\n"


@pytest.mark.parametrize("rule", [title, body])
@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u2003\u3000"])
def test_text_of_white_space_only_is_blank(rule: Rule, text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        rule(text)
    assert refusal.value.problem == "can't be blank"


@pytest.mark.parametrize("rule", [title, body])
def test_text_is_measured_in_characters_and_may_be_just_as_long_as_allowed(rule: Rule) -> None:
    assert rule("🐉" * 10) == "🐉" * 10
    with pytest.raises(Invalid) as refusal:
        rule("🐉" * 11)
    assert refusal.value.problem == "is too long (at most 10 characters)"


def test_white_space_around_a_line_does_not_count() -> None:
    assert title("  1234567890  ") == "1234567890"


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x1b", "\x7f", "\x85"])
def test_a_line_has_no_control_characters(character: str) -> None:
    with pytest.raises(Invalid) as refusal:
        title(f"two{character}lines")
    assert refusal.value.problems == {"title": "must be one line, without control characters"}


@pytest.mark.parametrize("rule", [title, body])
def test_no_text_has_what_a_database_cannot_store(rule: Rule) -> None:
    with pytest.raises(Invalid, match=r"U\+0000"):
        rule("a\0b")
    with pytest.raises(Invalid, match="surrogates"):
        rule("a\ud800b")


def test_storable_and_short_enough_return_the_text_and_take_an_empty_one() -> None:
    assert storable("bio", "") == ""
    assert require_max_length("bio", "four", max_length=4) == "four"


def test_a_refusal_never_holds_what_was_refused() -> None:
    for text in ("secret\0", "secret\ud800", "secret" * 10, "secret\nsecret"):
        with pytest.raises(Invalid) as refusal:
            title(text)
        assert "secret" not in str(refusal.value)


@given(st.text(st.characters(exclude_categories=())))
def test_a_line_that_is_accepted_is_accepted_again_unchanged(text: str) -> None:
    try:
        line = single_line("title", text, max_length=50)
    except Invalid:
        return
    assert single_line("title", line, max_length=50) == line
