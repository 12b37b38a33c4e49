"""The HTML of the guides, of the files that they link to, and of search results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from conduit_app.pages.guide_library import MAX_QUERY_LENGTH, SEARCH, SOURCES, Guide, GuideLibrary
from conduit_app.pages.guide_markdown import Document, Section, highlighted, lexer_for_file
from conduit_app.pages.guide_search import Hit, search
from conduit_app.pages.page_frame import html_page, page_headers, relative_link, top_bar
from conduit_app.pages.page_style import page_style

STYLES = [Path(__file__).with_name(f"{name}.css") for name in ("guides", "code")]
SCRIPT = Path(__file__).with_name("guides.js")
MAX_CONTENTS_LEVEL = 3
MAX_OPEN_GROUP = 12
"""A group of the menu with more guides is collapsed, unless it has the current page."""


@dataclass(frozen=True, slots=True)
class _Content:
    """The parts of a page inside its frame. All but the title is HTML or CSS."""

    title: str
    text: str
    contents: str = ""
    style: str = ""


class GuidePages:
    """Renders the pages of a library for an application; a document is parsed again when its file changes."""

    def __init__(self, library: GuideLibrary, application: FastAPI) -> None:
        self._library = library
        self._application = application
        self._documents: dict[str, tuple[int, Document]] = {}
        self._rendered: dict[str, tuple[Document, str]] = {}

    def guide(self, guide: Guide) -> HTMLResponse:
        """Return the page of a guide."""
        document = self._document(guide)
        rendered, text = self._rendered.get(guide.name, (None, ""))
        if rendered is not document:
            text = document.html(lambda href: self._library.link(href, guide.file, guide.path))
            self._rendered[guide.name] = (document, text)
        content = _Content(guide.title, text, _contents(document.sections), document.style())
        return self._page(guide.path, content)

    def results(self, query: str) -> HTMLResponse:
        """Return the page with the sections that a query finds."""
        documents = ((guide, self._document(guide)) for guide in self._library.guides.values())
        hits = search(documents, query)
        found = f'<ol class="hits">\n{"".join(_hits(hits))}</ol>' if hits else "<p>Nothing found.</p>"
        text = f"<h1>Search</h1>\n{found if query.strip() else '<p>Enter words to search the guides.</p>'}"
        return self._page(SEARCH, _Content("Search", text), query)

    def source(self, path: str, file: Path) -> HTMLResponse:
        """Return the page of a file or folder of the checkout."""
        page = f"{SOURCES}/{path}"
        heading = f"<h1><code>{escape(path)}</code></h1>\n"
        content = self._files(page, file) if file.is_dir() else _file(file)
        return self._page(page, _Content(path, heading + content))

    def _files(self, page: str, folder: Path) -> str:
        links = (
            f'<li><a href="{escape(relative_link(target, page))}">{escape(name)}</a></li>\n'
            for name, target in self._library.sources_in(folder)
        )
        return f'<ul class="files">\n{"".join(links)}</ul>\n'

    def _document(self, guide: Guide) -> Document:
        version = guide.version
        cached, document = self._documents.get(guide.name, (None, None))
        if document is None or cached != version:
            document = Document(guide.text())
            self._documents[guide.name] = (version, document)
        return document

    def _page(self, path: str, content: _Content, query: str = "") -> HTMLResponse:
        style = page_style(*STYLES) + content.style
        script = SCRIPT.read_text(encoding="utf-8")
        body = f"""{top_bar(self._application, path, _search_form(path, query))}
<div class="columns">
<details class="menu" open="">
<summary>All guides</summary>
<nav aria-label="Guides">
{"".join(self._menu(path))}</nav>
</details>
{content.contents}<main>
{content.text}</main>
</div>"""
        policy = {"img-src": "'self'", "connect-src": "'self'", "form-action": "'self'"}
        return HTMLResponse(
            html_page(f"{content.title} · Conduit", style, body, script),
            headers=page_headers(style, script, more=policy),
        )

    def _menu(self, path: str) -> Iterator[str]:
        for group, guides in self._library.menu().items():
            is_open = len(guides) <= MAX_OPEN_GROUP or any(guide.path == path for guide in guides)
            attributes = ' open=""' if is_open else ""
            yield f"<details{attributes}>\n<summary>{escape(group)}</summary>\n<ul>\n"
            for guide in guides:
                current = ' aria-current="page"' if guide.path == path else ""
                title = escape(guide.title.replace("`", ""))
                yield f'<li><a href="{relative_link(guide.path, path)}"{current}>{title}</a></li>\n'
            yield "</ul>\n</details>\n"


def _file(file: Path) -> str:
    return highlighted(file.read_text(encoding="utf-8"), lexer_for_file(file.name))


def _contents(sections: Sequence[Section]) -> str:
    items = "".join(
        f'<li class="level{section.level}">'
        f'<a href="#{escape(section.anchor)}">{escape(section.heading)}</a></li>\n'
        for section in sections
        if 1 < section.level <= MAX_CONTENTS_LEVEL
    )
    if not items:
        return ""
    return f"""<details class="contents" open="">
<summary>On this page</summary>
<nav aria-label="On this page">
<ol>
{items}</ol>
</nav>
</details>
"""


def _search_form(path: str, query: str) -> str:
    return (
        f'<form role="search" action="{relative_link(SEARCH, path)}">'
        f'<input type="search" name="q" value="{escape(query)}" maxlength="{MAX_QUERY_LENGTH}"'
        ' placeholder="Search the guides" aria-label="Search the guides" autocomplete="off"/>'
        '<div class="found" aria-live="polite" hidden=""></div></form>'
    )


def _hits(hits: Sequence[Hit]) -> Iterator[str]:
    for hit in hits:
        link, title = relative_link(hit.path, SEARCH), hit.guide.title.replace("`", "")
        place = "" if hit.section.heading == title else f"<small>{escape(title)}</small>"
        yield (
            f'<li><a href="{escape(link)}">{escape(hit.section.heading)}</a>{place}'
            f"<p>{hit.excerpt}</p></li>\n"
        )
