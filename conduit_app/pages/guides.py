"""The guides of docs/ as HTML pages below /docs."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
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


def guide_links(folder: Path = FOLDER, *, root_path: str = "") -> str:
    """Return Markdown links to the guides, or an empty string if they are not installed."""
    if not _guides_installed(folder):
        return ""
    return (
        "Guides: "
        + ", ".join(f"[{audience}]({root_path}{PREFIX}/{name})" for name, audience in GUIDES.items())
        + "."
    )


def create_guides_router(folder: Path = FOLDER) -> APIRouter:
    """Return the routes of the pages, if the guides are installed; they are not in the OpenAPI document."""
    router = APIRouter(include_in_schema=False)
    if not _guides_installed(folder):
        return router
    # Listed here, so that no path of a client reaches the file system. Without the folders of the examples,
    # which contain third-party packages once a reader has installed them.
    files = [*folder.glob("*.md"), *folder.glob("decisions/*.md")]
    pages = {file.relative_to(folder).with_suffix("").as_posix(): file for file in files}
    images = {file.name: file for file in folder.glob("*.svg")}
    targets = {*(f"{name}.md" for name in pages), *images}

    # Not async: it reads files.
    @router.get(PREFIX + "/{name:path}")
    def guide(name: str, request: Request) -> Response:
        """Return a page, or an image."""
        if name in images:
            return Response(images[name].read_bytes(), media_type="image/svg+xml")
        if name not in pages:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        page = _page(name, pages[name].read_text(encoding="utf-8"), targets)
        # Quotation marks in the text are escaped: these are attributes.
        return HTMLResponse(page.replace('="/', f'="{request.scope["root_path"]}/'))

    return router


def _guides_installed(folder: Path) -> bool:
    return all((folder / f"{name}.md").is_file() for name in GUIDES)


def _page(name: str, text: str, targets: set[str]) -> str:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - saves memory until a page is requested

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    _add_anchors(tokens)
    for token in tokens:
        if token.children is not None:
            token.children = list(_rewrite_links(token.children, name, targets))
    title = next(inline.content for token, inline in _headings(tokens) if token.tag == "h1")
    links = " ".join(
        f'<a href="{PREFIX}/{guide}">{escape(audience)}</a>' for guide, audience in GUIDES.items()
    )
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


def _add_anchors(tokens: "Sequence[Token]") -> None:
    """Add the anchors that repository hosts give headings, which the guides' links use."""
    seen: Counter[str] = Counter()
    for token, inline in _headings(tokens):
        text = "".join(child.content for child in inline.children or ())
        anchor = NOT_IN_ANCHORS.sub("", text.lower()).replace(" ", "-")
        token.attrSet("id", f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1


def _rewrite_links(tokens: "Sequence[Token]", page: str, targets: set[str]) -> "Iterator[Token]":
    """Yield the tokens with links to pages instead of files; a link to any other file becomes text."""
    is_broken = False
    for token in tokens:
        if token.type == "link_open":
            href = _href(str(token.attrGet("href")), page, targets)
            is_broken = href is None
            token.attrSet("href", href or "")
        if token.type == "image":
            token.attrSet("src", _href(str(token.attrGet("src")), page, targets) or "")
        if not (is_broken and token.type in {"link_open", "link_close"}):
            yield token


def _href(href: str, page: str, targets: set[str]) -> str | None:
    if "://" in href or href.startswith("#"):
        return href
    path, hash_, anchor = href.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    return f"{PREFIX}/{target.removesuffix('.md')}{hash_}{anchor}" if target in targets else None
