"""Highlights: the words of a query, marked in the texts of an article that matches it."""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from conduit_search.domain.query import Query
from conduit_search.domain.words import Word
from modules.articles.contracts import ArticleContent

# In characters: the length of a snippet, and of the context before its first match.
SNIPPET_LENGTH = 240
CONTEXT_BEFORE = 60
# In characters of a body, to find the best snippet: a page of a hundred articles takes a second.
MAX_SCANNED = 20_000
MAX_HIGHLIGHTED_LENGTH = MAX_SCANNED + 2 * SNIPPET_LENGTH
"""The length of the beginning of a body that contains every snippet."""


@dataclass(frozen=True, slots=True)
class Highlights:
    """Texts as HTML. All text is escaped; the only tag is `<mark>`, around each matched word."""

    title: str
    description: str
    body: str
    """The excerpt with the most matched words, or the beginning of the body."""


def highlights(query: Query, content: ArticleContent) -> Highlights:
    """Return the highlights of an article."""
    return Highlights(
        _marked(content.title, query.matches_in(content.title)),
        _marked(content.description, query.matches_in(content.description)),
        _snippet(content.body, query),
    )


def _marked(text: str, matches: Iterable[Word]) -> str:
    pieces, end = [], 0
    for word in matches:
        pieces += [escape(text[end : word.start]), f"<mark>{escape(text[word.start : word.end])}</mark>"]
        end = word.end
    return "".join([*pieces, escape(text[end:])])


def _snippet(body: str, query: Query) -> str:
    first = _best_window(query.matches_in(body[:MAX_SCANNED]))
    start = _word_boundary(body, max(0, first - CONTEXT_BEFORE))
    end = _word_boundary(body, start + SNIPPET_LENGTH)
    excerpt = re.sub(r"\s+", " ", body[start:end]).strip()
    before, after = "…" if start > 0 else "", "…" if end < len(body) else ""
    return f"{before}{_marked(excerpt, query.matches_in(excerpt))}{after}"


def _best_window(matches: Iterable[Word]) -> int:
    """Return the start of the snippet-sized window with the most distinct matches."""
    most, start = 0, 0
    window: deque[Word] = deque()
    for word in matches:
        window.append(word)
        while word.end - window[0].start > SNIPPET_LENGTH - CONTEXT_BEFORE and len(window) > 1:
            window.popleft()
        if (distinct := len({match.key for match in window})) > most:
            most, start = distinct, window[0].start
    return start


def _word_boundary(text: str, position: int) -> int:
    """Return the next end of a word or of the text, or the position if it is too far away."""
    if position in {0, len(text)}:
        return position
    space = re.compile(r"\s").search(text, position, position + CONTEXT_BEFORE)
    return min(position, len(text)) if space is None else space.start()
