"""The guides below /docs: their HTML, their links, the search, and the files that they link to."""

import html
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from fastapi import FastAPI

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.pages.guide_library import PREFIX, SEARCH, SOURCES, GuideLibrary
from conduit_app.pages.guides import GUIDES, ROOT, create_guides_router, guide_links
from conduit_app.settings import Settings
from tests.client import Api
from tests.conftest import SECRET, AppInstance

FOLDERS = (".", "docs", "docs/decisions", "modules/*", "plugins/*")
FILES = sorted(file for folder in FOLDERS for file in ROOT.glob(f"{folder}/*.md"))
LIBRARY = GuideLibrary(ROOT, with_sources=True)
INLINE_CODE = re.compile(r'(?<!<pre tabindex="0">)<code>[^<]*</code>')
HEADING = re.compile(r'<h([1-6]) id="([^"]*)">(.*?)</h\1>', re.DOTALL)


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return an application on SQLite: the pages do not use the database."""
    return sqlite_app


@pytest.fixture
async def pages(api: Api) -> dict[str, str]:
    """Return the HTML of every guide, by its path."""
    return {guide.path: await page_of(api, guide.path) for guide in LIBRARY.guides.values()}


@pytest.fixture
async def production(settings: Settings, composition: Composition) -> Api:
    """Return a client of an application in production."""
    changes = {"environment": "production", "secret_key": SECRET}
    return Api(create_application(settings.model_copy(update=changes), composition))


async def page_of(api: Api, path: str) -> str:
    """Return the HTML of a page."""
    response = await api.outside("GET", path)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), path
    return response.text


def links(page: str, path: str) -> list[str]:
    """Return the addresses of a page's links, resolved."""
    return [urljoin(path, html.unescape(link)) for link in re.findall('<a href="([^"]*)"', page)]


def main_of(page: str) -> str:
    """Return the page without navigation."""
    return page.partition("<main>")[2].partition("</main>")[0]


def served(tmp_path: Path, **texts: str) -> Api:
    """Return a client of an application with these guides only."""
    (tmp_path / "docs").mkdir()
    for name in GUIDES:
        (tmp_path / "docs" / f"{name}.md").write_text(texts.get(name, "# A guide\n"), encoding="utf-8")
    application = FastAPI()
    application.include_router(create_guides_router(application, with_sources=True, root=tmp_path))
    return Api(application)


