"""Full-text search of the guides."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from conduit_app.pages.guide_library import Guide
from conduit_app.pages.guide_markdown import Document, Section

MAX_HITS = 20
EXCERPT_LENGTH = 200
"""Characters."""

HEADING_WEIGHT, TITLE_WEIGHT, MAX_COUNTED = 10, 5, 4


@dataclass(frozen=True, slots=True)
class Hit:
    """A section that has all words of a query."""

    guide: Guide
    section: Section
    excerpt: str
    """HTML, with the words marked."""

    @property
    def path(self) -> str:
        """The path of the section, with its anchor."""
        return f"{self.guide.path}#{self.section.anchor}"


def search(documents: Iterable[tuple[Guide, Document]], query: str) -> Sequence[Hit]:
    """Return the sections with all words of the query, the best first.

    A word in a heading counts more than one in the text. Upper and lower case are the same.
    """
    words = [re.compile(re.escape(word), re.IGNORECASE) for word in query.split()]
    if not words:
        return []
    scored = [
        (score, guide, section)
        for guide, document in documents
        for section in document.sections
        if (score := _score(guide, section, words))
    ]
    scored.sort(key=lambda entry: -entry[0])
    return [Hit(guide, section, _excerpt(section.text, words)) for _, guide, section in scored[:MAX_HITS]]


def _score(guide: Guide, section: Section, words: Sequence[re.Pattern[str]]) -> int:
    """Return the weight of a section, or 0 if a word is missing."""
    own = [
        HEADING_WEIGHT * bool(word.search(section.heading))
        + min(MAX_COUNTED, len(word.findall(section.text)))
        for word in words
    ]
    # The title of the guide may have some of the words, but not all.
    titles = [TITLE_WEIGHT * bool(word.search(guide.title)) for word in words]
    is_complete = any(own) and all(map(max, own, titles))
    if not is_complete:
        return 0
    return sum(own) + (sum(titles) if section.level > 1 else 0)


def _excerpt(text: str, words: Sequence[re.Pattern[str]]) -> str:
    matches = [match.start() for word in words if (match := word.search(text))]
    start = max(0, min(matches, default=0) - EXCERPT_LENGTH // 4)
    if start:
        # At the start of a word.
        start = text.find(" ", start) + 1
    excerpt = " ".join(text[start : start + EXCERPT_LENGTH].split())
    before, after = "…" * (start > 0), "…" * (start + EXCERPT_LENGTH < len(text))
    return before + "".join(_marked(excerpt, words)) + after


def _marked(text: str, words: Sequence[re.Pattern[str]]) -> Iterator[str]:
    any_word = "|".join(word.pattern for word in words)
    for index, part in enumerate(re.split(f"({any_word})", text, flags=re.IGNORECASE)):
        yield f"<mark>{escape(part)}</mark>" if index % 2 else escape(part)
