"""A built single-page application, served by Conduit itself."""

import base64
import hashlib
from pathlib import Path

import httpx2
import pytest

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.settings import Settings, SettingsError, load
from tests.client import Api
from tests.conftest import Stage

SCRIPT = "start()"
PAGE = f"<!doctype html><script>{SCRIPT}</script><script src='/assets/index-DdT3xQ1a.js'></script>"
NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def stage(sqlite_stage: Stage) -> Stage:
    """Return a Conduit on SQLite: what is tested here does not touch a database."""
    return sqlite_stage


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Return a folder as bundlers fill it."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "favicon.ico").write_bytes(b"icon")
    (folder / "assets" / "index-DdT3xQ1a.js").write_text("start = () => {}")
    (tmp_path / "secret.txt").write_text("nobody's business")
    return folder


@pytest.fixture
def conduit(settings: Settings, composition: Composition, dist: Path) -> Api:
    """Return a Conduit that serves the folder too."""
    return Api(create_application(settings.model_copy(update={"frontend_dir": dist}), composition))


async def navigate(conduit: Api, path: str) -> httpx2.Response:
    return await conduit.outside("GET", path, headers=NAVIGATION)


@pytest.mark.parametrize("path", ["/", "/index.html", "/article/dragons", "/profile/john.doe", "/editor/"])
async def test_every_address_of_the_application_is_its_page(conduit: Api, path: str) -> None:
    answer = await navigate(conduit, path)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_a_page_is_asked_for_again_and_given_only_if_it_changed(conduit: Api) -> None:
    first = await navigate(conduit, "/")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await conduit.outside("GET", "/", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


async def test_a_file_with_a_hash_in_its_name_is_kept_forever_and_another_is_not(conduit: Api) -> None:
    script = await conduit.outside("GET", "/assets/index-DdT3xQ1a.js")
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    icon = await conduit.outside("GET", "/favicon.ico")
    assert icon.headers["Cache-Control"] == "no-cache"


async def test_the_page_may_run_its_own_scripts_and_no_others(conduit: Api) -> None:
    policy = (await navigate(conduit, "/")).headers["Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy


@pytest.mark.parametrize("path", ["/assets/index-gone1234.js", "/robots.txt"])
async def test_a_file_that_is_not_there_is_not_the_page(conduit: Api, path: str) -> None:
    answer = await conduit.outside("GET", path)
    assert answer.status_code == 404
    assert answer.json() == {"errors": {"path": ["not found"]}}


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd"]
)
async def test_nothing_outside_of_the_folder_is_given(conduit: Api, path: str) -> None:
    answer = await conduit.outside("GET", path)
    assert "nobody's business" not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("path", ["/api/nowhere", "/api", "/api/articles/unknown", "/health/nowhere"])
async def test_what_is_conduits_stays_json_for_browsers_too(conduit: Api, path: str) -> None:
    answer = await navigate(conduit, path)
    assert answer.status_code == 404
    assert list(answer.json()) == ["errors"]


async def test_methods_that_are_no_reading_are_not_the_frontends(conduit: Api) -> None:
    assert (await conduit.outside("POST", "/article/dragons")).status_code == 404
    assert (await conduit.outside("POST", "/api/tags")).status_code == 405


async def test_the_api_and_the_documentation_answer_as_ever(conduit: Api) -> None:
    assert (await conduit.get("/tags")).json() == {"tags": []}
    assert "swagger" in (await navigate(conduit, "/docs")).text


async def test_without_the_setting_there_is_no_page(api: Api) -> None:
    assert (await navigate(api, "/")).status_code == 404


def test_a_folder_without_a_page_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDUIT_FRONTEND_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match="CONDUIT_FRONTEND_DIR: there is no index"):
        load(Settings)
