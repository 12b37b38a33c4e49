"""What is written about each request, and what never is."""

import asyncio
import errno
import io
import json
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal, TextIO

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.kernel.infrastructure.persistence.database import Database
from tests.client import PASSWORD, Api
from tests.conftest import SECRET

Line = dict[str, Any]


class FullDisk(io.StringIO):
    """A file that takes no more."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def closed() -> TextIO:
    file = io.StringIO()
    file.close()
    return file


class Log:
    """What a process has written to its log."""

    def __init__(self) -> None:
        [handler] = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        self._handler, self._stream = handler, io.StringIO()
        handler.setStream(self._stream)
        # The client of these tests logs in the same process.
        handler.addFilter(lambda record: record.name != "httpx2")

    def write_to(self, file: TextIO) -> None:
        """Write to this file from now on."""
        self._handler.setStream(file)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[Line]:
        """Every line as it was before it became JSON."""
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def requests(self) -> list[Line]:
        return [line for line in self.lines if line["event"] == "request"]


def logging_application(
    settings: Settings, composition: Composition, log_format: Literal["console", "json"] | None = "json"
) -> FastAPI:
    """Return Conduit as it logs when nothing else is set."""
    chosen = settings.model_copy(update={"log_level": "info", "log_format": log_format})
    return create_application(chosen, composition)


@pytest.fixture
def application(settings: Settings, composition: Composition) -> FastAPI:
    """Return a Conduit that logs JSON, with a route that fails and one that fails half-way."""
    application = logging_application(settings, composition)

    @application.get("/api/failing")
    async def fail() -> None:
        raise LookupError("no such dragon")

    @application.get("/api/breaking-off")
    async def break_off() -> StreamingResponse:
        async def content() -> AsyncIterator[bytes]:
            yield b"half of it"
            raise LookupError("no such dragon")

        return StreamingResponse(content())

    return application


@pytest.fixture
def log(api: Api) -> Log:
    """Return the log of the application that is called."""
    assert api.answers == []
    return Log()


@asynccontextmanager
async def serving(application: FastAPI) -> AsyncIterator[str]:
    """Serve an application from this process, and return where."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False))
        served = asyncio.create_task(server.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await served


class TestLine:
    async def test_a_request_is_one_line(self, api: Api, log: Log) -> None:
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
            "user_id": 1,
        }

    async def test_a_repeat_of_a_keyed_request_is_one(self, api: Api, log: Log) -> None:
        user = {"username": "carl", "email": "carl@example.com", "password": PASSWORD}
        for _ in range(2):
            await api.post("/users", {"user": user}, headers={"Idempotency-Key": "7"})
        assert "repeated" not in log.requests[-2]
        assert log.requests[-1]["repeated"] is True

    async def test_who_is_asking_is_forgotten_before_the_next_request(self, api: Api, log: Log) -> None:
        await api.as_user("jake").get("/user")
        await api.get("/tags")
        assert log.requests[-2]["user_id"] == 1
        assert "user_id" not in log.requests[-1]

    @pytest.mark.parametrize(
        ("called", "told"),
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
    async def test_it_names_the_route_and_its_module(
        self, api: Api, log: Log, called: str, told: tuple[str, str | None, int]
    ) -> None:
        await api.outside(*called.split())
        [line] = log.lines
        assert (line["route"], line["module"], line["status"]) == told

    async def test_a_method_that_is_not_allowed_a_preflight_and_a_large_body_are_lines_too(
        self, api: Api, log: Log
    ) -> None:
        await api.outside("PATCH", "/api/tags")
        preflight = {"Origin": "https://blog.example.com", "Access-Control-Request-Method": "POST"}
        await api.outside("OPTIONS", "/api/users", headers=preflight)
        await api.outside("POST", "/api/users", content=b"x" * 1_048_577)
        assert [line["status"] for line in log.lines] == [405, 200, 413]

    async def test_an_unknown_path_stays_percent_encoded_and_is_cut_off(self, api: Api, log: Log) -> None:
        await api.outside("GET", '/%0A{"event":"forged"}%1B[2J' + "a" * 1_000)
        [line] = log.lines
        assert line["route"].startswith("/%0A%7B%22event%22:%22forged%22%7D%1B[2Ja")
        assert len(line["route"]) == 200


class TestForm:
    async def test_production_logs_json(self, settings: Settings, composition: Composition) -> None:
        production = settings.model_copy(update={"environment": "production"})
        api = Api(logging_application(production, composition, None))
        log = Log()
        await api.get("/tags")
        assert [line["route"] for line in log.requests] == ["/api/tags"]

    async def test_development_logs_for_people(self, settings: Settings, composition: Composition) -> None:
        api = Api(logging_application(settings, composition, None))
        log = Log()
        await api.get("/tags", headers={"X-Request-ID": "frontend-7"})
        [line] = log.text.splitlines()
        assert line.split()[1:4] == ["[info", "]", "request"]
        for pair in (
            "method=GET",
            "route=/api/tags",
            "status=200",
            "module=articles",
            "request_id=frontend-7",
        ):
            assert pair in line.split()
        # Colours are for terminals.
        assert "\x1b" not in line

    async def test_what_libraries_log_has_the_same_form(self, log: Log) -> None:
        logging.getLogger("some.library").warning("%s is deprecated", "it")
        [line] = log.lines
        assert (line["event"], line["level"]) == ("it is deprecated", "warning")


class TestRequestId:
    @pytest.mark.parametrize("offered", ["a", "frontend-7", "0af7651916cd43dd.8448_eb", "x" * 64])
    async def test_a_well_formed_one_is_kept(self, api: Api, log: Log, offered: str) -> None:
        answer = await api.get("/tags", headers={"X-Request-ID": offered})
        assert answer.headers["X-Request-ID"] == log.lines[0]["request_id"] == offered

    @pytest.mark.parametrize("offered", ["", "x" * 65, "a b", "a,b", 'a"b', "a\tb", "ü", "$(reboot)"])
    async def test_any_other_is_replaced(self, api: Api, log: Log, offered: str) -> None:
        answer = await api.get("/tags", headers={"X-Request-ID": offered.encode()})
        assert answer.headers["X-Request-ID"] == log.lines[0]["request_id"] != offered
        assert len(answer.headers["X-Request-ID"]) == 32

    async def test_each_request_without_one_is_given_another(self, api: Api) -> None:
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
    async def test_it_is_in_every_answer(self, api: Api, method: str, path: str, status: int) -> None:
        answer = await api.outside(method, path, headers={"X-Request-ID": "frontend-7"})
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (status, "frontend-7")


class TestFailures:
    async def test_one_is_logged_once_with_the_request_id(self, api: Api, log: Log) -> None:
        await api.get("/failing", headers={"X-Request-ID": "frontend-7"})
        failure, request = log.lines
        assert (failure["event"], failure["level"]) == ("the program failed", "error")
        assert failure["request_id"] == request["request_id"] == "frontend-7"
        [exception] = failure["exception"]
        assert (exception["exc_type"], exception["exc_value"]) == ("LookupError", "no such dragon")
        assert exception["frames"][-1]["filename"] == __file__
        assert (request["status"], request["route"]) == (500, "/api/failing")

    async def test_one_in_the_middle_of_an_answer_is_logged_once_too_and_cuts_it_off(
        self, application: FastAPI, log: Log
    ) -> None:
        # Behind a real server, because servers log what is raised to them.
        async with serving(application) as url, httpx2.AsyncClient(base_url=url) as client:
            with pytest.raises(httpx2.RemoteProtocolError):
                await client.get("/api/breaking-off", headers={"X-Request-ID": "frontend-7"})
        [failure] = [line for line in log.lines if "exception" in line]
        assert failure["request_id"] == "frontend-7"
        assert log.text.count("no such dragon") == 1

    @pytest.mark.parametrize("file", [FullDisk(), closed()], ids=["full", "closed"])
    async def test_a_log_that_cannot_be_written_to_fails_no_request(
        self, api: Api, log: Log, file: TextIO
    ) -> None:
        log.write_to(file)
        assert (await api.get("/articles")).status_code == 200
        assert (await api.get("/failing")).json()["errors"].keys() == {"server"}

    async def test_an_error_of_the_caller_is_no_failure(self, api: Api, log: Log) -> None:
        await api.get("/user", headers={"Authorization": "Token forged"})
        await api.post("/users", {"user": {}})
        assert [line["event"] for line in log.lines] == ["request", "request"]


# How a database comes to refuse a row for a reason that no code foresees, and no more. PostgreSQL would
# tell all of the row.
REFUSING = {
    "sqlite": """
        CREATE TRIGGER no_insert BEFORE INSERT ON users_account BEGIN SELECT RAISE(ABORT, 'refused'); END;
        CREATE TRIGGER no_update BEFORE UPDATE ON users_account BEGIN SELECT RAISE(ABORT, 'refused'); END
    """,
    "postgresql": "ALTER TABLE users_account ADD CONSTRAINT refused CHECK (id < 0) NOT VALID",
}
REFUSING_NO_MORE = {
    "sqlite": "DROP TRIGGER no_insert; DROP TRIGGER no_update",
    "postgresql": "ALTER TABLE users_account DROP CONSTRAINT refused",
}


@asynccontextmanager
async def refused_rows(database: Database) -> AsyncIterator[None]:
    """Let the database refuse every account that is new or changes, for as long as the block lasts."""
    async with database.transaction() as session:
        engine = session.get_bind().dialect.name
        await _run(session, REFUSING[engine])
    try:
        yield
    finally:
        async with database.transaction() as session:
            await _run(session, REFUSING_NO_MORE[engine])


async def _run(session: AsyncSession, script: str) -> None:
    for statement in re.split(r";\s+(?!END)", script):
        await session.execute(text(statement))


class TestSecrets:
    @pytest.mark.parametrize("log_format", ["console", "json"])
    async def test_none_is_in_any_line_whatever_fails(
        self, settings: Settings, composition: Composition, log_format: Literal["console", "json"]
    ) -> None:
        application = logging_application(settings, composition, log_format)
        log, api = Log(), Api(application)
        token = await api.as_user("jake").token()
        await api.get(f"/user?token={token}", headers={"Authorization": f"Token {token}"})
        await api.get("/user", headers={"Authorization": f"Token {token}forged"})
        login = {"user": {"email": "jake@example.com", "password": "not my pass phrase"}}
        await api.post("/users/login", login)
        async with refused_rows(composition.database):
            anna = {"username": "anna", "email": "anna@example.com", "password": PASSWORD}
            assert (await api.post("/users", {"user": anna})).status_code == 500
            change = {"user": {"password": "another pass phrase"}}
            assert (await api.as_user("jake").put("/user", change)).status_code == 500
        assert log.text.count("the program failed") == 2
        for secret in (token, SECRET, PASSWORD, "not my pass phrase", "another pass phrase", "$argon2"):
            assert secret not in log.text
