"""Tokenization: the same for articles and queries, on either engine."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modules.kernel.domain.invisible import DEFAULT_IGNORABLE

# Letters, numbers and combining marks (Unicode's general categories).
WORD_CATEGORIES = frozenset("LNM")
# Accents, which queries may omit. Marks of other scripts distinguish words.
ACCENTS = re.compile("[\u0300-\u036f]")
# In a translated text, for every separator and every ignored character.
SEPARATOR_MARK, IGNORED_MARK = " ", "\u00ad"
# Begins and ends with a character that counts.
WORD = re.compile("[^ \u00ad]+(?:\u00ad+[^ \u00ad]+)*")
MAX_KEY_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its position in a text."""

    key: str
    """The normalized word: in lower case, without accents, truncated to `MAX_KEY_LENGTH`."""

    start: int
    end: int


def tokenize(text: str) -> Iterator[Word]:
    """Yield the words of a text, in order.

    Default-ignorable characters neither separate words nor count in them; everything else separates.
    """
    classes = {ord(char): _class(char) for char in set(text)}
    for match in WORD.finditer(text.translate(classes)):
        yield Word(_key(match[0].replace(IGNORED_MARK, "")), match.start(), match.end())


def normalize(text: str) -> Sequence[str]:
    """Return the keys of the words of a text, in order."""
    return [word.key for word in tokenize(text)]


def _class(char: str) -> str:
    if DEFAULT_IGNORABLE.match(char):
        return IGNORED_MARK
    return char if unicodedata.category(char)[0] in WORD_CATEGORIES else SEPARATOR_MARK


def _key(word: str) -> str:
    if word.isascii():
        return word.lower()[:MAX_KEY_LENGTH]
    folded = ACCENTS.sub("", unicodedata.normalize("NFD", word.casefold()))
    # A word of accents only is left unchanged.
    return unicodedata.normalize("NFC", folded or word)[:MAX_KEY_LENGTH]
