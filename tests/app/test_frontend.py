"""A built single-page application, served by Conduit."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.middleware import frontend
from conduit_app.middleware.frontend import POLICY
from conduit_app.middleware.script_sources import hash_source
from conduit_app.settings import Settings, SettingsError, load_settings
from modules.kernel.api.conditional import entity_tag, file_etag
from tests.client import Api
from tests.conftest import AppInstance

ROOT = Path(__file__).parents[2]
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
    """Return an application on SQLite: these tests do not depend on the database."""
    return sqlite_app


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Return a folder like the output of a bundler."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "favicon.ico").write_bytes(b"icon")
    (folder / "assets" / "index-DdT3xQ1a.js").write_text("start = () => {}")
    (tmp_path / "secret.txt").write_text("private")
    return folder


@pytest.fixture
def conduit(settings: Settings, composition: Composition, dist: Path) -> Api:
    """Return an application that serves the folder."""
    return Api(create_application(settings.model_copy(update={"frontend_dir": dist}), composition))


async def navigate(conduit: Api, path: str) -> httpx2.Response:
    return await conduit.outside("GET", path, headers=NAVIGATION)


@pytest.mark.parametrize("path", ["/", "/index.html", "/article/dragons", "/profile/john.doe", "/editor/"])
async def test_routes_of_the_frontend_return_the_page(conduit: Api, path: str) -> None:
    response = await navigate(conduit, path)
    assert (response.status_code, response.text) == (200, PAGE)
    assert response.headers["Content-Type"].startswith("text/html")


async def test_page_is_revalidated(conduit: Api) -> None:
    first = await navigate(conduit, "/")
    assert first.headers["Cache-Control"] == "no-cache"
    assert first.headers["ETag"] == entity_tag(first.content)
    again = await conduit.outside("GET", "/", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


async def test_rebuilt_page_with_same_time_and_size_gets_new_etag(conduit: Api, dist: Path) -> None:
    """Reproducible builds have fixed times, and hashed names have a fixed length."""
    responses: list[httpx2.Response] = []
    for script in ("one()", "two()"):
        (dist / "index.html").write_text(f"<!doctype html><SCRIPT>{script}</SCRIPT>")
        os.utime(dist / "index.html", (1, 1))
        etag = responses[-1].headers["ETag"] if responses else '"none"'
        responses.append(await conduit.outside("GET", "/", headers={"If-None-Match": etag}))
        assert hash_source(script) in responses[-1].headers["Content-Security-Policy"]
    assert [response.status_code for response in responses] == [200, 200]


async def test_file_with_content_hash_is_immutable(conduit: Api, dist: Path) -> None:
    assert await cache_control(conduit, dist, HASHED) == dict.fromkeys(
        HASHED, "public, max-age=31536000, immutable"
    )


async def test_other_files_are_revalidated(conduit: Api, dist: Path) -> None:
    assert await cache_control(conduit, dist, PLAIN) == dict.fromkeys(PLAIN, "no-cache")


async def cache_control(conduit: Api, dist: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the Cache-Control header of files with these names."""
    headers = {}
    for name in names:
        (dist / name).parent.mkdir(parents=True, exist_ok=True)
        (dist / name).touch()
        response = await conduit.outside("GET", f"/{name}")
        assert response.status_code == 200, name
        headers[name] = response.headers["Cache-Control"]
    return headers


