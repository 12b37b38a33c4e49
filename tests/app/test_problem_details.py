"""Problem details (RFC 9457) for clients that accept them, else the RealWorld error shape."""

import pytest
from starlette.responses import JSONResponse, Response

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from tests.client import Api
from tests.conftest import AppInstance

PROBLEM = "application/problem+json"


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return an application on SQLite: these tests do not depend on the database."""
    return sqlite_app


def accepting(accept: str) -> dict[str, str]:
    return {"Accept": accept}


async def test_error_is_a_problem_with_the_realworld_errors(api: Api) -> None:
    response = await api.get("/articles/unknown", headers=accepting(PROBLEM))
    assert response.status_code == 404
    assert response.headers["Content-Type"] == PROBLEM
    assert "Accept" in response.headers["Vary"]
    assert "Accept" in (await api.get("/articles/unknown")).headers["Vary"]
    assert response.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "article not found",
        "errors": {"article": ["not found"]},
    }


async def test_detail_has_every_error(api: Api) -> None:
    user = {"user": {"username": "", "email": "nobody", "password": "correct horse"}}
    response = await api.post("/users", user, headers=accepting(PROBLEM))
    assert response.status_code == 422
    problem = response.json()
    assert problem["detail"] == "; ".join(
        f"{subject} {error}" for subject, [error] in problem["errors"].items()
    )
    assert set(problem["errors"]) == {"username", "email"}


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/nowhere", 404, None),
        ("PATCH", "/tags", 405, None),
        ("GET", "/user", 401, None),
        ("POST", "/users", 422, b"{"),
        ("POST", "/users", 413, b" " * 7_000_000),
        ("GET", "/articles?limit=-1", 422, None),
    ],
)
async def test_errors_of_any_origin_are_problems(
    api: Api, method: str, path: str, status: int, body: bytes | None
) -> None:
    response = await api.request(method, path, content=body, headers=accepting(PROBLEM))
    assert (response.status_code, response.headers["Content-Type"]) == (status, PROBLEM)
    assert response.json()["status"] == status
    assert int(response.headers["Content-Length"]) == len(response.content)


async def test_unhandled_exception_is_a_problem(settings: Settings, composition: Composition) -> None:
    application = create_application(settings, composition)

    @application.get("/api/failing")
    async def fail() -> None:
        raise RuntimeError("the password of the database")

    response = await Api(application).get("/failing", headers=accepting(PROBLEM))
    assert (response.status_code, response.json()["title"]) == (500, "Internal Server Error")
    assert "password" not in response.text


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        f"application/json, {PROBLEM};q=0.5",
        f"{PROBLEM};q=0",
        f"{PROBLEM}; q = 0.0",
        f"{PROBLEM};q=0.1, application/*",
        f"{PROBLEM};q=0.1, */*",
        "application/problem+jsonp",
    ],
)
async def test_realworld_shape_is_returned_unless_problem_json_is_preferred(api: Api, accept: str) -> None:
    response = await api.get("/articles/unknown", headers=accepting(accept))
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {"errors": {"article": ["not found"]}}


@pytest.mark.parametrize(
    "accept",
    [
        f"application/json, {PROBLEM}",
        f"text/html, {PROBLEM};q=0.1",
        PROBLEM.upper(),
        f"application/*, {PROBLEM}",
        f"{PROBLEM}, */*;q=0.8",
        f"{PROBLEM};q=1e5",
        f"{PROBLEM};q=",
    ],
)
async def test_problem_is_returned_if_preferred_or_equal(api: Api, accept: str) -> None:
    response = await api.get("/articles/unknown", headers=accepting(accept))
    assert response.headers["Content-Type"] == PROBLEM


async def test_accept_headers_are_combined(api: Api) -> None:
    lines = [("Accept", "application/json;q=0.1"), ("Accept", PROBLEM)]
    response = await api.outside("GET", "/api/articles/unknown", headers=lines)
    assert response.headers["Content-Type"] == PROBLEM


async def test_error_of_another_shape_is_unchanged(settings: Settings, composition: Composition) -> None:
    application = create_application(settings, composition)

    @application.get("/api/teapot")
    async def brew() -> Response:
        return JSONResponse({"errors": ["the spout is short"]}, 418)

    response = await Api(application).get("/teapot", headers=accepting(PROBLEM))
    assert (response.status_code, response.json()) == (418, {"errors": ["the spout is short"]})
    assert response.headers["Content-Type"] == "application/json"


async def test_success_is_unchanged(api: Api) -> None:
    response = await api.get("/tags", headers=accepting(PROBLEM))
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {"tags": []}
