"""Search queries."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from conduit_search.domain.words import Word, normalize, tokenize
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.text import require_max_length, storable

MAX_QUERY_LENGTH = 200
MAX_WORDS = 20
# Shorter prefixes match too many words. It does not apply to scripts where a character is a word.
MIN_PREFIX_LENGTH = 3


@dataclass(frozen=True, slots=True)
class Term:
    """A word that must occur."""

    key: str

    @property
    def is_prefix(self) -> bool:
        """Whether the term also matches as a prefix."""
        return len(self.key) >= MIN_PREFIX_LENGTH or not self.key.isascii()


@dataclass(frozen=True, slots=True)
class Query:
    """Words that must all occur. There are no operators: everything but words is ignored."""

    text: str
    terms: tuple[Term, ...] = field(init=False)
    """Without duplicates."""

    def __post_init__(self) -> None:
        require_max_length("q", storable("q", self.text), max_length=MAX_QUERY_LENGTH)
        terms = tuple(Term(key) for key in dict.fromkeys(normalize(self.text)))
        if not terms:
            raise Invalid("q", "must have a word in it")
        if len(terms) > MAX_WORDS:
            raise Invalid("q", f"has too many words (at most {MAX_WORDS})")
        object.__setattr__(self, "terms", terms)

    def matches_in(self, text: str) -> Iterator[Word]:
        """Yield the words of a text that match a term, in order."""
        exact = {term.key for term in self.terms}
        prefixes = tuple(term.key for term in self.terms if term.is_prefix)
        return (word for word in tokenize(text) if word.key in exact or word.key.startswith(prefixes))
