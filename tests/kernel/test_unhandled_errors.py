"""Unhandled exceptions: the response is readable for browsers and reveals no cause."""

from typing import Literal

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
def api(settings: Settings, composition: Composition) -> Api:
    """Return a Conduit with a route whose handler raises an exception."""
    application = create_application(settings, composition)
    add_failing_route(application)
    return Api(application)


def add_failing_route(application: FastAPI) -> None:
    @application.get("/api/failing")
    async def fail(password: str = "") -> None:
        raise LookupError(f"no safe opens to {len(password)} letters")


async def test_response_has_cors_headers(api: Api) -> None:
    response = await api.get("/failing", headers=ORIGIN)
    assert response.status_code == 500
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "X-Request-ID" in response.headers["Access-Control-Expose-Headers"]


async def test_next_request_is_served(api: Api) -> None:
    await api.get("/failing")
    assert (await api.get("/tags")).status_code == 200


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_log_contains_traceback_without_local_variables(
    settings: Settings,
    composition: Composition,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    log_format: Literal["console", "json"],
) -> None:
    # structlog's loggers cache their first configuration.
    monkeypatch.setattr(unhandled_errors, "log", structlog.get_logger("conduit.request"))
    application = create_application(settings.model_copy(update={"log_format": log_format}), composition)
    add_failing_route(application)
    await Api(application).get("/failing?password=opensesame")
    log = capsys.readouterr().err
    assert "no safe opens to 10 letters" in log
    assert "test_unhandled_errors.py" in log
    assert "opensesame" not in log
