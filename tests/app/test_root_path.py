"""Conduit below a path of a reverse proxy, which removes the path or not."""

import re
from html import unescape

import pytest
from httpx2 import Response

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.pages.guide_library import PREFIX
from conduit_app.settings import Settings, SettingsError
from tests.client import Api
from tests.conftest import AppInstance

ROOT = "/conduit"
BOTH_WAYS = pytest.mark.parametrize("prefix", ["", ROOT], ids=["removed", "forwarded"])


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return a Conduit on SQLite only: paths do not depend on the engine."""
    return sqlite_app


@pytest.fixture
def prefixed(settings: Settings, composition: Composition) -> Api:
    """Return a client of an application with a root path."""
    return Api(create_application(settings.model_copy(update={"root_path": ROOT}), composition))


@BOTH_WAYS
async def test_responses_below_a_root_path_are_the_usual_ones(api: Api, prefixed: Api, prefix: str) -> None:
    article = await api.as_user("jake").publish()
    for method, path in [
        ("GET", "/api/articles"),
        ("GET", f"/api/articles/{article['slug']}"),
        ("GET", f"//api//articles/{article['slug']}"),
        ("HEAD", "/api/tags"),
        ("DELETE", "/api/tags"),
        ("GET", "/api/nowhere"),
        ("GET", "/health/live"),
    ]:
        usual = await api.outside(method, f"http://conduit.test{path}")
        response = await prefixed.outside(method, f"http://conduit.test{prefix}{path}")
        assert (response.status_code, response.content) == (usual.status_code, usual.content), path
        for name in ("Allow", "Cache-Control", "ETag", "Vary"):
            assert response.headers.get(name) == usual.headers.get(name), path


def linked_from(page: Response) -> set[str]:
    """Return the paths that a page links to, as a browser resolves them: all below the root path."""
    links = (unescape(link) for link in re.findall(r'(?:href|src)="([^"#]+)', page.text))
    urls = {page.url.join(link) for link in links}
    paths = {url.path for url in urls if url.host == page.url.host}
    assert all(path.startswith(f"{ROOT}/") for path in paths), paths
    return paths


async def expect_pages(prefixed: Api, prefix: str, paths: set[str]) -> None:
    """Request paths below the root path, which the proxy removes without a prefix."""
    for path in paths:
        url = path.removeprefix("" if prefix else ROOT)
        response = await prefixed.outside("GET", url, headers={"Accept": "text/html, */*"})
        assert response.status_code == 200, path


@BOTH_WAYS
async def test_documentation_works_below_a_root_path(prefixed: Api, prefix: str) -> None:
    urls = linked_from(await prefixed.outside("GET", f"{ROOT}/docs"))
    assert f"{ROOT}/static-offline-docs/swagger-ui.css" in urls
    await expect_pages(prefixed, prefix, urls)
    document = (await prefixed.outside("GET", f"{prefix}/openapi.json")).json()
    assert document["servers"] == [{"url": ROOT}]
    links = re.findall(r"\]\((/[^)]+)\)", document["info"]["description"])
    assert links
    assert all(link.startswith(f"{ROOT}{PREFIX}/") for link in links)


@BOTH_WAYS
async def test_guides_link_to_pages_below_the_root_path(prefixed: Api, prefix: str) -> None:
    links = linked_from(await prefixed.outside("GET", f"{ROOT}{PREFIX}/frontends"))
    assert f"{ROOT}/docs" in links
    await expect_pages(prefixed, prefix, links)


@BOTH_WAYS
async def test_next_page_is_relative_to_the_url_of_the_request(prefixed: Api, prefix: str) -> None:
    for title in ("Dragons", "Knights"):
        await prefixed.as_user("jake").publish(title, tags=["myth"])
    first = await prefixed.outside("GET", f"{prefix}/api/articles?tag=myth&limit=1")
    url = first.url.join(first.links["next"]["url"])
    assert url.path == f"{prefix}/api/articles"
    second = (await prefixed.outside("GET", str(url))).json()
    assert [article["slug"] for article in second["articles"]] == ["dragons"]


@pytest.mark.parametrize("root_path", ["/api", "/docs/x", "/health"])
def test_path_of_conduit_itself_is_no_root_path(
    settings: Settings, composition: Composition, root_path: str
) -> None:
    with pytest.raises(SettingsError, match=f"CONDUIT_ROOT_PATH: {root_path} is a path of Conduit itself"):
        create_application(settings.model_copy(update={"root_path": root_path}), composition)
