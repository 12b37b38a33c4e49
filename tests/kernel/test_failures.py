"""The program itself fails: a browser may read that it did, and nobody reads why."""

from typing import Literal

import httpx2
import pytest
import structlog
from fastapi import FastAPI

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.middleware import unhandled_errors
from conduit_app.settings import Settings
from tests.client import Api

ORIGIN = {"Origin": "https://blog.example.com"}


@pytest.fixture
def failing(settings: Settings, composition: Composition) -> Api:
    """Return a Conduit with a route whose handler fails."""
    application = create_application(settings, composition)
    add_failing_route(application)
    return Api(application)


def add_failing_route(application: FastAPI) -> None:
    @application.get("/api/failing")
    async def fail(password: str = "") -> None:
        raise LookupError(f"no safe opens to {len(password)} letters")


def told(answer: httpx2.Response) -> str:
    """Return the one message of an answer in the error shape."""
    [[message]] = answer.json()["errors"].values()
    return str(message)


async def test_a_failure_is_a_500_in_the_error_shape(failing: Api) -> None:
    answer = await failing.get("/failing")
    assert answer.status_code == 500
    assert list(answer.json()["errors"]) == ["server"]


async def test_a_failure_names_the_request_to_report(failing: Api) -> None:
    answer = await failing.get("/failing")
    assert answer.headers["X-Request-ID"] in told(answer)
    answer = await failing.get("/failing", headers={"X-Request-ID": "frontend-7"})
    assert "frontend-7" in told(answer)


async def test_a_failure_does_not_say_why(failing: Api) -> None:
    answer = await failing.get("/failing")
    for word in ("LookupError", "Traceback", "safe", ".py"):
        assert word not in answer.text


async def test_a_failure_can_be_read_by_a_browser(failing: Api) -> None:
    answer = await failing.get("/failing", headers=ORIGIN)
    assert answer.status_code == 500
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]


async def test_the_next_request_is_served(failing: Api) -> None:
    await failing.get("/failing")
    assert (await failing.get("/tags")).status_code == 200


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_the_log_says_why_but_not_what_variables_held(
    settings: Settings,
    composition: Composition,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    log_format: Literal["console", "json"],
) -> None:
    # Loggers keep the configuration that they first met.
    monkeypatch.setattr(unhandled_errors, "log", structlog.get_logger("conduit.request"))
    application = create_application(settings.model_copy(update={"log_format": log_format}), composition)
    add_failing_route(application)
    await Api(application).get("/failing?password=opensesame")
    log = capsys.readouterr().err
    assert "no safe opens to 10 letters" in log
    assert "test_failures.py" in log
    assert "opensesame" not in log
