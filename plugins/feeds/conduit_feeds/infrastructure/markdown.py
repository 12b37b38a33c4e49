"""Untrusted Markdown as sanitized HTML, in bounded time and memory."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import chain

import nh3
from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

# In bytes, of one body.
MAX_HTML_BYTES = 250_000
# How many rules the parser may try, and block tokens it may create, for one body. A guide of 50,000
# characters takes 5,000 steps; the maximum takes a fifth of a second.
MAX_STEPS = 50_000
# Elements that an HTML parser may reopen because their tags are unclosed: a tenth of a second and 60 MB.
MAX_REOPENED = 200_000
# HTML tags in the Markdown of one body. An HTML parser searches all open elements for each of them.
MAX_TYPED_TAGS = 5_000
# In bytes, of all cached HTML. The least recently used is evicted.
CACHE_BYTES = 8_000_000
# The overhead of a cache entry, also of one without HTML.
CACHE_ENTRY_BYTES = 400

SCHEMES = {"http", "https", "mailto"}
# nh3 checks the URLs that browsers load or link to. `cite` is not among them, and no browser shows it.
ATTRIBUTES = {tag: names - {"cite"} for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}

# Elements that an HTML parser reopens in every block if they are unclosed:
# https://html.spec.whatwg.org/multipage/parsing.html#formatting
REOPENED = re.compile(r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b", re.IGNORECASE)
START = re.compile(r"<([a-z][^\s/>]*)", re.IGNORECASE)
# Inside these elements an HTML parser honors closing tags. Inside tables, selects or raw text it may
# ignore them.
TABLES = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th"}
PLAIN = nh3.ALLOWED_TAGS - TABLES

STEPS = "steps"


class _LimitExceeded(Exception):
    """The body takes more steps, or makes more HTML, than allowed."""


class _StepBudget:
    """The parser steps left for one body."""

    def __init__(self) -> None:
        self._left = MAX_STEPS

    def take(self) -> None:
        """Take one step. Raises `_LimitExceeded` if none is left."""
        self._left -= 1
        if self._left < 0:
            raise _LimitExceeded


class _Tokens(list[Token]):
    """Block tokens, each counted as a step: a table adds tokens for cells that are not in the text."""

    def __init__(self, steps: _StepBudget) -> None:
        super().__init__()
        self._steps = steps

    def append(self, token: Token) -> None:
        self._steps.take()
        super().append(token)


class _CountedInline(ParserInline):
    def skipToken(self, state: StateInline) -> None:  # noqa: N802 - markdown-it's name
        # Tokens in the parser's skip cache are skipped without trying a rule, so they are counted here.
        state.env[STEPS].take()
        super().skipToken(state)


class HtmlCache:
    """An LRU cache of HTML by the digest of its source, of at most `CACHE_BYTES`."""

    def __init__(self) -> None:
        self._html: OrderedDict[bytes, bytes | None] = OrderedDict()
        self._size = 0

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._html

    def html(self, digest: bytes) -> str | None:
        """Return the cached result, None if the body has no HTML. Raises `KeyError` if it is not cached."""
        self._html.move_to_end(digest)
        html = self._html[digest]
        return None if html is None else html.decode()

    def add(self, digest: bytes, html: str | None) -> None:
        """Store a result, and evict the least recently used ones above the limit."""
        # As UTF-8: a single character beyond U+FFFF makes every character of a str take four bytes.
        self._html[digest] = None if html is None else html.encode()
        self._size += _size(self._html[digest])
        while self._size > CACHE_BYTES:
            _, oldest = self._html.popitem(last=False)
            self._size -= _size(oldest)


def _size(html: bytes | None) -> int:
    return CACHE_ENTRY_BYTES + len(html or b"")


def _counted_inline(state: StateInline, _silent: bool) -> bool:
    state.env[STEPS].take()
    return False


def _counted_block(state: StateBlock, _start: int, _end: int, _silent: bool) -> bool:
    state.env[STEPS].take()
    return False


def _counting_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark")
    parser.inline = _CountedInline()
    parser.configure("commonmark").enable(["table", "strikethrough"])
    parser.inline.ruler.before("text", STEPS, _counted_inline)
    interrupting: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("table", STEPS, _counted_block, interrupting)
    return parser


def _require_small(tokens: Sequence[Token]) -> None:
    # Before rendering: tokens share the URL of their link reference, so they are small in memory only.
    size = 0
    for token in chain(tokens, *(token.children or () for token in tokens)):
        size += len(token.content) + sum(len(str(value)) for value in token.attrs.values())
        if size > MAX_HTML_BYTES:
            raise _LimitExceeded


def _require_closed(tokens: Sequence[Token], rendered: str) -> None:
    typed = "".join(_typed_html(tokens))
    if typed.count("<") > MAX_TYPED_TAGS:
        raise _LimitExceeded
    plain = {name.lower() for name in START.findall(typed)} <= PLAIN
    # Tags from Markdown are closed; but a table typed in between, say, hides the closing tag.
    unclosed = len(REOPENED.findall(typed if plain else rendered))
    if unclosed * rendered.count("<") > MAX_REOPENED:
        raise _LimitExceeded


def _typed_html(tokens: Sequence[Token]) -> Iterator[str]:
    for token in chain(tokens, *(token.children or () for token in tokens)):
        if token.type in {"html_block", "html_inline"}:
            yield token.content


class SafeMarkdown:
    """Renders CommonMark with tables and strikethrough, in a thread, and sanitizes it with nh3.

    HTML in the Markdown is sanitized as the rest. A body that exceeds a limit has no HTML; limits depend
    on the body alone, never on time, because feeds are cached.
    """

    def __init__(self) -> None:
        self._markdown = _counting_parser()
        self._cache = HtmlCache()
        # One at a time: rendering holds the GIL, so more threads would only slow down other requests.
        self._render_lock = asyncio.Lock()

    async def html(self, text: str, base_url: str) -> str | None:
        digest = sha256(f"{base_url}\n{text}".encode()).digest()
        if digest not in self._cache:
            async with self._render_lock:
                # Another request may have rendered the same body meanwhile.
                if digest not in self._cache:
                    self._cache.add(digest, await asyncio.to_thread(self._safe_html, text, base_url))
        return self._cache.html(digest)

    def _safe_html(self, text: str, base_url: str) -> str | None:
        try:
            rendered = self._rendered(text)
        except _LimitExceeded:
            return None
        html = nh3.clean(
            rendered,
            attributes=ATTRIBUTES,
            url_schemes=SCHEMES,
            url_relative=("rewrite_with_base", base_url),
        )
        return html if len(html.encode()) <= MAX_HTML_BYTES else None

    def _rendered(self, text: str) -> str:
        steps = _StepBudget()
        state = StateCore(text, self._markdown, {STEPS: steps})
        state.tokens = _Tokens(steps)
        self._markdown.core.process(state)
        _require_small(state.tokens)
        rendered: str = self._markdown.renderer.render(state.tokens, self._markdown.options, state.env)
        _require_closed(state.tokens, rendered)
        return rendered
