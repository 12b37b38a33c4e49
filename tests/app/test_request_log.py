"""The request log: its fields, formats and secrets."""

import asyncio
import errno
import io
import json
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TextIO
from unittest.mock import AsyncMock

import httpx2
import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.articles.infrastructure.reader import SqlArticleReader
from modules.kernel.infrastructure.persistence.database import Database
from tests.client import PASSWORD, Api
from tests.conftest import SECRET

Line = dict[str, Any]


@dataclass
class Credentials:
    """Values of which one must not be logged."""

    name: str
    password: str = field(repr=False)


class FullDisk(io.StringIO):
    """A file on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def closed() -> TextIO:
    file = io.StringIO()
    file.close()
    return file


class Log:
    """The log lines of this process."""

    def __init__(self) -> None:
        [handler] = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        self._handler, self._stream = handler, io.StringIO()
        handler.setStream(self._stream)
        # The HTTP client of these tests logs in the same process.
        handler.addFilter(lambda record: record.name != "httpx2")

    def write_to(self, file: TextIO) -> None:
        """Redirect the log to this file."""
        self._handler.setStream(file)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[Line]:
        """All lines, decoded from JSON."""
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def requests(self) -> list[Line]:
        return [line for line in self.lines if line["event"] == "request"]


def logging_application(
    settings: Settings, composition: Composition, log_format: Literal["console", "json"] | None = "json"
) -> FastAPI:
    """Return an application with the default log level."""
    logging_settings = settings.model_copy(update={"log_level": "info", "log_format": log_format})
    return create_application(logging_settings, composition)


@pytest.fixture
def application(settings: Settings, composition: Composition) -> FastAPI:
    """Return an application that logs JSON, with a failing route and one that fails while streaming."""
    application = logging_application(settings, composition)

    @application.get("/api/failing")
    async def fail() -> None:
        raise LookupError("no such dragon")

    @application.get("/api/failing-stream")
    async def fail_while_streaming() -> StreamingResponse:
        async def content() -> AsyncIterator[bytes]:
            yield b"half of it"
            raise LookupError("no such dragon")

        return StreamingResponse(content())

    return application


@pytest.fixture
def log(application: FastAPI) -> Log:  # noqa: ARG001 - it configures logging
    return Log()


@asynccontextmanager
async def serving(application: FastAPI) -> AsyncIterator[str]:
    """Serve an application from this process; yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False))
        task = asyncio.create_task(server.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await task


class TestLine:
    async def test_request_is_one_line(self, api: Api, log: Log) -> None:
        jake = api.as_user("jake")
        article = await jake.publish()
        before = len(log.lines)
        await jake.get(f"/articles/{article['slug']}?a=b", headers={"X-Request-ID": "frontend-7"})
        [line] = log.lines[before:]
        assert line.pop("milliseconds") > 0
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "event": "request",
            "level": "info",
            "method": "GET",
            "route": "/api/articles/{slug}",
            "module": "articles",
            "status": 200,
            "request_id": "frontend-7",
            "address": "127.0.0.1",
            "user_id": 1,
        }

    async def test_idempotent_replay_is_logged(self, api: Api, log: Log) -> None:
        user = {"username": "carl", "email": "carl@example.com", "password": PASSWORD}
        for _ in range(2):
            await api.post("/users", {"user": user}, headers={"Idempotency-Key": "7"})
        assert "idempotent_replay" not in log.requests[-2]
        assert log.requests[-1]["idempotent_replay"] is True

    async def test_user_id_is_cleared_before_the_next_request(self, api: Api, log: Log) -> None:
        await api.as_user("jake").get("/user")
        await api.get("/tags")
        assert log.requests[-2]["user_id"] == 1
        assert "user_id" not in log.requests[-1]

    @pytest.mark.parametrize(
        ("request_line", "expected"),
        [
            ("GET /api/profiles/nobody", ("/api/profiles/{username}", "profiles", 404)),
            ("GET /api/user", ("/api/user", "users", 401)),
            ("POST /api/users", ("/api/users", "users", 422)),
            ("GET /api/articles?limit=0", ("/api/articles", "articles", 422)),
            ("DELETE /api/articles/a/comments/1", ("/api/articles/{slug}/comments/{id}", "comments", 401)),
            ("GET /health/live", ("/health/live", None, 200)),
            ("GET /nowhere", ("/nowhere", None, 404)),
        ],
    )
    async def test_line_has_route_and_module(
        self, api: Api, log: Log, request_line: str, expected: tuple[str, str | None, int]
    ) -> None:
        await api.outside(*request_line.split())
        [line] = log.lines
        assert (line["route"], line["module"], line["status"]) == expected

    async def test_responses_of_the_middleware_are_logged(
        self, api: Api, log: Log, settings: Settings
    ) -> None:
        await api.outside("PATCH", "/api/tags")
        preflight = {"Origin": "https://blog.example.com", "Access-Control-Request-Method": "POST"}
        await api.outside("OPTIONS", "/api/users", headers=preflight)
        await api.outside("POST", "/api/users", content=b"x" * (settings.max_body_size + 1))
        assert [line["status"] for line in log.lines] == [405, 200, 413]

    async def test_unknown_path_is_percent_encoded_and_truncated(self, api: Api, log: Log) -> None:
        await api.outside("GET", '/%0A{"event":"forged"}%1B[2J' + "a" * 1_000)
        [line] = log.lines
        assert line["route"].startswith("/%0A%7B%22event%22:%22forged%22%7D%1B[2Ja")
        assert len(line["route"]) == 200


