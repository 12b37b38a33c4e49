"""Markdown as HTML: headings with links, highlighted code, drawn diagrams, and links to pages."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_for_filename, get_lexer_by_name
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

from conduit_app.devtools import devtools

# The HTML in the guides. Any other is shown as text.
COMMENT = re.compile(r"(<!--.*?-->\s*)+", re.DOTALL)
LINE_BREAK = re.compile(r"<br\s*/?>")
URL = re.compile(r"https?://[^\s()<>&]*[^\s()<>&.,;:]")
NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")
Resolve = Callable[[str], str | None]
"""Returns the address that a link has on the page, or None if it leads to nothing that is served."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and the text up to the next one."""

    heading: str
    level: int
    anchor: str
    text: str


class Document:
    """A parsed Markdown text."""

    def __init__(self, text: str) -> None:
        self._tokens = MARKDOWN.parse(text)
        _add_anchors(self._tokens)
        self.sections: Sequence[Section] = list(_sections(self._tokens))

    def html(self, resolve: Resolve) -> str:
        """Return the HTML with the links that `resolve` returns. A link to nothing becomes text."""
        html: str = MARKDOWN.renderer.render(self._tokens, MARKDOWN.options, {"resolve": resolve})
        return html

    def style(self) -> str:
        """Return the style that the diagrams need."""
        diagrams = (_diagram(token) for token in self._tokens)
        return "".join(style for _, style in filter(None, diagrams))


class _GuideRenderer(RendererHTML):
    """Renders the tokens whose types its methods are named after; `env` has the `Resolve` of the page."""

    def fence(self, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: Any) -> str:
        diagram = _diagram(tokens[idx])
        return diagram[0] if diagram else highlighted(tokens[idx].content, _lexer(tokens[idx].info))

    def text(self, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: Any) -> str:
        text = escape(tokens[idx].content)
        is_link = idx > 0 and tokens[idx - 1].type == "link_open"
        return text if is_link else URL.sub(r'<a href="\g<0>">\g<0></a>', text)

    def html_block(self, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: Any) -> str:
        return _shown(tokens[idx].content)

    def html_inline(self, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: Any) -> str:
        return _shown(tokens[idx].content)

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        # The tokens of a heading are its start, its text and its end.
        anchor, title = str(tokens[idx - 2].attrGet("id")), _text(tokens[idx - 1])
        link = f'<a class="anchor" href="#{escape(anchor)}" aria-label="Link to {escape(title)}">#</a>'
        return link + self.renderToken(tokens, idx, options, env)

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        return '<div class="wide">' + self.renderToken(tokens, idx, options, env)

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        return self.renderToken(tokens, idx, options, env) + "</div>"

    def th_open(self, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: Any) -> str:
        # The policy of the pages blocks the style attribute of the default.
        alignment = str(tokens[idx].attrGet("style") or "").removeprefix("text-align:")
        return f'<{tokens[idx].tag} class="{alignment}">' if alignment else f"<{tokens[idx].tag}>"

    td_open = th_open

    def link_open(self, tokens: Sequence[Token], idx: int, _options: OptionsDict, env: Any) -> str:
        href = _target(tokens[idx], "href", env)
        return "" if href is None else f'<a href="{escape(href)}">'

    def link_close(self, tokens: Sequence[Token], idx: int, _options: OptionsDict, env: Any) -> str:
        # Links contain no links.
        opening = next(token for token in reversed(tokens[:idx]) if token.type == "link_open")
        return "" if _target(opening, "href", env) is None else "</a>"

    def image(self, tokens: Sequence[Token], idx: int, _options: OptionsDict, env: Any) -> str:
        source, text = escape(_target(tokens[idx], "src", env) or ""), escape(tokens[idx].content)
        return f'<a href="{source}"><img src="{source}" alt="{text}"/></a>'


MARKDOWN = MarkdownIt("commonmark", renderer_cls=_GuideRenderer).enable("table")


def highlighted(code: str, lexer: Lexer) -> str:
    """Return a block of highlighted code."""
    spans = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return f'<div class="code"><pre tabindex="0"><code>{spans}</code></pre></div>\n'


def lexer_for_file(name: str) -> Lexer:
    """Return the lexer for a file of this name."""
    lexer: type[Lexer] = find_lexer_class_for_filename(name) or TextLexer
    return lexer(stripnl=False)


def _lexer(language: str) -> Lexer:
    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return TextLexer(stripnl=False)


def _diagram(token: Token) -> tuple[str, str] | None:
    """Return the HTML and the style of a diagram of modules, or None: the developer tools draw it."""
    if token.type != "fence" or token.info != "mermaid":
        return None
    mermaid = devtools("architecture.mermaid")
    return mermaid.diagram(token.content) if mermaid else None


def _shown(html: str) -> str:
    if COMMENT.fullmatch(html):
        return ""
    return "<br/>" if LINE_BREAK.fullmatch(html) else escape(html)


def _target(token: Token, attribute: str, env: Mapping[str, Resolve]) -> str | None:
    return env["resolve"](str(token.attrGet(attribute)))


def _text(inline: Token) -> str:
    """Return an inline token's text without markup."""
    kinds = {"text": None, "code_inline": None, "softbreak": " ", "hardbreak": " ", "html_inline": " "}
    return "".join(
        kinds[child.type] or child.content for child in inline.children or () if child.type in kinds
    )


def _headings(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            yield token, inline


def _add_anchors(tokens: Sequence[Token]) -> None:
    """Add the anchors that repository hosts give headings, which the guides' links use."""
    seen: Counter[str] = Counter()
    for token, inline in _headings(tokens):
        anchor = NOT_IN_ANCHORS.sub("", _text(inline).lower()).replace(" ", "-")
        token.attrSet("id", f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1


def _sections(tokens: Sequence[Token]) -> Iterator[Section]:
    """Yield the sections, in order; every guide begins with a heading."""
    section, texts = None, list[str]()
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            if section is not None:
                yield replace(section, text=" ".join(texts))
            section, texts = Section(_text(token), int(before.tag[1]), str(before.attrGet("id")), ""), []
        elif token.type == "inline":
            texts.append(_text(token))
        elif token.type == "fence":
            texts.append(token.content)
    if section is not None:
        yield replace(section, text=" ".join(texts))
