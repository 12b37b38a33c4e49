"""Markdown that strangers wrote, as HTML that is safe to show."""

import re

import pytest

from conduit_feeds.infrastructure.markdown import SafeMarkdown

PAGE = "https://example.com/article/dragons"


async def html(body: str) -> str:
    """Return what a body becomes."""
    return await SafeMarkdown().html(body, PAGE)


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


async def test_a_body_is_rendered_once_for_each_page() -> None:
    markdown = SafeMarkdown()
    first = await markdown.html("[here](/a)", PAGE)
    assert await markdown.html("[here](/a)", PAGE) is first
    assert "https://other.example/a" in await markdown.html("[here](/a)", "https://other.example/")