class TestFormat:
    async def test_development_logs_text(self, settings: Settings, composition: Composition) -> None:
        api = Api(logging_application(settings, composition, None))
        await api.as_user("anna").token()
        log = Log()
        request_id = "0af7651916cd43dd8448eb211c80319c"
        await api.as_user("anna").get("/articles/how-to-train?a=b", headers={"X-Request-ID": request_id})
        # No colors: it is not a terminal.
        assert re.fullmatch(
            r"GET /api/articles/how-to-train\?a=b → 404  \d+\.\d ms  articles  anna  req=0af76519\n", log.text
        )

    async def test_text_names_the_caller_of_a_cached_response(
        self, settings: Settings, composition: Composition
    ) -> None:
        api = Api(logging_application(settings, composition, "console"))
        log = Log()
        for _ in range(2):
            await api.as_user("anna").get("/articles")
        await api.get("/articles")
        *_, first, cached, anonymous = log.text.splitlines()
        assert (" anna " in first, " anna " in cached, " anna " in anonymous) == (True, True, False)

    async def test_text_shows_a_server_error_as_an_error_with_our_frames_first(
        self, settings: Settings, composition: Composition
    ) -> None:
        application = create_application(
            settings.model_copy(update={"log_level": "error", "log_format": "console"}), composition
        )

        @application.get("/api/failing")
        async def fail() -> None:
            try:
                json.loads("no dragon")
            except ValueError as error:
                raise LookupError("no such dragon") from error

        log = Log()
        await Api(application).get("/tags")
        await Api(application).get("/failing")
        unhandled, message, *traceback, request = log.text.splitlines()
        assert unhandled.split()[1:5] == ["[error", "]", "unhandled", "exception"]
        assert message == "LookupError: no such dragon"
        frames, libraries = traceback[: traceback.index("  in libraries:")], "\n".join(traceback)
        assert re.fullmatch(
            r' {4}.*tests/app/test_request_log.py:\d+ in fail: raise LookupError\("no such dragon"\) .*',
            frames[0],
        )
        assert all(re.search(r"/(tests|conduit_app|modules)/.*\.py:\d+ in ", frame) for frame in frames)
        assert "    fastapi/routing.py:" in libraries
        assert "  caused by:\njson.decoder.JSONDecodeError: Expecting value" in libraries
        assert request.startswith("GET /api/failing → 500 ")

    async def test_lines_of_libraries_have_the_same_format(self, log: Log) -> None:
        logging.getLogger("some.library").warning("%s is deprecated", "it")
        [line] = log.lines
        assert (line["event"], line["level"]) == ("it is deprecated", "warning")

    @pytest.mark.parametrize(
        ("value", "logged"),
        [
            ("jalapeño", "jalapeño"),
            ("lone surrogate \ud800", "lone surrogate \ud800"),
            (2**64, 2**64),
            (["a", None, 1.5], ["a", None, 1.5]),
            (Credentials("jake", "opensesame"), "Credentials(name='jake')"),
            (Decimal("1.5"), "Decimal('1.5')"),
            ({"nested": Credentials("jake", "opensesame")}, {"nested": "Credentials(name='jake')"}),
        ],
    )
    async def test_any_value_is_logged_as_json(self, log: Log, value: object, logged: object) -> None:
        structlog.get_logger("some.logger").info("event", value=value)
        [line] = log.lines
        assert line["value"] == logged


