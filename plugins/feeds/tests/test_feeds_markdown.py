"""Rendering untrusted Markdown as sanitized HTML."""

import asyncio
import re
import threading
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conduit_feeds.domain.syndication import MAX_RENDERED_LENGTH
from conduit_feeds.infrastructure.markdown import (
    CACHE_BYTES,
    CACHE_ENTRY_BYTES,
    MAX_HTML_BYTES,
    HtmlCache,
    SafeMarkdown,
)

PAGE = "https://example.com/article/dragons"
HIDING = ["<table><td>", "<select>", "<textarea>", "<OBJECT>"]
# Syntax of Markdown and HTML.
MARKS = [
    *'[]()!`*_~<>|-#&"=:',
    "\n",
    "\n\n",
    "    ",
    "](",
    "[a]",
    "[a]: b ",
    "|-|",
    "1. ",
    "&amp;",
    "http://",
    "<b>",
    "<i a=1>",
    "</b>",
    "<p>",
    "<table>",
    "<td>",
    "</td>",
    "<!--",
    "-->",
    "<a href=x>",
    "```\n",
]


async def html(body: str) -> str:
    """Return the HTML of a body; fail if there is none."""
    rendered = await SafeMarkdown().html(body, PAGE)
    assert rendered is not None
    return rendered


async def test_commonmark_tables_and_strikethrough_are_rendered() -> None:
    rendered = await html("# Fire\n\n*It* ~~burns~~\n\n| a |\n| - |\n| b |\n")
    assert "<h1>Fire</h1>" in rendered
    assert "<em>It</em> <s>burns</s>" in rendered
    assert "<td>b</td>" in rendered


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>fine",
        "<style>* { display: none }</style>fine",
        "<img src=x onerror=alert(1)>fine",
        "[fine](javascript:alert(1))",
        "[fine](ftp://example.com/file)",
        "[fine](JaVaScRiPt&colon;alert(1))",
        "[fine](data:text/html;base64,PHNjcmlwdD4=)",
        '<a href="java\tscript:alert(1)">fine</a>',
        "<svg><script>alert(1)</script></svg>fine",
        '<iframe src="https://example.com"></iframe>fine',
        '<p style="position: fixed">fine</p>',
        "<form action=/login><input name=password></form>fine",
        "fine\n\n<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=a()>'>",
    ],
)
async def test_unsafe_html_is_removed(body: str) -> None:
    rendered = await html(body)
    assert "fine" in rendered
    tags = set(re.findall(r"<(\w+)", rendered))
    assert tags <= {"p", "a", "img", "table", "math", "span"}, rendered
    attributes = set(re.findall(r"\s([\w-]+)=", re.sub(r"&lt;.*?&gt;", "", rendered)))
    assert attributes <= {"href", "rel", "src", "title"}, rendered
    for url in re.findall(r'(?:href|src)="([^"]*)"', rendered):
        assert url.startswith("https://"), rendered


async def test_urls_become_absolute() -> None:
    rendered = await html(
        "[other](/article/castles) [near](#fire) ![fire](https://images.example.com/fire.png)"
    )
    assert 'href="https://example.com/article/castles"' in rendered
    assert 'href="https://example.com/article/dragons#fire"' in rendered
    assert 'src="https://images.example.com/fire.png"' in rendered


@pytest.mark.parametrize("tag", ["blockquote", "q", "del", "ins"])
async def test_unsanitized_cite_attribute_is_removed(tag: str) -> None:
    assert await html(f"<{tag} cite='javascript:alert(1)'>fine</{tag}>") == await html(f"<{tag}>fine</{tag}>")


