"""The guides of docs/ as pages, for whoever has come to /docs."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from conduit_app.pages.page_style import page_style

if TYPE_CHECKING:
    from markdown_it.token import Token

FOLDER = Path(__file__).parents[2] / "docs"
PREFIX = "/docs/guides"
GUIDES = {"frontends": "for frontends", "modules": "for module teams", "operations": "for operators"}
STYLE = Path(__file__).with_suffix(".css")
NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


def guide_links(folder: Path = FOLDER) -> str:
    """Return Markdown that leads to the guides, or nothing where they were not installed."""
    if not _are_there(folder):
        return ""
    return "Guides: " + ", ".join(f"[{whom}]({PREFIX}/{name})" for name, whom in GUIDES.items()) + "."


def create_guides_router(folder: Path = FOLDER) -> APIRouter:
    """Return the pages, none where the guides were not installed; they are not in the API's document."""
    router = APIRouter(include_in_schema=False)
    if not _are_there(folder):
        return router
    # What is there is known now: no path that a caller makes up reaches a file. The examples' folders are
    # left out: who follows a guide has other people's packages there.
    texts = [*folder.glob("*.md"), *folder.glob("decisions/*.md")]
    pages = {file.relative_to(folder).with_suffix("").as_posix(): file for file in texts}
    pictures = {file.name: file for file in folder.glob("*.svg")}
    places = {*(f"{name}.md" for name in pages), *pictures}

    # Not async: it reads files, and is called once in a while.
    @router.get(PREFIX + "/{name:path}")
    def guide(name: str) -> Response:
        """Show a page, or a picture of one."""
        if name in pictures:
            return Response(pictures[name].read_bytes(), media_type="image/svg+xml")
        if name not in pages:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return HTMLResponse(_page(name, pages[name].read_text(encoding="utf-8"), places))

    return router


def _are_there(folder: Path) -> bool:
    return all((folder / f"{name}.md").is_file() for name in GUIDES)


def _page(name: str, text: str, places: set[str]) -> str:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - memory that a process which shows no page need not have

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    _name_headings(tokens)
    for token in tokens:
        if token.children is not None:
            token.children = list(_led_to_pages(token.children, name, places))
    title = next(inline.content for token, inline in _headings(tokens) if token.tag == "h1")
    links = " ".join(f'<a href="{PREFIX}/{guide}">{escape(whom)}</a>' for guide, whom in GUIDES.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>{escape(title)} · Conduit</title>
<style>{page_style(STYLE)}</style>
</head>
<body>
<nav><a href="/docs">API</a> {links}</nav>
<main>
{markdown.renderer.render(tokens, markdown.options, {})}</main>
</body>
</html>
"""


def _headings(tokens: "Sequence[Token]") -> "Iterator[tuple[Token, Token]]":
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            yield token, inline


def _name_headings(tokens: "Sequence[Token]") -> None:
    """Give each heading the anchor that it has where repositories are shown: links are written for those."""
    seen: Counter[str] = Counter()
    for token, inline in _headings(tokens):
        text = "".join(child.content for child in inline.children or ())
        anchor = NOT_IN_ANCHORS.sub("", text.lower()).replace(" ", "-")
        token.attrSet("id", f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1


def _led_to_pages(tokens: "Sequence[Token]", page: str, places: set[str]) -> "Iterator[Token]":
    """Yield the tokens with links to other pages instead of files; what leads to any other file is text."""
    leads_nowhere = False
    for token in tokens:
        if token.type == "link_open":
            href = _href(str(token.attrGet("href")), page, places)
            leads_nowhere = href is None
            token.attrSet("href", href or "")
        if token.type == "image":
            token.attrSet("src", _href(str(token.attrGet("src")), page, places) or "")
        if not (leads_nowhere and token.type in {"link_open", "link_close"}):
            yield token


def _href(href: str, page: str, places: set[str]) -> str | None:
    if "://" in href or href.startswith("#"):
        return href
    path, hash_, anchor = href.partition("#")
    place = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    return f"{PREFIX}/{place.removesuffix('.md')}{hash_}{anchor}" if place in places else None
