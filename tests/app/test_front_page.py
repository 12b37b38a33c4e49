"""The page at `/`, the icon and robots.txt, where no frontend is served."""

import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path

import httpx2
import pytest

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from tests.client import Api
from tests.conftest import SECRET, AppInstance, composed, settings_on

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
EMPTY = "The database is empty."
LINK = re.compile(r'<a href="([^"]*)"')


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return an application on SQLite: the engine does not matter here."""
    return sqlite_app


async def open_page(api: Api) -> str:
    """Return the text of the page."""
    response = await api.outside("GET", "/", headers={"Accept": BROWSER})
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return response.text


async def links(api: Api) -> Sequence[str]:
    """Return the links of the page."""
    return LINK.findall(await open_page(api))


async def test_page_says_what_this_is_and_its_version(api: Api) -> None:
    page = await open_page(api)
    document = (await api.outside("GET", "/openapi.json")).json()
    assert "<h1>Conduit" in page
    assert document["info"]["version"] in page


async def test_every_link_of_the_page_works(api: Api) -> None:
    found = await links(api)
    # Relative, for a proxy that serves Conduit below a prefix.
    assert [link for link in found if link.startswith("/")] == []
    assert {"docs", "docs/guides/frontends", "architecture", "health/ready"} <= set(found)
    for link in found:
        if not link.startswith("https://"):
            assert (await api.outside("GET", f"/{link}")).status_code == 200, link


async def test_architecture_is_linked_in_development_only(
    settings: Settings, composition: Composition
) -> None:
    production = settings.model_copy(update={"environment": "production"})
    found = await links(Api(create_application(production, composition)))
    assert "docs" in found
    assert "architecture" not in found


async def test_empty_database_is_reported_with_how_to_fill_it(api: Api) -> None:
    page = await open_page(api)
    assert EMPTY in page
    assert "conduit demo" in page
    await api.as_user("anna").token()
    assert EMPTY not in await open_page(api)


async def test_database_that_is_not_migrated_is_reported(tmp_path: Path) -> None:
    async with composed(settings_on(tmp_path / "new.db")) as composition:
        page = await open_page(Api(create_application(settings_on(tmp_path / "new.db"), composition)))
    assert "run conduit migrate" in page
    assert EMPTY not in page


async def test_unreachable_database_is_reported() -> None:
    settings = Settings(database_url="postgresql+psycopg://127.0.0.1:1/none", secret_key=SECRET)
    async with composed(settings) as composition:
        page = await open_page(Api(create_application(settings, composition)))
    assert "The database cannot be reached." in unescape(page)


@pytest.mark.parametrize(
    "accept",
    ["application/json", "*/*", "application/json, text/plain, */*", "application/json, text/html", ""],
)
async def test_other_clients_get_json(api: Api, accept: str) -> None:
    response = await api.outside("GET", "/", headers={"Accept": accept})
    assert response.status_code == 404
    assert response.json() == {"errors": {"path": ["not found"]}}


async def test_response_varies_by_accept(api: Api) -> None:
    for accept in (BROWSER, "application/json"):
        response = await api.outside("GET", "/", headers={"Accept": accept})
        assert "Accept" in response.headers["Vary"].split(", ")


async def test_icon_and_robots(api: Api) -> None:
    icon = await api.outside("GET", "/favicon.ico")
    assert (icon.status_code, icon.headers["Content-Type"]) == (200, "image/vnd.microsoft.icon")
    assert icon.content.startswith(b"\0\0\1\0")
    robots = await api.outside("GET", "/robots.txt")
    assert robots.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert robots.text == "User-agent: *\nDisallow: /\n"


async def test_frontend_replaces_them(settings: Settings, composition: Composition, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>Blog</title>")
    (tmp_path / "robots.txt").write_text("User-agent: *\nAllow: /\n")
    application = create_application(settings.model_copy(update={"frontend_dir": tmp_path}), composition)
    frontend = Api(application)

    async def get(path: str) -> httpx2.Response:
        return await frontend.outside("GET", path)

    assert await open_page(frontend) == "<title>Blog</title>"
    assert (await get("/robots.txt")).text == "User-agent: *\nAllow: /\n"
    assert (await get("/favicon.ico")).status_code == 404