class TestRequestId:
    @pytest.mark.parametrize("request_id", ["a", "frontend-7", "0af7651916cd43dd.8448_eb", "x" * 64])
    async def test_valid_id_is_reused(self, api: Api, log: Log, request_id: str) -> None:
        response = await api.get("/tags", headers={"X-Request-ID": request_id})
        assert response.headers["X-Request-ID"] == log.lines[0]["request_id"] == request_id

    @pytest.mark.parametrize("request_id", ["", "x" * 65, "a b", "a,b", 'a"b', "a\tb", "ü", "$(reboot)"])
    async def test_invalid_id_is_replaced(self, api: Api, log: Log, request_id: str) -> None:
        response = await api.get("/tags", headers={"X-Request-ID": request_id.encode()})
        assert response.headers["X-Request-ID"] == log.lines[0]["request_id"] != request_id
        assert len(response.headers["X-Request-ID"]) == 32

    async def test_the_first_of_several_ids_counts(self, api: Api) -> None:
        headers = [("X-Request-ID", "a b"), ("X-Request-ID", "frontend-7")]
        assert (await api.get("/tags", headers=headers)).headers["X-Request-ID"] != "frontend-7"

    async def test_generated_ids_are_unique(self, api: Api) -> None:
        assert len({(await api.get("/tags")).headers["X-Request-ID"] for _ in range(5)}) == 5

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/api/user", 401),
            ("GET", "/nowhere", 404),
            ("PATCH", "/api/tags", 405),
            ("POST", "/api/users", 422),
            ("GET", "/api/failing", 500),
            ("GET", "/health/live", 200),
        ],
    )
    async def test_every_response_has_the_request_id(
        self, api: Api, method: str, path: str, status: int
    ) -> None:
        response = await api.outside(method, path, headers={"X-Request-ID": "frontend-7"})
        assert (response.status_code, response.headers["X-Request-ID"]) == (status, "frontend-7")


