"""Tokenization: the same for articles and queries, on either engine."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Letters, numbers and combining marks (Unicode's general categories).
WORD_CATEGORIES = frozenset("LNM")
# Accents, which queries may omit. Marks of other scripts distinguish words.
ACCENTS = re.compile("[\u0300-\u036f]")
MAX_KEY_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its position in a text."""

    key: str
    """The normalized word: in lower case, without accents, truncated to `MAX_KEY_LENGTH`."""

    start: int
    end: int


def tokenize(text: str) -> Iterator[Word]:
    """Yield the words of a text, in order. Everything else is a separator."""
    separators = {
        ord(char): " " for char in set(text) if unicodedata.category(char)[0] not in WORD_CATEGORIES
    }
    for match in re.finditer("[^ ]+", text.translate(separators)):
        yield Word(_key(match[0]), match.start(), match.end())


def normalize(text: str) -> Sequence[str]:
    """Return the keys of the words of a text, in order."""
    return [word.key for word in tokenize(text)]


def _key(word: str) -> str:
    if word.isascii():
        return word.lower()[:MAX_KEY_LENGTH]
    folded = ACCENTS.sub("", unicodedata.normalize("NFD", word.casefold()))
    # A word of accents only is left unchanged.
    return unicodedata.normalize("NFC", folded or word)[:MAX_KEY_LENGTH]