class TestPages:
    async def test_documentation_links_to_each_guide(self, api: Api) -> None:
        description = (await api.outside("GET", "/openapi.json")).json()["info"]["description"]
        for name, audience in GUIDES.items():
            assert f"[{audience}]({PREFIX}/{name})" in description
            assert "<h1" in await page_of(api, f"{PREFIX}/{name}")

    async def test_pages_show_no_source_of_diagrams_and_no_html(self, pages: dict[str, str]) -> None:
        raw = re.compile(r"graph (BT|TD|LR)\s|sequenceDiagram|--&gt;\||&lt;br|&lt;!--|--&gt;$", re.MULTILINE)
        texts = {path: INLINE_CODE.sub("", main_of(page)) for path, page in pages.items()}
        assert {path: found.group() for path, text in texts.items() if (found := raw.search(text))} == {}
        assert 'class="box' in pages[f"{PREFIX}/architecture"]

    async def test_every_heading_has_a_link_and_is_in_the_contents(self, pages: dict[str, str]) -> None:
        for path, page in pages.items():
            headings = HEADING.findall(main_of(page))
            assert headings[0][0] == "1", path
            assert [
                anchor for _, anchor, text in headings if f'<a class="anchor" href="#{anchor}"' not in text
            ] == []
            contents = page.partition('<details class="contents"')[2].partition("</details>")[0]
            assert re.findall('href="#([^"]*)"', contents) == [
                anchor for level, anchor, _ in headings if level in {"2", "3"}
            ], path

    async def test_menu_of_every_page_has_every_guide_and_marks_the_current_one(
        self, pages: dict[str, str]
    ) -> None:
        assert {guide.file for guide in LIBRARY.guides.values()} == set(FILES)
        for path, page in pages.items():
            menu = page.partition('<nav aria-label="Guides">')[2].partition("</nav>")[0]
            assert set(links(menu, path)) == set(pages), path
            assert [urljoin(path, link) for link in re.findall('href="([^"]*)" aria-current', menu)] == [path]

    async def test_links_of_pages_exist(self, api: Api, pages: dict[str, str]) -> None:
        anchors = {path: {anchor for _, anchor, _ in HEADING.findall(page)} for path, page in pages.items()}
        others = {"/", "/docs", "/architecture", SEARCH}
        images = set()
        for path, page in pages.items():
            for link in links(page, path):
                target, _, anchor = link.partition("#")
                if target.endswith(".svg"):
                    images.add(target)
                elif target.startswith(f"{SOURCES}/"):
                    assert LIBRARY.source(target.removeprefix(f"{SOURCES}/")), (path, link)
                elif "://" not in link:
                    assert target in anchors or target in others, (path, link)
                    assert not anchor or anchor in anchors[target], (path, link)
        assert images
        for image in images:
            response = await api.outside("GET", image)
            assert (response.status_code, response.headers["Content-Type"]) == (200, "image/svg+xml")
            condition = {"If-None-Match": response.headers["ETag"]}
            assert (await api.outside("GET", image, headers=condition)).status_code == 304

    async def test_no_link_of_a_document_becomes_text(self) -> None:
        dead = [
            (guide.name, link)
            for guide in LIBRARY.guides.values()
            for link in re.findall(r"\]\(([^)\s]+)", guide.file.read_text(encoding="utf-8"))
            if LIBRARY.link(link, guide.file, guide.path) is None
        ]
        assert dead == []

    @pytest.mark.parametrize("path", ["/docs", PREFIX, f"{PREFIX}/decisions/README", SEARCH, "/architecture"])
    async def test_links_are_relative(self, api: Api, path: str) -> None:
        """So that they are valid behind a prefix."""
        page = await page_of(api, path)
        assert {"/docs", PREFIX, "/architecture"} <= set(links(page, path))
        assert re.findall(r'(?:href|src|action)="/[^"]*"', page) == []

    async def test_code_is_highlighted_and_escaped(self, tmp_path: Path) -> None:
        api = served(
            tmp_path,
            modules="# A\n\n```python\nreturn '<b>'\n```\n\n```unknown\n<i>\n```\n\n<u>\n\n<s>x</s>\n",
        )
        page = main_of(await page_of(api, f"{PREFIX}/modules"))
        assert '<span class="k">return</span>' in page
        assert all(f"&lt;{tag}&gt;" in page for tag in ("b", "i", "u", "s"))

    async def test_line_break_in_a_table_is_no_text(self, tmp_path: Path) -> None:
        api = served(tmp_path, modules="# A\n\n| a |\n| --- |\n| `b`<br>`c` |\n")
        assert "</code><br/><code>" in main_of(await page_of(api, f"{PREFIX}/modules"))

    async def test_changed_file_is_rendered_again(self, tmp_path: Path) -> None:
        api = served(tmp_path)
        assert "A guide" in await page_of(api, f"{PREFIX}/modules")
        (tmp_path / "docs" / "modules.md").write_text("# Another guide\n\nWords.\n", encoding="utf-8")
        assert "Another guide" in main_of(await page_of(api, f"{PREFIX}/modules"))

    @pytest.mark.parametrize(
        "name", ["unknown", "frontends.md", "../README", "%2e%2e/README", "clients/python/session.py", ""]
    )
    async def test_other_files_return_404(self, api: Api, name: str) -> None:
        assert (await api.outside("GET", f"{PREFIX}/{name}")).status_code == 404

    async def test_pages_of_packages_in_the_examples_return_404(self, tmp_path: Path) -> None:
        api = served(tmp_path)
        name = "clients/typescript/node_modules/other/README"
        page = tmp_path / "docs" / f"{name}.md"
        page.parent.mkdir(parents=True)
        page.write_text("# A page\n", encoding="utf-8")
        assert (await api.outside("GET", f"{PREFIX}/modules")).status_code == 200
        assert (await api.outside("GET", f"{PREFIX}/{name}")).status_code == 404

    def test_links_are_empty_without_guides(self, tmp_path: Path) -> None:
        assert guide_links(tmp_path) == ""


