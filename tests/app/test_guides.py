"""The guides beside /docs: they are there, and lead to each other and to nothing that is not."""

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
    """Return a Conduit on SQLite: no page asks the database anything."""
    return sqlite_app


async def shown(api: Api, path: str) -> str:
    """Return a page."""
    answer = await api.outside("GET", path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), path
    return answer.text


async def test_the_documentation_links_to_each_guide(api: Api) -> None:
    description = (await api.outside("GET", "/openapi.json")).json()["info"]["description"]
    for name, whom in GUIDES.items():
        assert f"[{whom}]({PREFIX}/{name})" in description
        assert "<h1" in await shown(api, f"{PREFIX}/{name}")


async def test_whatever_a_page_leads_to_here_is_there(api: Api) -> None:
    pages: dict[str, str] = {}
    unseen, wanted = {f"{PREFIX}/{name}" for name in GUIDES}, set()
    while unseen:
        path = unseen.pop()
        pages[path] = await shown(api, path)
        for link in map(html.unescape, re.findall(r'<a href="([^"]*)"', pages[path])):
            place, _, anchor = link.partition("#")
            wanted |= {(place or path, anchor)} if anchor and "://" not in link else set()
            if place.startswith(PREFIX) and place not in pages:
                unseen.add(place)
            assert place.startswith((f"{PREFIX}/", "https://", "http://")) or link == "/docs" or not place, (
                link
            )
        for picture in re.findall(r'<img src="([^"]*)"', pages[path]):
            answer = await api.outside("GET", picture)
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
            known = {"If-None-Match": answer.headers["ETag"]}
            assert (await api.outside("GET", picture, headers=known)).status_code == 304
    assert len(pages) > len(GUIDES)
    assert [
        (place, anchor) for place, anchor in wanted if f'id="{html.escape(anchor)}"' not in pages[place]
    ] == []


@pytest.mark.parametrize(
    "name", ["unknown", "frontends.md", "../README", "%2e%2e/README", "clients/python/session.py", ""]
)
async def test_nothing_else_is_shown(api: Api, name: str) -> None:
    assert (await api.outside("GET", f"{PREFIX}/{name}")).status_code == 404


async def test_other_peoples_pages_in_the_examples_are_not_shown(tmp_path: Path) -> None:
    for name in (*GUIDES, "clients/typescript/node_modules/other/README"):
        page = tmp_path / f"{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("# A page\n")
    application = FastAPI()
    application.include_router(create_guides_router(tmp_path))
    api = Api(application)
    assert (await api.outside("GET", f"{PREFIX}/modules")).status_code == 200
    others = await api.outside("GET", f"{PREFIX}/clients/typescript/node_modules/other/README")
    assert others.status_code == 404


def test_where_no_guides_were_installed_none_are_named(tmp_path: Path) -> None:
    assert guide_links(tmp_path) == ""
