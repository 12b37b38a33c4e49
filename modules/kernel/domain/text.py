"""Rules for text that the value objects of all modules share. Lengths are in characters."""

import unicodedata
from dataclasses import dataclass

from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.invisible import is_invisible

BLANK = "can't be blank"
MAX_TEXT_LENGTH = 500_000
"""The maximum of every field, in characters. The default size limit of request bodies follows from it."""


@dataclass(frozen=True, slots=True)
class Length:
    """The bounds of a text's length. A value object's `LENGTH` appears in the OpenAPI document."""

    min: int
    max: int

    def __post_init__(self) -> None:
        """Raise `ValueError` for a maximum that the default size limit of request bodies would refuse."""
        if self.max > MAX_TEXT_LENGTH:
            raise ValueError(f"a field has at most {MAX_TEXT_LENGTH} characters, not {self.max}")


def single_line(field: str, text: str, *, max_length: int) -> str:
    """Return the text of a one-line field, stripped.

    Raises `Invalid` for text that is blank or too long, contains control characters, or is not `storable`.
    Text of invisible characters is blank.
    """
    line = _not_blank(field, storable(field, text.strip()), max_length)
    # `isprintable` first: checking every character takes twenty times as long.
    if not line.isprintable() and any(unicodedata.category(character) == "Cc" for character in line):
        raise Invalid(field, "must be one line, without control characters")
    return line


def multiline(field: str, text: str, *, max_length: int) -> str:
    """Return the text of a multi-line field, unchanged.

    Raises `Invalid` for text that is blank, as above, or too long, or is not `storable`.
    """
    return _not_blank(field, storable(field, text), max_length)


def storable(field: str, text: str) -> str:
    """Return the text; raise `Invalid` for U+0000, which PostgreSQL cannot store, and lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Invalid(field, "must not contain lone surrogates") from error
    if "\0" in text:
        raise Invalid(field, "must not contain U+0000")
    return text


def require_max_length(field: str, text: str, *, max_length: int) -> str:
    """Return the text; raise `Invalid` when it is longer than `max_length`."""
    if len(text) > max_length:
        raise Invalid(field, f"is too long (at most {max_length} characters)")
    return text


def _not_blank(field: str, text: str, max_length: int) -> str:
    if is_invisible(text):
        raise Invalid(field, BLANK)
    return require_max_length(field, text, max_length=max_length)