class TestSearch:
    async def test_words_are_found_and_linked_to_their_section(self, api: Api) -> None:
        page = main_of(await page_of(api, f"{SEARCH}?q=IDEMPOTENCY-key+retrying"))
        [first, *_] = links(page, SEARCH)
        assert first == f"{PREFIX}/frontends#retrying-safely-idempotency-key"
        assert "<mark>Idempotency-Key</mark>" in page

    @pytest.mark.parametrize("query", ["xyzzyx", "retrying+xyzzyx", "r.trying"])
    async def test_all_words_must_be_found(self, api: Api, query: str) -> None:
        assert "Nothing found." in main_of(await page_of(api, f"{SEARCH}?q={query}"))

    async def test_query_and_excerpt_are_escaped(self, tmp_path: Path) -> None:
        api = served(tmp_path, modules='# A\n\n## B\n\nwrite `<b title="x">` & more\n')
        page = await page_of(api, f"{SEARCH}?q=%3Cb+title%3D%22x%22%3E")
        assert "<mark>&lt;b</mark> <mark>title=&quot;x&quot;&gt;</mark> &amp; more" in page
        assert 'value="&lt;b title=&quot;x&quot;&gt;"' in page

    async def test_query_has_a_maximum_length(self, api: Api) -> None:
        assert (await api.outside("GET", f"{SEARCH}?q={'x' * 101}")).status_code == 422


class TestSources:
    async def test_linked_files_are_pages_in_development(self, api: Api) -> None:
        page = main_of(await page_of(api, f"{SOURCES}/modules/articles/contracts.py"))
        assert '<span class="k">class</span>' in page
        assert f"{SOURCES}/deploy/nginx.conf" in links(
            await page_of(api, f"{SOURCES}/deploy"), f"{SOURCES}/deploy"
        )

    async def test_production_serves_no_files_and_no_links_to_them(self, production: Api) -> None:
        page = await page_of(production, f"{PREFIX}/security")
        assert "tests/security/test_headers.py" in (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
        assert ">test_headers.py</a>" not in page
        assert "test_headers.py" in page
        response = await production.outside("GET", f"{SOURCES}/tests/security/test_headers.py")
        assert response.status_code == 404

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "requirements/runtime.txt",
            "deploy/secret.env",
            "deploy/.env",
            "modules/../.git/config",
            "modules/%2e%2e/.git/config",
            "docs/clients/typescript/node_modules/index.js",
            "/etc/passwd",
        ],
    )
    async def test_other_files_return_404(self, tmp_path: Path, path: str) -> None:
        api = served(
            tmp_path, modules="# A\n\n[d](../deploy) [m](../modules) [c](clients) [o](../../outside.py)\n"
        )
        for name in (
            "deploy/secret.env",
            "deploy/.env",
            "deploy/a.conf",
            "requirements/runtime.txt",
            ".git/config",
        ):
            file = tmp_path / name
            file.parent.mkdir(exist_ok=True)
            file.write_text("text", encoding="utf-8")
        node_modules = tmp_path / "docs" / "clients" / "typescript" / "node_modules"
        node_modules.mkdir(parents=True)
        (node_modules / "index.js").write_text("text", encoding="utf-8")
        (tmp_path / "modules").mkdir()
        assert links(main_of(await page_of(api, f"{SOURCES}/deploy")), f"{SOURCES}/deploy") == [
            f"{SOURCES}/deploy/a.conf"
        ]
        assert (await api.outside("GET", f"{SOURCES}/{path}")).status_code == 404


README = """# Reading goals

See [the tutorial](../../docs/modules.md) and [nothing](missing.md).

## Owns

A table.
"""


async def test_readme_of_an_installed_plugin_is_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conduit_app.pages.guides.installed_readmes", lambda: {"goals": README})
    application = FastAPI()
    application.include_router(create_guides_router(application, with_sources=False))
    api, path = Api(application), f"{PREFIX}/plugins/goals/README"
    page = await page_of(api, path)
    assert "<h1" in page
    assert f"{PREFIX}/modules" in links(main_of(page), path)
    assert path in links(await page_of(api, PREFIX), PREFIX)
    assert "Reading goals" in main_of(await page_of(api, f"{SEARCH}?q=goals+table"))


def test_readme_in_the_checkout_is_a_page_once() -> None:
    library = GuideLibrary(ROOT, with_sources=False, readmes={"bookmarks": README})
    assert library.guides["plugins/bookmarks/README"].title == "Bookmarks"
