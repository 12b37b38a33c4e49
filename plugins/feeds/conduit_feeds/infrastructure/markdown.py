"""Markdown as HTML that is safe to show."""

import asyncio
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

# How many bodies are kept as HTML: those of the feeds that are asked for most.
KEPT = 100
SCHEMES = {"http", "https", "mailto"}


class SafeMarkdown:
    """Renders CommonMark with tables and strikethrough, in a thread, and takes out what could do harm.

    Authors may write HTML in their Markdown; what leaves is what nh3 lets through, whoever wrote it.
    """

    def __init__(self) -> None:
        self._markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
        self._kept_html = lru_cache(maxsize=KEPT)(self._safe_html)
        # One at a time: rendering is Python, and more threads would only slow down everything else.
        self._turn = asyncio.Lock()

    async def html(self, text: str, base_url: str) -> str:
        """Return HTML that does no harm in a reader's page; relative URLs are made absolute."""
        async with self._turn:
            return await asyncio.to_thread(self._kept_html, text, base_url)

    def _safe_html(self, text: str, base_url: str) -> str:
        rendered: str = self._markdown.render(text)
        return nh3.clean(rendered, url_schemes=SCHEMES, url_relative=("rewrite_with_base", base_url))