class TestFailures:
    async def test_exception_is_logged_once_with_request_id(self, api: Api, log: Log) -> None:
        await api.get("/failing", headers={"X-Request-ID": "frontend-7"})
        failure, request = log.lines
        assert (failure["event"], failure["level"]) == ("unhandled exception", "error")
        assert failure["request_id"] == request["request_id"] == "frontend-7"
        [exception] = failure["exception"]
        assert (exception["exc_type"], exception["exc_value"]) == ("LookupError", "no such dragon")
        assert exception["frames"][-1]["filename"] == __file__
        assert (request["status"], request["route"]) == (500, "/api/failing")

    async def test_failure_of_a_module_names_its_owner(
        self, api: Api, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(SqlArticleReader, "tags", AsyncMock(side_effect=LookupError("no such dragon")))
        await api.get("/tags")
        failure, request = log.lines
        assert (failure["event"], failure["owner"]) == ("unhandled exception", "@conduit/articles")
        assert (request["status"], request["owner"]) == (500, "@conduit/articles")

    async def test_failure_outside_of_the_modules_names_no_owner(self, api: Api, log: Log) -> None:
        await api.get("/failing")
        assert [line for line in log.lines if "owner" in line] == []

    async def test_exception_while_streaming_is_logged_once_and_disconnects(
        self, application: FastAPI, log: Log
    ) -> None:
        # Behind a real server, which would log an exception that reaches it.
        async with serving(application) as url, httpx2.AsyncClient(base_url=url) as client:
            with pytest.raises(httpx2.RemoteProtocolError):
                await client.get("/api/failing-stream", headers={"X-Request-ID": "frontend-7"})
        [failure] = [line for line in log.lines if "exception" in line]
        assert failure["request_id"] == "frontend-7"
        assert log.text.count("no such dragon") == 1

    @pytest.mark.parametrize("file", [FullDisk(), closed()], ids=["full", "closed"])
    async def test_unwritable_log_fails_no_request(self, api: Api, log: Log, file: TextIO) -> None:
        log.write_to(file)
        assert (await api.get("/articles")).status_code == 200
        assert (await api.get("/failing")).json()["errors"].keys() == {"server"}

    async def test_client_error_logs_no_exception(self, api: Api, log: Log) -> None:
        await api.get("/user", headers={"Authorization": "Token forged"})
        await api.post("/users", {"user": {}})
        assert [line["event"] for line in log.lines] == ["request", "request"]


# Make every insert and update fail with an error that no code translates. PostgreSQL's message has the row.
REJECT_ROWS = {
    "sqlite": """
        CREATE TRIGGER no_insert BEFORE INSERT ON users_account BEGIN SELECT RAISE(ABORT, 'rejected'); END;
        CREATE TRIGGER no_update BEFORE UPDATE ON users_account BEGIN SELECT RAISE(ABORT, 'rejected'); END
    """,
    "postgresql": "ALTER TABLE users_account ADD CONSTRAINT rejected CHECK (id < 0) NOT VALID",
}
ACCEPT_ROWS = {
    "sqlite": "DROP TRIGGER no_insert; DROP TRIGGER no_update",
    "postgresql": "ALTER TABLE users_account DROP CONSTRAINT rejected",
}


@asynccontextmanager
async def rejected_rows(database: Database) -> AsyncIterator[None]:
    """Make inserts and updates of accounts fail until the block ends."""
    async with database.transaction() as session:
        engine = session.get_bind().dialect.name
        await _run(session, REJECT_ROWS[engine])
    try:
        yield
    finally:
        async with database.transaction() as session:
            await _run(session, ACCEPT_ROWS[engine])


async def _run(session: AsyncSession, script: str) -> None:
    for statement in re.split(r";\s+(?!END)", script):
        await session.execute(text(statement))


class TestSecrets:
    @pytest.mark.parametrize("log_format", ["console", "json"])
    async def test_no_line_contains_a_secret(
        self, settings: Settings, composition: Composition, log_format: Literal["console", "json"]
    ) -> None:
        application = logging_application(settings, composition, log_format)
        log, api = Log(), Api(application)
        token = await api.as_user("jake").token()
        await api.get(f"/user?token={token}", headers={"Authorization": f"Token {token}"})
        await api.get("/user", headers={"Authorization": f"Token {token}forged"})
        login = {"user": {"email": "jake@example.com", "password": "not my pass phrase"}}
        await api.post("/users/login", login)
        async with rejected_rows(composition.database):
            anna = {"username": "anna", "email": "anna@example.com", "password": PASSWORD}
            assert (await api.post("/users", {"user": anna})).status_code == 500
            change = {"user": {"password": "another pass phrase"}}
            assert (await api.as_user("jake").put("/user", change)).status_code == 500
        assert log.text.count("unhandled exception") == 2
        for secret in (token, SECRET, PASSWORD, "not my pass phrase", "another pass phrase", "$argon2"):
            assert secret not in log.text
