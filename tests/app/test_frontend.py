"""A built single-page application, served by Conduit itself."""

import base64
import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.middleware import frontend
from conduit_app.settings import Settings, SettingsError, load_settings
from modules.kernel.api.conditional import entity_tag, file_etag
from tests.client import Api
from tests.conftest import AppInstance

SCRIPT = "start()"
PAGE = f"<!doctype html><script>{SCRIPT}</script><script src='/assets/index-DdT3xQ1a.js'></script>"
HASHED = [
    "assets/index-DdT3xQ1a.js",
    "assets/index-D_T3x-1a.js.map",
    "static/css/main.8f3b2c1d.css",
    "js/b.8f3b2c1d9e0a7b6c.js",
    "static/media/logo.0a1b2c3d4e5f60718293.svg",
    "_next/static/css/0a1b2c3d4e5f6071.css",
    "_app/immutable/chunks/DdT3xQ1a.js",
    "_astro/page.B7xQ2w_Z.css",
    "build/entry-4KX2ZQ7P.js",
]
PLAIN = [
    "favicon.ico",
    "asset-manifest.json",
    "apple-touch-icon.png",
    "android-chrome-192x192.png",
    "firebase-messaging-sw.js",
    "service-worker-A1b2C3d4.js",
    "assets/pre-rendered.html",
    "assets/page-DdT3xQ1a.html",
    "assets/not-hashed-component.js",
    "assets/logo-Facebook.svg",
    "assets/logo-HeroLogo.svg",
    "assets/photo-IMG_1234.jpg",
    "assets/contract-v2-final.pdf",
    "assets/photo-20241231.jpg",
    "assets/poster-decade20.svg",
    "build/app-2024beta.zip",
    "static/INTERNATIONALIZE.txt",
    "img/team-Portrait.jpg",
    "static/report-Overview.pdf",
    "files/contract-v2-final.pdf",
    "img/photo-IMG_1234.jpg",
    "img/photo-DdT3xQ1a.jpg",
    "downloads/app-2024beta.zip",
    ".well-known/assetlinks.json",
]
NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return a Conduit on SQLite: what is tested here does not touch a database."""
    return sqlite_app


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
    assert first.headers["ETag"] == entity_tag(first.content)
    again = await conduit.outside("GET", "/", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


async def test_a_page_that_is_built_anew_is_another_one_whatever_its_time_and_size(
    conduit: Api, dist: Path
) -> None:
    """Reproducible builds and images have fixed times, and an index names files of names as long."""
    scripts: list[httpx2.Response] = []
    for script in ("one()", "two()"):
        (dist / "index.html").write_text(f"<!doctype html><SCRIPT>{script}</SCRIPT>")
        os.utime(dist / "index.html", (1, 1))
        known = scripts[-1].headers["ETag"] if scripts else '"none"'
        scripts.append(await conduit.outside("GET", "/", headers={"If-None-Match": known}))
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in scripts[-1].headers["Content-Security-Policy"]
    assert [answer.status_code for answer in scripts] == [200, 200]


async def test_a_file_with_a_hash_in_its_name_is_kept_forever(conduit: Api, dist: Path) -> None:
    kept = await cache_control(conduit, dist, HASHED)
    assert kept == dict.fromkeys(HASHED, "public, max-age=31536000, immutable")


async def test_any_other_file_is_asked_for_again(conduit: Api, dist: Path) -> None:
    assert await cache_control(conduit, dist, PLAIN) == dict.fromkeys(PLAIN, "no-cache")


async def cache_control(conduit: Api, dist: Path, names: Sequence[str]) -> dict[str, str]:
    """Return what caches are told of files of these names."""
    told = {}
    for name in names:
        (dist / name).parent.mkdir(parents=True, exist_ok=True)
        (dist / name).touch()
        answer = await conduit.outside("GET", f"/{name}")
        assert answer.status_code == 200, name
        told[name] = answer.headers["Cache-Control"]
    return told


async def test_a_file_is_read_in_a_thread_and_once_for_as_long_as_it_is_the_same(
    conduit: Api, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[int] = []

    def tag(file: Path) -> str:
        readers.append(threading.get_ident())
        return file_etag(file)

    monkeypatch.setattr(frontend, "file_etag", tag)
    (dist / "film.mp4").write_bytes(b"film")
    first, again = [await conduit.outside("GET", "/film.mp4") for _ in range(2)]
    assert (len(readers), first.headers["ETag"]) == (1, again.headers["ETag"])
    assert threading.get_ident() not in readers
    (dist / "film.mp4").write_bytes(b"another film")
    assert (await conduit.outside("GET", "/film.mp4")).headers["ETag"] != first.headers["ETag"]


async def test_a_file_that_goes_while_it_is_read_is_not_there(
    conduit: Api, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tag(file: Path) -> str:
        file.unlink()
        return file_etag(file)

    monkeypatch.setattr(frontend, "file_etag", tag)
    (dist / "film.mp4").write_bytes(b"film")
    assert (await conduit.outside("GET", "/film.mp4")).status_code == 404


@pytest.mark.parametrize("name", [".env", ".git/config", "assets/.htpasswd"])
async def test_what_begins_with_a_dot_is_nobodys(conduit: Api, dist: Path, name: str) -> None:
    (dist / name).parent.mkdir(parents=True, exist_ok=True)
    (dist / name).write_text("nobody's business")
    for answer in (await conduit.outside("GET", f"/{name}"), await navigate(conduit, f"/{name}")):
        assert "nobody's business" not in answer.text


async def test_caches_are_told_when_the_page_stands_for_what_is_no_file(conduit: Api) -> None:
    for accept, status in (("text/html", 200), ("*/*", 404)):
        answer = await conduit.outside("GET", "/profile/john.doe", headers={"Accept": accept})
        assert (answer.status_code, "Accept" in answer.headers["Vary"].split(", ")) == (status, True)


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
        load_settings(Settings)
