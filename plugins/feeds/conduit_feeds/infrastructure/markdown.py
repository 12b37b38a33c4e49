"""Markdown as HTML that is safe to show, in bounded time and memory whatever strangers write."""

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
MAX_HTML_LENGTH = 250_000
# How often the parser may try its rules, or make a block's token, for one body. A guide of 50,000
# characters takes 5,000; so many take a fifth of a second.
MAX_STEPS = 50_000
# Elements that HTML's rules for tags left open may add: a tenth of a second, and 60 MB while it lasts.
MAX_REOPENED = 200_000
# Tags in one body that are typed as HTML. A parser of HTML looks for the start of each among all open ones.
MAX_TYPED_TAGS = 5_000
# In bytes, of all HTML that is kept: that of the feeds that were asked for last.
KEPT_BYTES = 8_000_000
# A body that has no HTML costs what its place among the kept ones does.
KEPT_ENTRY_BYTES = 400

SCHEMES = {"http", "https", "mailto"}
# Of addresses, nh3 checks those that browsers open by themselves or at a click; `cite` is not among
# them, and nothing shows it.
ATTRIBUTES = {tag: names - {"cite"} for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}

# Elements that a parser of HTML opens again in every block when they were not closed:
# https://html.spec.whatwg.org/multipage/parsing.html#formatting
REOPENED = re.compile(r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b", re.IGNORECASE)
START = re.compile(r"<([a-z][^\s/>]*)", re.IGNORECASE)
# Elements that keep nobody from seeing where those that are open are closed. In tables, selections or
# texts that are no HTML, the parser may not see it.
TABLES = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th"}
PLAIN = nh3.ALLOWED_TAGS - TABLES

STEPS = "steps"


class _TooMuch(Exception):
    """The body takes more work, or becomes more, than any that people write."""


class _Steps:
    """Counts what the parser does for one body; raises `_TooMuch` when it is more than allowed."""

    def __init__(self) -> None:
        self._left = MAX_STEPS

    def take(self) -> None:
        """Count one."""
        self._left -= 1
        if self._left < 0:
            raise _TooMuch


class _Tokens(list[Token]):
    """The tokens of blocks, each of them a step: a table makes them for cells that nobody wrote."""

    def __init__(self, steps: _Steps) -> None:
        super().__init__()
        self._steps = steps

    def append(self, token: Token) -> None:
        self._steps.take()
        super().append(token)


class _CountedInline(ParserInline):
    def skipToken(self, state: StateInline) -> None:  # noqa: N802 - markdown-it's name
        # What is known already is skipped without a rule, and so not seen by one.
        state.env[STEPS].take()
        super().skipToken(state)


class HtmlCache:
    """HTML by what it was made of, up to so many bytes: what was asked for last."""

    def __init__(self) -> None:
        self._html: OrderedDict[bytes, bytes | None] = OrderedDict()
        self._size = 0

    def __contains__(self, body: bytes) -> bool:
        return body in self._html

    def html(self, body: bytes) -> str | None:
        """Return the HTML of a body that is kept; None if it has none."""
        self._html.move_to_end(body)
        html = self._html[body]
        return None if html is None else html.decode()

    def add(self, body: bytes, html: str | None) -> None:
        """Keep the HTML of a body, and let go of what nobody has asked for since."""
        # In UTF-8: one character beyond U+FFFF makes every character of a str take four bytes.
        self._html[body] = None if html is None else html.encode()
        self._size += _size(self._html[body])
        while self._size > KEPT_BYTES:
            _, oldest = self._html.popitem(last=False)
            self._size -= _size(oldest)


def _size(html: bytes | None) -> int:
    return KEPT_ENTRY_BYTES + len(html or b"")


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
    # Before it is written: tokens share the address of the reference that they came from.
    written = 0
    for token in chain(tokens, *(token.children or () for token in tokens)):
        written += len(token.content) + sum(len(str(value)) for value in token.attrs.values())
        if written > MAX_HTML_LENGTH:
            raise _TooMuch


def _require_closed(tokens: Sequence[Token], rendered: str) -> None:
    typed = "".join(_typed_html(tokens))
    if typed.count("<") > MAX_TYPED_TAGS:
        raise _TooMuch
    plain = {name.lower() for name in START.findall(typed)} <= PLAIN
    # What Markdown opens, it closes; but a table, say, that is typed in between hides the end of it.
    left_open = len(REOPENED.findall(typed if plain else rendered))
    if left_open * rendered.count("<") > MAX_REOPENED:
        raise _TooMuch


def _typed_html(tokens: Sequence[Token]) -> Iterator[str]:
    for token in chain(tokens, *(token.children or () for token in tokens)):
        if token.type in {"html_block", "html_inline"}:
            yield token.content


class SafeMarkdown:
    """Renders CommonMark with tables and strikethrough, in a thread, and takes out what could do harm.

    Authors may write HTML in their Markdown; what leaves is what nh3 lets through, whoever wrote it. A
    body that takes too much has none. That depends on the body alone, never on the time: feeds last.
    """

    def __init__(self) -> None:
        self._markdown = _counting_parser()
        self._kept = HtmlCache()
        # One at a time: rendering is Python, and more threads would only slow down everything else.
        self._turn = asyncio.Lock()

    async def html(self, text: str, base_url: str) -> str | None:
        """Return HTML that does no harm in a reader's page, with absolute URLs; None if it takes too much.

        It has at most `MAX_HTML_LENGTH` bytes.
        """
        body = sha256(f"{base_url}\n{text}".encode()).digest()
        if body not in self._kept:
            async with self._turn:
                # Another may have had the turn for just this body.
                if body not in self._kept:
                    self._kept.add(body, await asyncio.to_thread(self._safe_html, text, base_url))
        return self._kept.html(body)

    def _safe_html(self, text: str, base_url: str) -> str | None:
        try:
            rendered = self._rendered(text)
        except _TooMuch:
            return None
        html = nh3.clean(
            rendered,
            attributes=ATTRIBUTES,
            url_schemes=SCHEMES,
            url_relative=("rewrite_with_base", base_url),
        )
        return html if len(html.encode()) <= MAX_HTML_LENGTH else None

    def _rendered(self, text: str) -> str:
        steps = _Steps()
        state = StateCore(text, self._markdown, {STEPS: steps})
        state.tokens = _Tokens(steps)
        self._markdown.core.process(state)
        _require_small(state.tokens)
        rendered: str = self._markdown.renderer.render(state.tokens, self._markdown.options, state.env)
        _require_closed(state.tokens, rendered)
        return rendered