async def test_unchanged_file_is_hashed_once_in_a_thread(
    conduit: Api, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread_ids: list[int] = []

    def etag_of(file: Path) -> str:
        thread_ids.append(threading.get_ident())
        return file_etag(file)

    monkeypatch.setattr(frontend, "file_etag", etag_of)
    (dist / "video.mp4").write_bytes(b"video")
    first, again = [await conduit.outside("GET", "/video.mp4") for _ in range(2)]
    assert (len(thread_ids), first.headers["ETag"]) == (1, again.headers["ETag"])
    assert threading.get_ident() not in thread_ids
    (dist / "video.mp4").write_bytes(b"another video")
    assert (await conduit.outside("GET", "/video.mp4")).headers["ETag"] != first.headers["ETag"]


async def test_file_removed_while_it_is_read_returns_404(
    conduit: Api, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def etag_of(file: Path) -> str:
        file.unlink()
        return file_etag(file)

    monkeypatch.setattr(frontend, "file_etag", etag_of)
    (dist / "video.mp4").write_bytes(b"video")
    assert (await conduit.outside("GET", "/video.mp4")).status_code == 404


@pytest.mark.parametrize("name", [".env", ".git/config", "assets/.htpasswd"])
async def test_hidden_files_are_not_served(conduit: Api, dist: Path, name: str) -> None:
    (dist / name).parent.mkdir(parents=True, exist_ok=True)
    (dist / name).write_text("private")
    for response in (await conduit.outside("GET", f"/{name}"), await navigate(conduit, f"/{name}")):
        assert "private" not in response.text


async def test_page_for_a_path_without_file_varies_by_accept(conduit: Api) -> None:
    for accept, status in (("text/html", 200), ("*/*", 404)):
        response = await conduit.outside("GET", "/profile/john.doe", headers={"Accept": accept})
        assert (response.status_code, "Accept" in response.headers["Vary"].split(", ")) == (status, True)


class TestContentSecurityPolicy:
    """In a browser: tests/e2e/test_built_frontends_in_browser.py."""

    @pytest.mark.parametrize(
        ("page", "sources"),
        [
            ("<script>start()</script>", [hash_source("start()")]),
            ("<script>\r\n  start()\r</script>", [hash_source("\n  start()\n")]),
            (
                '<SCRIPT Type=module>if (1 < 2 && "</p>") {}</SCRIPT>',
                [hash_source('if (1 < 2 && "</p>") {}')],
            ),
            ('<script data-src="x" nonce>a</script>', [hash_source("a")]),
            ("<script>a</script><script>b</script><script>a</script>", [hash_source("a"), hash_source("b")]),
            ("<script>naïve()</script>", [hash_source("naïve()")]),
            ("<script src=/a.js></script> start()", []),
            ('<script src="a.js">ignored</script>', []),
            ("<!-- <script>a</script> <p onclick=b> -->", []),
            ("<link onload=\"this.media='all'\">", ["'unsafe-hashes'", hash_source("this.media='all'")]),
            ("<IMG ONERROR='a(&quot;b&quot;)'>", ["'unsafe-hashes'", hash_source('a("b")')]),
            ("<p onclick>", []),
            ('<script src="https://cdn.example/a.js?v=1,2;3#x"></script>', ["https://cdn.example/a.js"]),
            ('<script src=" //cdn.example:8080/a.js"></script>', ["cdn.example:8080/a.js"]),
            ('<script src="https://cdn.example/a b.js;"></script>', ["https://cdn.example/a"]),
        ],
    )
    async def test_scripts_are_those_that_the_page_names(
        self, conduit: Api, dist: Path, page: str, sources: Sequence[str]
    ) -> None:
        (dist / "index.html").write_text(page, encoding="utf-8", newline="")
        policy = (await navigate(conduit, "/")).headers["Content-Security-Policy"]
        _, _, scripts = policy.partition("; script-src ")
        assert scripts.partition(";")[0].split() == ["'self'", "'wasm-unsafe-eval'", *sources]

    async def test_setting_replaces_the_default(
        self, settings: Settings, composition: Composition, dist: Path
    ) -> None:
        update = {
            "frontend_dir": dist,
            "frontend_content_security_policy": "script-src {scripts} {other}",
        }
        conduit = Api(create_application(settings.model_copy(update=update), composition))
        policy = (await navigate(conduit, "/")).headers["Content-Security-Policy"]
        assert policy == f"script-src {hash_source(SCRIPT)} {{other}}"

    def test_documented_default_is_the_default(self) -> None:
        guide = (ROOT / "docs" / "frontends.md").read_text(encoding="utf-8")
        assert POLICY in " ".join(guide.split())

    @pytest.mark.parametrize("value", ["script-src 'self'\r\nSet-Cookie: a=b", "script-src ü"])
    def test_bad_header_is_rejected(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("CONDUIT_FRONTEND_CONTENT_SECURITY_POLICY", value)
        with pytest.raises(SettingsError, match="CONDUIT_FRONTEND_CONTENT_SECURITY_POLICY: a header"):
            load_settings(Settings)


@pytest.mark.parametrize(
    ("files", "path", "file"),
    [
        (["about.html"], "/about", "about.html"),
        (["about.html"], "/about/", "about.html"),
        (["about/index.html"], "/about", "about/index.html"),
        (["200.html"], "/article/dragons", "200.html"),
        (["200.html"], "/", "index.html"),
        (["index.csr.html"], "/article/dragons", "index.csr.html"),
    ],
)
async def test_prerendered_pages_and_their_fallback(
    conduit: Api, dist: Path, files: Sequence[str], path: str, file: str
) -> None:
    """SvelteKit, Nuxt and Angular prerender pages, and name the page of all other paths in their own ways."""
    for name in ["index.html", *files]:
        (dist / name).parent.mkdir(exist_ok=True)
        (dist / name).write_text(f"<p>{name}")
    response = await navigate(conduit, path)
    assert (response.status_code, response.text) == (200, f"<p>{file}")
    assert response.headers["Cache-Control"] == "no-cache"
    assert "script-src" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/assets/index-gone1234.js", "/robots.txt"])
async def test_missing_file_returns_404(conduit: Api, path: str) -> None:
    response = await conduit.outside("GET", path)
    assert response.status_code == 404
    assert response.json() == {"errors": {"path": ["not found"]}}


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd"]
)
async def test_files_outside_the_folder_are_not_served(conduit: Api, path: str) -> None:
    response = await conduit.outside("GET", path)
    assert "private" not in response.text
    assert "root:" not in response.text


@pytest.mark.parametrize("path", ["/api/nowhere", "/api", "/api/articles/unknown", "/health/nowhere"])
async def test_errors_of_reserved_paths_are_json_for_browsers(conduit: Api, path: str) -> None:
    response = await navigate(conduit, path)
    assert response.status_code == 404
    assert list(response.json()) == ["errors"]


async def test_unsafe_methods_are_passed_on(conduit: Api) -> None:
    assert (await conduit.outside("POST", "/article/dragons")).status_code == 404
    assert (await conduit.outside("POST", "/api/tags")).status_code == 405


async def test_api_and_documentation_are_served(conduit: Api) -> None:
    assert (await conduit.get("/tags")).json() == {"tags": []}
    assert "swagger" in (await navigate(conduit, "/docs")).text


async def test_page_is_not_served_without_the_setting(api: Api) -> None:
    assert (await navigate(api, "/article/dragons")).status_code == 404


def test_folder_without_index_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUIT_FRONTEND_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match="CONDUIT_FRONTEND_DIR: there is no index"):
        load_settings(Settings)
