"""What a word is: the same in articles and in queries, whatever the database."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Letters, numbers and the marks that belong to them (Unicode's general categories).
WORDS = frozenset("LNM")
# Accents that people leave out when they type; marks of other scripts make other words.
ACCENTS = re.compile("[\u0300-\u036f]")
MAX_KEY_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Word:
    """A word where it stands in a text."""

    key: str
    """What it is compared by: in lower case, without accents, cut off if it is very long."""

    start: int
    end: int


def words(text: str) -> Iterator[Word]:
    """Yield the words of a text, in order. Everything else stands between words, and means nothing."""
    between = {ord(one): " " for one in set(text) if unicodedata.category(one)[0] not in WORDS}
    for found in re.finditer("[^ ]+", text.translate(between)):
        yield Word(_key(found[0]), found.start(), found.end())


def keys(text: str) -> Sequence[str]:
    """Return what the words of a text are compared by, in order."""
    return [word.key for word in words(text)]


def _key(word: str) -> str:
    if word.isascii():
        return word.lower()[:MAX_KEY_LENGTH]
    folded = ACCENTS.sub("", unicodedata.normalize("NFD", word.casefold()))
    # A word of accents only stays what it is.
    return unicodedata.normalize("NFC", folded or word)[:MAX_KEY_LENGTH]