class TestBounds:
    """Bodies of up to 50,000 characters, the longest that is rendered."""

    @pytest.mark.parametrize(
        "body",
        [
            # One definition of 20,000 characters, 9,900 times: 99 MB of URLs.
            "[a]: http://u" + "u" * 20_000 + "\n\n" + "[a]" * 9_900,
            "[a]: x '" + "u" * 20_000 + "'\n\n" + "![a]" * 7_000,
            # Rows of one cell in a table of 2,000 columns, and of 27 tables of 256.
            "|a" * 2_000 + "\n" + "|-" * 2_000 + "\n" + "|\n" * 20_000,
            ("|a" * 256 + "\n" + "|-" * 256 + "\n" + "|\n" * 256 + "\n") * 27,
            # An HTML parser reopens all 2,000 in each paragraph: ten million elements.
            "x" + "".join(f"<b a={number}>" for number in range(2_000)) + "\n\n<p>x" * 4_000,
            # The same with tags that Markdown closes where an HTML parser ignores it.
            *("*a **b " * 1_000 + hidden + "c** d*" * 1_000 + "\n\n<p>x" * 4_000 for hidden in HIDING),
            # For every tag, an HTML parser searches all open elements.
            "<rt>" * 12_500,
            # Scanned again from every bracket.
            "![" * 25_000,
            "![a" * 16_000,
            ("[" * 20 + "a" + "](b)" * 20) * 490,
            # A URL that may continue after each bracket, and lines that may each end the paragraph.
            "[a](" * 12_500,
            "a\n" * 24_000,
        ],
    )
    async def test_expensive_body_is_rejected_before_sanitizing(
        self, body: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The last step, and the most expensive one.
        monkeypatch.delattr("nh3.clean")
        assert len(body) <= MAX_RENDERED_LENGTH
        assert await SafeMarkdown().html(body, PAGE) is None

    @pytest.mark.parametrize(
        "body",
        [
            "A sentence with *stress*, `code` and [a link](https://example.com/a/b).\n\n" * 680,
            "| a | b | c |\n| - | - | - |\n" + "| 1 | **2** | 3 |\n" * 1_000,
            "<details><summary>More</summary>\n\n*It* <sub>burns</sub><br>\n\n</details>\n\n" * 600,
            "[a]: https://example.com/" + "u" * 100 + "\n\n" + "See [a]. " * 1_000,
            "\u7279" * MAX_RENDERED_LENGTH,
        ],
    )
    async def test_long_ordinary_body_is_rendered(self, body: str) -> None:
        assert len(await html(body)) >= len(body)

    @given(
        pieces=st.lists(st.sampled_from(MARKS) | st.text(max_size=5), min_size=1, max_size=30),
        seed=st.none() | st.integers(),
    )
    # A non-breaking space is one character, and becomes six bytes in the last step.
    @example(pieces=[*"\u00a0" * 9, "x"], seed=None)
    @settings(max_examples=12, deadline=None)
    async def test_html_of_any_body_is_bounded(self, pieces: list[str], seed: int | None) -> None:
        if seed is not None:
            pieces = Random(seed).choices(pieces, k=MAX_RENDERED_LENGTH)  # noqa: S311 - no secret
        body = "".join(pieces)
        body = (body * (MAX_RENDERED_LENGTH // max(1, len(body)) + 1))[:MAX_RENDERED_LENGTH]
        rendered = await SafeMarkdown().html(body, PAGE)
        assert rendered is None or len(rendered.encode()) <= MAX_HTML_BYTES


class RecordingMarkdown(SafeMarkdown):
    """Records what it renders, and can be paused."""

    def __init__(self) -> None:
        super().__init__()
        self.rendered: list[tuple[str, str]] = []
        self.begun = threading.Event()
        self.resumed = threading.Event()
        self.resumed.set()

    def _safe_html(self, text: str, base_url: str) -> str | None:
        self.rendered.append((text, base_url))
        self.begun.set()
        self.resumed.wait()
        return super()._safe_html(text, base_url)


class TestCache:
    @pytest.mark.parametrize("body", ["[here](/a)", "<rt>" * 12_500])
    async def test_body_is_rendered_once_for_each_page(self, body: str) -> None:
        markdown = RecordingMarkdown()
        first = await markdown.html(body, PAGE)
        assert await markdown.html(body, PAGE) == first
        await markdown.html(body, "https://other.example/")
        assert markdown.rendered == [(body, PAGE), (body, "https://other.example/")]

    async def test_concurrent_requests_render_a_body_once(self) -> None:
        markdown = RecordingMarkdown()
        await asyncio.gather(markdown.html("fine", PAGE), markdown.html("fine", PAGE))
        assert len(markdown.rendered) == 1

    async def test_cached_body_does_not_wait_for_rendering(self) -> None:
        markdown = RecordingMarkdown()
        await markdown.html("cached", PAGE)
        markdown.begun.clear()
        markdown.resumed.clear()
        other = asyncio.create_task(markdown.html("other", PAGE))
        try:
            assert await asyncio.to_thread(markdown.begun.wait, 10)
            async with asyncio.timeout(10):
                assert await markdown.html("cached", PAGE) == "<p>cached</p>\n"
            assert not other.done()
        finally:
            markdown.resumed.set()
        assert await other == "<p>other</p>\n"

    def test_least_recently_used_html_is_evicted(self) -> None:
        cache = HtmlCache()
        for number in range(100):
            cache.add(b"%d" % number, "\U0001f409" * 50_000)
            assert cache.html(b"0") is not None
        assert [number for number in range(100) if b"%d" % number in cache] == [0, *range(62, 100)]
        assert 39 * 200_000 < CACHE_BYTES < 40 * 200_000 + 40 * CACHE_ENTRY_BYTES

    def test_bodies_without_html_count_towards_the_size(self) -> None:
        cache = HtmlCache()
        for number in range(CACHE_BYTES // CACHE_ENTRY_BYTES + 1):
            cache.add(b"%d" % number, None)
        assert (b"0" in cache, b"1" in cache) == (False, True)
