"""Rules for text that every module's value objects share. Lengths are in characters."""

import unicodedata
from dataclasses import dataclass

from modules.kernel.domain.errors import Invalid

BLANK = "can't be blank"


@dataclass(frozen=True, slots=True)
class Length:
    """How many characters a text has, at least and at most. A value object's `LENGTH` is documented."""

    min: int
    max: int


def single_line(field: str, text: str, *, max_length: int) -> str:
    """Return what a person typed into a one-line field, without the white space around it.

    Raises `Invalid` for text that is blank, too long, or that holds control characters.
    """
    line = _present(field, storable(field, text.strip()), max_length)
    # A printable line has none; looking at every character takes twenty times as long.
    if not line.isprintable() and any(unicodedata.category(character) == "Cc" for character in line):
        raise Invalid(field, "must be one line, without control characters")
    return line


def multiline(field: str, text: str, *, max_length: int) -> str:
    """Return running text just as it was typed.

    Raises `Invalid` for text that is blank, too long, or that no database can store.
    """
    return _present(field, storable(field, text), max_length)


def storable(field: str, text: str) -> str:
    """Return the text; raise `Invalid` for U+0000 (PostgreSQL has no room for it) and surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Invalid(field, "must not contain lone surrogates") from error
    if "\0" in text:
        raise Invalid(field, "must not contain U+0000")
    return text


def require_max_length(field: str, text: str, *, max_length: int) -> str:
    """Return the text; raise `Invalid` when it has more characters than `at_most`."""
    if len(text) > max_length:
        raise Invalid(field, f"is too long (at most {max_length} characters)")
    return text


def _present(field: str, text: str, max_length: int) -> str:
    if not text.strip():
        raise Invalid(field, BLANK)
    return require_max_length(field, text, max_length=max_length)
