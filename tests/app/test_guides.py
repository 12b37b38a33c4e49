"""The guides below /docs, and their links."""

import html
import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from conduit_app.pages.guides import GUIDES, PREFIX, create_guides_router, guide_links
from tests.client import Api
from tests.conftest import AppInstance


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return an application on SQLite: the pages do not use the database."""
    return sqlite_app


async def page_of(api: Api, path: str) -> str:
    """Return the HTML of a page."""
    response = await api.outside("GET", path)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), path
    return response.text


async def test_documentation_links_to_each_guide(api: Api) -> None:
    description = (await api.outside("GET", "/openapi.json")).json()["info"]["description"]
    for name, audience in GUIDES.items():
        assert f"[{audience}]({PREFIX}/{name})" in description
        assert "<h1" in await page_of(api, f"{PREFIX}/{name}")


async def test_links_of_pages_exist(api: Api) -> None:
    pages: dict[str, str] = {}
    unseen, anchors = {f"{PREFIX}/{name}" for name in GUIDES}, set()
    while unseen:
        path = unseen.pop()
        pages[path] = await page_of(api, path)
        for link in map(html.unescape, re.findall(r'<a href="([^"]*)"', pages[path])):
            target, _, anchor = link.partition("#")
            anchors |= {(target or path, anchor)} if anchor and "://" not in link else set()
            if target.startswith(PREFIX) and target not in pages:
                unseen.add(target)
            assert (
                target.startswith((f"{PREFIX}/", "https://", "http://")) or link == "/docs" or not target
            ), link
        for image in re.findall(r'<img src="([^"]*)"', pages[path]):
            response = await api.outside("GET", image)
            assert (response.status_code, response.headers["Content-Type"]) == (200, "image/svg+xml")
            condition = {"If-None-Match": response.headers["ETag"]}
            assert (await api.outside("GET", image, headers=condition)).status_code == 304
    assert len(pages) > len(GUIDES)
    assert [
        (target, anchor) for target, anchor in anchors if f'id="{html.escape(anchor)}"' not in pages[target]
    ] == []


@pytest.mark.parametrize(
    "name", ["unknown", "frontends.md", "../README", "%2e%2e/README", "clients/python/session.py", ""]
)
async def test_other_files_return_404(api: Api, name: str) -> None:
    assert (await api.outside("GET", f"{PREFIX}/{name}")).status_code == 404


async def test_pages_of_packages_in_the_examples_return_404(tmp_path: Path) -> None:
    for name in (*GUIDES, "clients/typescript/node_modules/other/README"):
        page = tmp_path / f"{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("# A page\n")
    application = FastAPI()
    application.include_router(create_guides_router(tmp_path))
    api = Api(application)
    assert (await api.outside("GET", f"{PREFIX}/modules")).status_code == 200
    response = await api.outside("GET", f"{PREFIX}/clients/typescript/node_modules/other/README")
    assert response.status_code == 404


def test_links_are_empty_without_guides(tmp_path: Path) -> None:
    assert guide_links(tmp_path) == ""
