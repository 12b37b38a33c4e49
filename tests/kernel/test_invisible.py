"""Characters that show nothing, and NFKC_Casefold: examples of the Unicode Character Database."""

import sys
import unicodedata
from collections.abc import Iterator

import pytest

from modules.kernel.domain.invisible import DEFAULT_IGNORABLE, INVISIBLE, is_invisible, nfkc_casefold


def assigned() -> Iterator[str]:
    """Yield every assigned character but the surrogates."""
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) not in {"Cn", "Cs"}:
            yield chr(code)


# NFKC_CF in DerivedNormalizationProps.txt, https://www.unicode.org/Public/17.0.0/ucd/.
@pytest.mark.parametrize(
    ("character", "folded"),
    [
        ("\u0041", "\u0061"),
        ("\u00a0", "\u0020"),
        ("\u00aa", "\u0061"),
        ("\u00ad", ""),
        ("\u00af", "\u0020\u0304"),
        ("\u00b5", "\u03bc"),
        ("\u00df", "\u0073\u0073"),
        ("\u0130", "\u0069\u0307"),
        ("\u0132", "\u0069\u006a"),
        ("\u0149", "\u02bc\u006e"),
        ("\u01c4", "\u0064\u017e"),
        ("\u0345", "\u03b9"),
        ("\u034f", ""),
        ("\u0390", "\u0390"),
        ("\u13f8", "\u13f0"),
        ("\u1e9e", "\u0073\u0073"),
        ("\u2121", "\u0074\u0065\u006c"),
        ("\u2160", "\u0069"),
        ("\u3164", ""),
        ("\ufb00", "\u0066\u0066"),
        ("\ufe0f", ""),
        ("\uff21", "\u0061"),
        ("\uffa0", ""),
        ("\U0001d400", "\u0061"),
        ("\U000e0101", ""),
    ],
)
def test_nfkc_casefold_is_that_of_unicode(character: str, folded: str) -> None:
    assert nfkc_casefold(character) == folded


def test_nfkc_casefold_is_stable_for_every_character() -> None:
    folded = {nfkc_casefold(character) for character in assigned()}
    assert {text for text in folded if nfkc_casefold(text) != text} == set()


def test_removed_characters_join_their_neighbors() -> None:
    assert nfkc_casefold("e\u034f\u0301") == "\u00e9"


def test_default_ignorable_has_as_many_characters_as_in_unicode() -> None:
    ignorable = [code for code in range(sys.maxunicode + 1) if DEFAULT_IGNORABLE.fullmatch(chr(code))]
    # "Total code points" of the property in DerivedCoreProperties.txt.
    assert len(ignorable) == 4174
    assert {unicodedata.category(chr(code)) for code in ignorable} <= {"Cf", "Cn", "Lo", "Mn"}


@pytest.mark.parametrize(
    "text",
    [
        "\u2800",
        "\u200b",
        "\u2060 \ufeff",
        "\u3164\uffa0\u115f",
        "\ufe0f",
        "\x07",
        "\u00a0\u00ad",
        "\U0001d159",
    ],
)
def test_text_without_a_mark_is_invisible(text: str) -> None:
    assert is_invisible(text)


@pytest.mark.parametrize(
    "text", ["a", "\u200ba", "\u2801", "\u2764\ufe0f", "\U0001f409", "\u0301", "\u0600", "-"]
)
def test_other_text_is_visible(text: str) -> None:
    assert not is_invisible(text)
    assert not INVISIBLE.fullmatch(text)
