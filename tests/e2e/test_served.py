"""`conduit serve` with a plain HTTP client."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from conduit_app.composition import resolve_order
from conduit_app.discovery import discover
from conduit_app.settings import DEFAULT_MAX_BODY_SIZE
from tests import program
from tests.client import PASSWORD
from tests.program import RunningServer, served, write_plugin

STARTED = re.compile("Application startup complete")
SETTINGS = {"SECRET_KEY": "a secret of these tests, and of nothing else", "LOG_FORMAT": "json"}

Json = dict[str, Any]

GREETING = """
from fastapi import APIRouter

from modules.kernel.container import ModuleContainer
from modules.kernel.module import Module


class GreetingContainer(ModuleContainer):
    pass


def router(_container: ModuleContainer) -> APIRouter:
    router = APIRouter()

    @router.get("/greeting")
    async def greet() -> str:
        return "hello"

    return router


MODULE = Module(name="greeting", container=GreetingContainer, routers=[router])
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a migrated database, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    assert program.conduit(folder, "migrate", **SETTINGS).returncode == 0
    return folder


@pytest.fixture
def folder(tmp_path: Path, template: Path) -> Path:
    """Return a folder to serve from."""
    return shutil.copytree(template, tmp_path, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def conduit(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[RunningServer]:
    """Return a server that all tests share that do not stop it."""
    folder = shutil.copytree(template, tmp_path_factory.mktemp("served"), dirs_exist_ok=True)
    with served(folder, **SETTINGS) as conduit:
        yield conduit


def register(client: httpx2.Client, name: str) -> dict[str, str]:
    """Register a user, and return the Authorization header."""
    user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    response = client.post("/api/users", json={"user": user})
    assert response.status_code == HTTPStatus.CREATED, response.text
    return {"Authorization": f"Token {response.json()['user']['token']}"}


def log_lines(conduit: RunningServer) -> list[Json]:
    """Return the JSON lines of the log, without the startup banner."""
    return [json.loads(line) for line in conduit.log.splitlines() if line.startswith("{")]


def banner(conduit: RunningServer) -> list[str]:
    """Return the lines of the startup banner."""
    return [line for line in conduit.log.splitlines() if not line.startswith("{")]


class TestServing:
    def test_banner_has_url_database_and_modules(self, conduit: RunningServer) -> None:
        conduit.wait_for_log(STARTED)
        modules = ", ".join(module.name for module in resolve_order(discover()))
        assert banner(conduit) == [
            f"Conduit serves {conduit.url}, documentation at {conduit.url}/docs",
            "  database  sqlite+aiosqlite:///var/conduit.db",
            f"  modules   {modules}",
        ]

    def test_session_of_two_users(self, conduit: RunningServer) -> None:
        with conduit.client() as client:
            jake, anna = register(client, "jake"), register(client, "anna")
            article = {
                "title": "Dragons",
                "description": "On dragons",
                "body": "They fly.",
                "tagList": ["fire"],
            }
            published = client.post("/api/articles", json={"article": article}, headers=jake)
            slug = published.json()["article"]["slug"]
            comment = {"comment": {"body": "Do they?"}}
            commented = client.post(f"/api/articles/{slug}/comments", json=comment, headers=anna)
            followed = client.post("/api/profiles/jake/follow", headers=anna)
            feed = client.get("/api/articles/feed", headers=anna)
            comments = client.get(f"/api/articles/{slug}/comments")
        assert [published.status_code, commented.status_code, followed.status_code] == [201, 201, 200]
        [fed] = feed.json()["articles"]
        assert (fed["slug"], fed["tagList"], fed["author"]["following"]) == (slug, ["fire"], True)
        assert [comment["author"]["username"] for comment in comments.json()["comments"]] == ["anna"]

    def test_documentation_needs_no_internet(self, conduit: RunningServer) -> None:
        with conduit.client() as client:
            page = client.get("/docs")
            sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
            assert page.status_code == 200
            assert sources
            for source in sources:
                url = page.url.join(source)
                assert url.host == page.url.host
                response = client.get(url, headers={"Accept": "text/html, */*"})
                assert response.status_code == 200, conduit.log


class TestBodies:
    def test_large_content_length_gets_413(self, conduit: RunningServer) -> None:
        with conduit.client() as client:
            response = client.post("/api/users", content=b"x" * (DEFAULT_MAX_BODY_SIZE + 1))
        assert (response.status_code, response.json()) == (413, {"errors": {"body": ["is too large"]}})

    def test_large_chunked_body_gets_413(self, conduit: RunningServer) -> None:
        with conduit.client() as client:
            response = client.post(
                "/api/users", content=(b"x" * 65_536 for _ in range(DEFAULT_MAX_BODY_SIZE // 65_536 + 1))
            )
        assert response.request.headers["Transfer-Encoding"] == "chunked"
        assert (response.status_code, response.json()) == (413, {"errors": {"body": ["is too large"]}})

    def test_body_of_the_maximum_size_is_read(self, conduit: RunningServer) -> None:
        with conduit.client() as client:
            headers = {"Content-Type": "application/json"}
            response = client.post(
                "/api/users", content=b'"' + b"x" * (DEFAULT_MAX_BODY_SIZE - 1), headers=headers
            )
        assert (response.status_code, response.json()) == (422, {"errors": {"body": ["is not valid JSON"]}})

    def test_connection_is_usable_after_413(self, conduit: RunningServer) -> None:
        with conduit.client() as client:
            client.post("/api/users", content=b"x" * (DEFAULT_MAX_BODY_SIZE + 1))
            assert client.get("/api/tags").status_code == 200


class TestLog:
    def test_request_is_logged_as_one_json_line(self, conduit: RunningServer) -> None:
        with conduit.client() as client:
            jake = register(client, "logged")
            client.get("/api/profiles/logged?secret=sesame", headers={**jake, "X-Request-ID": "frontend-7"})
        conduit.wait_for_log(re.compile("frontend-7"))
        [line] = [line for line in log_lines(conduit) if line.get("request_id") == "frontend-7"]
        assert line.pop("milliseconds") > 0
        assert line.pop("timestamp").endswith("Z")
        assert isinstance(line.pop("user_id"), int)
        assert line == {
            "event": "request",
            "level": "info",
            "method": "GET",
            "route": "/api/profiles/{username}",
            "module": "profiles",
            "status": 200,
            "request_id": "frontend-7",
            "address": "127.0.0.1",
        }

    def test_input_cannot_inject_log_lines(self, conduit: RunningServer) -> None:
        forged = '{"event": "request", "route": "forged"}'
        with conduit.client() as client:
            response = client.get("/" + quote("\n" + forged), headers={"X-Request-ID": f"a {forged}"})
            assert response.status_code == 404
            client.get("/", headers={"X-Request-ID": "after-that"})
        conduit.wait_for_log(re.compile("after-that"))
        assert "forged" in conduit.log
        assert "forged" not in {line.get("route") for line in log_lines(conduit)}
        # Every other line is JSON.
        assert [line.split()[0] for line in banner(conduit)] == ["Conduit", "database", "modules"]

    def test_log_contains_no_token_password_or_secret(self, conduit: RunningServer) -> None:
        with conduit.client() as client:
            token = register(client, "careful")["Authorization"].removeprefix("Token ")
            client.get(f"/api/user?token={token}", headers={"Authorization": f"Token {token}x"})
            login = {"user": {"email": "careful@example.com", "password": "not my pass phrase"}}
            client.post("/api/users/login", json=login, headers={"X-Request-ID": "the-last-one"})
        conduit.wait_for_log(re.compile("the-last-one"))
        for secret in (token, PASSWORD, "not my pass phrase", SETTINGS["SECRET_KEY"], "$argon2"):
            assert secret not in conduit.log


class TestShutdown:
    @pytest.fixture(autouse=True)
    def hangup_not_ignored(self) -> Iterator[None]:
        """Let the started processes not inherit that SIGHUP is ignored, as under nohup."""
        previous = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        yield
        signal.signal(signal.SIGHUP, previous)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
    def test_signal_finishes_requests_and_exits_with_0(self, folder: Path, number: signal.Signals) -> None:
        user = {"user": {"username": "late", "email": "late@example.com", "password": PASSWORD}}
        body = json.dumps(user).encode()
        head = (
            f"POST /api/users HTTP/1.1\r\nHost: conduit\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        with served(folder) as conduit, socket.create_connection(conduit.address) as connection:
            connection.sendall(head.encode())
            response = connection.makefile("rb")
            # The request has started: the server is waiting for its body.
            assert response.readline() == b"HTTP/1.1 100 Continue\r\n"
            conduit.signal(number)
            conduit.wait_for_log(re.compile("Waiting for connections to close"))
            connection.sendall(body)
            assert b"HTTP/1.1 201 Created\r\n" in list(response)
            assert conduit.wait() == 0
        assert "Traceback" not in conduit.log
        assert {file.name for file in (folder / "var").iterdir()} == {"conduit.db", "secret_key"}
        with closing(sqlite3.connect(folder / "var" / "conduit.db")) as database:
            assert database.execute("SELECT username FROM users_account").fetchall() == [("late",)]

    def test_ctrl_c_exits_with_0(self, folder: Path) -> None:
        with served(folder) as conduit:
            conduit.wait_for_log(STARTED)
            conduit.send_sigint()
            assert conduit.wait() == 0
        assert "Traceback" not in conduit.log


class TestReload:
    @pytest.mark.slow
    def test_changed_plugin_code_restarts_the_server(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = write_plugin(folder / "plugins", "greeting", GREETING)
        monkeypatch.setenv("PYTHONPATH", str(folder / "plugins"), prepend=os.pathsep)
        with served(folder, "--reload") as conduit, conduit.client() as client:
            assert client.get("/api/greeting").json() == "hello"
            code.write_text(GREETING.replace("hello", "good-bye"), encoding="utf-8")
            conduit.wait_for_log(re.compile("detected changes in"))
            conduit.wait_for_log(STARTED)
            assert client.get("/api/greeting").json() == "good-bye"
            conduit.send_sigint()
            assert conduit.wait() == 0
        assert "Traceback" not in conduit.log


def read_statements(conduit: RunningServer) -> float:
    """Return how many statements on tables of users the workers have executed."""
    with conduit.client() as client:
        metrics = client.get("/metrics").text
    return sum(map(float, re.findall(r'conduit_sql_statements_total\{module="users"\} (.*)', metrics)))


class TestWorkers:
    def test_two_workers_share_state_and_shut_down_together(self, folder: Path) -> None:
        with served(folder, "--workers", "2") as conduit:
            for _ in range(2):
                conduit.wait_for_log(STARTED)
            with conduit.client() as client:
                jake = register(client, "jake")
            for number in range(20):
                # New connections, which either worker may accept.
                with conduit.client() as client:
                    assert client.get("/api/user", headers=jake).status_code == 200
                    # Read from the database, because errors are not cached.
                    assert client.get(f"/api/profiles/nobody{number}").status_code == 404
            with conduit.client() as client:
                metrics = client.get("/metrics").text
            [current_user] = re.findall(r'_count\{.*route="/api/user",status="200"\} (.*)', metrics)
            assert float(current_user) == 20
            # Until the other worker has updated its counters, which it does every second.
            while read_statements(conduit) < 20:
                continue
            conduit.send_sigint()
            assert conduit.wait() == 0
        assert "Traceback" not in conduit.log
