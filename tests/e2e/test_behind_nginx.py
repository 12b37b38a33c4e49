"""Conduit behind nginx with deploy/nginx.conf, except for ports, certificates and folders."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests import program
from tests.login_attempts import LOGIN_ATTEMPTS
from tests.nginx import Nginx
from tests.postgresql import wait_until
from tests.program import RunningServer, served, write_plugin

FRONTEND = {
    "index.html": "the frontend",
    "assets/index-DdT3xQ1a.js": "a script",
    "assets/.env": "a secret",
    ".env": "a secret",
    ".well-known/it.json": "known",
}
CLOCK = """
import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from modules.kernel.container import ModuleContainer
from modules.kernel.module import Module


class ClockContainer(ModuleContainer):
    pass


async def ticks() -> AsyncIterator[str]:
    yield "data: tick\\n\\n"
    await asyncio.Event().wait()


def router(_container: ModuleContainer) -> APIRouter:
    router = APIRouter()

    @router.get("/ticks", response_model=None)
    async def stream() -> StreamingResponse:
        return StreamingResponse(ticks(), media_type="text/event-stream")

    return router


MODULE = Module(name="clock", container=ClockContainer, routers=[router])
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def conduit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server that trusts the proxy, with a streaming route."""
    folder = tmp_path_factory.mktemp("served")
    write_plugin(folder / "plugins", "clock", CLOCK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder / "plugins"))
        assert program.conduit(folder, "migrate").returncode == 0
        with served(folder, TRUSTED_PROXIES="127.0.0.1") as conduit:
            yield conduit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of nginx."""
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def client(conduit: RunningServer, folder: Path) -> Iterator[httpx2.Client]:
    """Return a client of nginx."""
    (folder / "page").mkdir()
    for name, text in FRONTEND.items():
        (folder / "page" / name).parent.mkdir(exist_ok=True)
        (folder / "page" / name).write_text(text, encoding="utf-8")
    nginx = Nginx(folder, is_limited=True)
    with nginx.running(conduit.address), httpx2.Client(base_url=nginx.url, timeout=10) as client:
        yield client


def test_server_that_was_down_is_used_as_soon_as_it_is_up(conduit: RunningServer, tmp_path: Path) -> None:
    """With two addresses, nginx would do without one that failed for ten seconds, unless `max_fails` is 0."""
    nginx = Nginx(tmp_path, is_limited=False)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with (
            nginx.running(bound.getsockname(), backup=conduit.address),
            httpx2.Client(base_url=nginx.url, timeout=10) as client,
        ):
            assert client.get("/api/tags").status_code == 200
            bound.listen()
            with ThreadPoolExecutor(1) as pool:
                request = pool.submit(client.get, "/api/tags")
                connection, _ = bound.accept()
                with connection:
                    connection.recv(10_000)
                    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                assert request.result().status_code == 204


def test_stream_is_not_buffered(client: httpx2.Client) -> None:
    with client.stream("GET", "/api/ticks") as response:
        assert next(response.iter_lines()) == "data: tick"


def test_forged_forwarded_header_does_not_evade_the_login_limit(client: httpx2.Client) -> None:
    wrong = {"user": {"email": "jake@example.com", "password": "not my pass phrase"}}
    responses = [
        client.post("/api/users/login", json=wrong, headers={"X-Forwarded-For": f"192.0.2.{number}"})
        for number in range(LOGIN_ATTEMPTS + 1)
    ]
    assert [response.status_code for response in responses] == [401] * LOGIN_ATTEMPTS + [429]


@pytest.mark.parametrize(("sent", "is_used"), [("frontend-7", True), ("a b", False), (None, False)])
def test_log_lines_of_nginx_have_the_request_id_of_the_response(
    client: httpx2.Client, folder: Path, sent: str | None, is_used: bool
) -> None:
    response = client.get("/api/tags", headers={} if sent is None else {"X-Request-ID": sent})
    request_id = response.headers["X-Request-ID"]
    assert (request_id == sent) == is_used
    line = f"request_id={request_id}\n"
    wait_until(lambda: line in (folder / "access.log").read_text(encoding="utf-8"), "no line has this id")


def test_large_body_gets_413_with_the_common_body(client: httpx2.Client) -> None:
    response = client.post("/api/users", content=b"x" * 7_000_000)
    assert (response.status_code, response.json()) == (413, {"errors": {"body": ["is too large"]}})


@pytest.mark.parametrize("path", ["/", "/article/dragons", "/metrics", "/health/ready"])
def test_other_paths_serve_the_frontend(client: httpx2.Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.text) == (200, "the frontend")
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_hashed_assets_are_immutable(client: httpx2.Client) -> None:
    response = client.get("/assets/index-DdT3xQ1a.js")
    assert (response.status_code, response.text) == (200, "a script")
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    missing = client.get("/assets/index-gone1234.js")
    assert (missing.status_code, "Cache-Control" in missing.headers) == (404, False)


@pytest.mark.parametrize(
    ("path", "status"), [("/.env", 404), ("/assets/.env", 404), ("/.well-known/it.json", 200)]
)
def test_dotfiles_are_not_served(client: httpx2.Client, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_documentation_is_served(client: httpx2.Client) -> None:
    assert "swagger" in client.get("/docs").text
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")


def test_requests_above_the_limit_of_their_address_get_429(client: httpx2.Client) -> None:
    """Those that hash a password: from 20 on, two in a second."""
    wrong = {"user": {"email": "anna@example.com", "password": "not my pass phrase"}}
    for _ in range(500):
        response = client.post("/api/users/login", json=wrong)
        if "client" in response.json()["errors"]:
            break
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    assert response.json() == {"errors": {"client": ["sent too many requests, try again"]}}
    # Others are not limited by it.
    assert client.get("/api/tags").status_code == 200
