"""Markdown that strangers wrote, as HTML that is safe to show."""

import asyncio
import re
import threading
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conduit_feeds.domain.syndication import MAX_RENDERED_LENGTH
from conduit_feeds.infrastructure.markdown import (
    KEPT_BYTES,
    KEPT_ENTRY_BYTES,
    MAX_HTML_LENGTH,
    HtmlCache,
    SafeMarkdown,
)

PAGE = "https://example.com/article/dragons"
HIDING = ["<table><td>", "<select>", "<textarea>", "<OBJECT>"]
# What Markdown and HTML are made of.
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
    """Return what a body becomes, which must be something."""
    rendered = await SafeMarkdown().html(body, PAGE)
    assert rendered is not None
    return rendered


async def test_commonmark_is_rendered_and_tables_and_strikethrough_too() -> None:
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
async def test_what_could_do_harm_is_taken_out(body: str) -> None:
    rendered = await html(body)
    assert "fine" in rendered
    tags = set(re.findall(r"<(\w+)", rendered))
    assert tags <= {"p", "a", "img", "table", "math", "span"}, rendered
    attributes = set(re.findall(r"\s([\w-]+)=", re.sub(r"&lt;.*?&gt;", "", rendered)))
    assert attributes <= {"href", "rel", "src", "title"}, rendered
    for address in re.findall(r'(?:href|src)="([^"]*)"', rendered):
        assert address.startswith("https://"), rendered


async def test_addresses_become_absolute() -> None:
    rendered = await html(
        "[other](/article/castles) [near](#fire) ![fire](https://images.example.com/fire.png)"
    )
    assert 'href="https://example.com/article/castles"' in rendered
    assert 'href="https://example.com/article/dragons#fire"' in rendered
    assert 'src="https://images.example.com/fire.png"' in rendered


@pytest.mark.parametrize("tag", ["blockquote", "q", "del", "ins"])
async def test_a_quotation_names_no_address_that_nobody_checks(tag: str) -> None:
    assert await html(f"<{tag} cite='javascript:alert(1)'>fine</{tag}>") == await html(f"<{tag}>fine</{tag}>")


class TestBounds:
    """Bodies of 50,000 characters, which is as much as is ever rendered."""

    @pytest.mark.parametrize(
        "body",
        [
            # One definition of 20,000 characters, 9,900 times: 99 MB of addresses.
            "[a]: http://u" + "u" * 20_000 + "\n\n" + "[a]" * 9_900,
            "[a]: x '" + "u" * 20_000 + "'\n\n" + "![a]" * 7_000,
            # Rows of one cell in a table of 2,000 columns, and of 27 tables of 256.
            "|a" * 2_000 + "\n" + "|-" * 2_000 + "\n" + "|\n" * 20_000,
            ("|a" * 256 + "\n" + "|-" * 256 + "\n" + "|\n" * 256 + "\n") * 27,
            # A parser of HTML opens all 2,000 again in each of the paragraphs: ten million elements.
            "x" + "".join(f"<b a={number}>" for number in range(2_000)) + "\n\n<p>x" * 4_000,
            # The same of tags that Markdown closes, but where a parser of HTML does not see it.
            *("*a **b " * 1_000 + hidden + "c** d*" * 1_000 + "\n\n<p>x" * 4_000 for hidden in HIDING),
            # For every tag, a parser of HTML looks through all that are open.
            "<rt>" * 12_500,
            # Scanned again from every bracket on.
            "![" * 25_000,
            "![a" * 16_000,
            ("[" * 20 + "a" + "](b)" * 20) * 490,
            # An address that may go on after each, and lines that may each end the paragraph.
            "[a](" * 12_500,
            "a\n" * 24_000,
        ],
    )
    async def test_a_body_that_grows_or_takes_long_is_refused_before_it_has(
        self, body: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # What comes last, and would make most of it.
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
    async def test_a_long_body_that_people_might_write_has_html(self, body: str) -> None:
        assert len(await html(body)) >= len(body)

    @given(
        pieces=st.lists(st.sampled_from(MARKS) | st.text(max_size=5), min_size=1, max_size=30),
        seed=st.none() | st.integers(),
    )
    # A space that does not break is one character, and becomes six in the very last step.
    @example(pieces=[*"\u00a0" * 9, "x"], seed=None)
    @settings(max_examples=12, deadline=None)
    async def test_whatever_the_body_there_is_no_more_html_than_that(
        self, pieces: list[str], seed: int | None
    ) -> None:
        if seed is not None:
            pieces = Random(seed).choices(pieces, k=MAX_RENDERED_LENGTH)  # noqa: S311 - no secret
        body = "".join(pieces)
        body = (body * (MAX_RENDERED_LENGTH // max(1, len(body)) + 1))[:MAX_RENDERED_LENGTH]
        rendered = await SafeMarkdown().html(body, PAGE)
        assert rendered is None or len(rendered.encode()) <= MAX_HTML_LENGTH


class Counted(SafeMarkdown):
    """Remembers what it rendered, and can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.rendered: list[tuple[str, str]] = []
        self.begun = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def _safe_html(self, text: str, base_url: str) -> str | None:
        self.rendered.append((text, base_url))
        self.begun.set()
        self.may_go_on.wait()
        return super()._safe_html(text, base_url)


class TestKeeping:
    @pytest.mark.parametrize("body", ["[here](/a)", "<rt>" * 12_500])
    async def test_a_body_is_rendered_once_for_each_page_whatever_comes_of_it(self, body: str) -> None:
        markdown = Counted()
        first = await markdown.html(body, PAGE)
        assert await markdown.html(body, PAGE) == first
        await markdown.html(body, "https://other.example/")
        assert markdown.rendered == [(body, PAGE), (body, "https://other.example/")]

    async def test_a_body_that_two_ask_for_at_once_is_rendered_once(self) -> None:
        markdown = Counted()
        await asyncio.gather(markdown.html("fine", PAGE), markdown.html("fine", PAGE))
        assert len(markdown.rendered) == 1

    async def test_what_is_kept_waits_for_no_other_body(self) -> None:
        markdown = Counted()
        await markdown.html("kept", PAGE)
        markdown.begun.clear()
        markdown.may_go_on.clear()
        other = asyncio.create_task(markdown.html("other", PAGE))
        try:
            assert await asyncio.to_thread(markdown.begun.wait, 10)
            async with asyncio.timeout(10):
                assert await markdown.html("kept", PAGE) == "<p>kept</p>\n"
            assert not other.done()
        finally:
            markdown.may_go_on.set()
        assert await other == "<p>other</p>\n"

    def test_what_is_kept_is_bounded_in_bytes_and_is_what_was_asked_for_last(self) -> None:
        kept = HtmlCache()
        for number in range(100):
            kept.add(b"%d" % number, "\U0001f409" * 50_000)
            assert kept.html(b"0") is not None
        assert [number for number in range(100) if b"%d" % number in kept] == [0, *range(62, 100)]
        assert 39 * 200_000 < KEPT_BYTES < 40 * 200_000 + 40 * KEPT_ENTRY_BYTES

    def test_bodies_without_html_are_not_kept_for_nothing(self) -> None:
        kept = HtmlCache()
        for number in range(KEPT_BYTES // KEPT_ENTRY_BYTES + 1):
            kept.add(b"%d" % number, None)
        assert (b"0" in kept, b"1" in kept) == (False, True)
