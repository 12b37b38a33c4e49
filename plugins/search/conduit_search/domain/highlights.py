"""What is shown of an article that was found: where the words are."""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from conduit_search.domain.query import Query
from conduit_search.domain.words import Word
from modules.articles.contracts import ArticleContent

# In characters: a snippet, and how much of it comes before the first word that was looked for.
SNIPPET = 240
LEAD = 60
# How much of a body is looked at to find the best place: of a hundred articles, it takes a second.
MAX_SCANNED = 20_000


@dataclass(frozen=True, slots=True)
class Highlights:
    """Texts in HTML, in which nothing is a tag but the `<mark>` around each word that was looked for."""

    title: str
    description: str
    body: str
    """The part of it that has the most of these words close together, or its beginning."""


def highlights(query: Query, text: ArticleContent) -> Highlights:
    """Return what is shown of an article."""
    return Highlights(
        _marked(text.title, query.matches_in(text.title)),
        _marked(text.description, query.matches_in(text.description)),
        _snippet(text.body, query),
    )


def _marked(text: str, matches: Iterable[Word]) -> str:
    pieces, end = [], 0
    for word in matches:
        pieces += [escape(text[end : word.start]), f"<mark>{escape(text[word.start : word.end])}</mark>"]
        end = word.end
    return "".join([*pieces, escape(text[end:])])


def _snippet(body: str, query: Query) -> str:
    first = _densest(query.matches_in(body[:MAX_SCANNED]))
    start = _word_boundary(body, max(0, first - LEAD))
    end = _word_boundary(body, start + SNIPPET)
    part = re.sub(r"\s+", " ", body[start:end]).strip()
    before, after = "…" if start > 0 else "", "…" if end < len(body) else ""
    return f"{before}{_marked(part, query.matches_in(part))}{after}"


def _densest(matches: Iterable[Word]) -> int:
    """Return where the stretch as long as a snippet begins that has the most of different words."""
    best, start = 0, 0
    page_parameters: deque[Word] = deque()
    for word in matches:
        page_parameters.append(word)
        while word.end - page_parameters[0].start > SNIPPET - LEAD and len(page_parameters) > 1:
            page_parameters.popleft()
        if (different := len({one.key for one in page_parameters})) > best:
            best, start = different, page_parameters[0].start
    return start


def _word_boundary(text: str, position: int) -> int:
    """Return the next place at which a word or the text ends, or the position if that is far away."""
    if position in {0, len(text)}:
        return position
    found = re.compile(r"\s").search(text, position, position + LEAD)
    return min(position, len(text)) if found is None else found.start()
