"""RFC 9457 for those who ask for it, and the RealWorld shape for everybody else."""

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
    """Return a Conduit on SQLite: what is tested here does not touch a database."""
    return sqlite_app


def asking(accept: str) -> dict[str, str]:
    return {"Accept": accept}


async def test_an_error_is_a_problem_with_all_that_the_other_form_says(api: Api) -> None:
    answer = await api.get("/articles/unknown", headers=asking(PROBLEM))
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == PROBLEM
    assert "Accept" in answer.headers["Vary"]
    assert "Accept" in (await api.get("/articles/unknown")).headers["Vary"]
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "article not found",
        "errors": {"article": ["not found"]},
    }


async def test_every_problem_is_in_the_detail(api: Api) -> None:
    user = {"user": {"username": "", "email": "nobody", "password": "correct horse"}}
    answer = await api.post("/users", user, headers=asking(PROBLEM))
    assert answer.status_code == 422
    told = answer.json()
    assert told["detail"] == "; ".join(f"{name} {said}" for name, [said] in told["errors"].items())
    assert set(told["errors"]) == {"username", "email"}


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/nowhere", 404, None),
        ("PATCH", "/tags", 405, None),
        ("GET", "/user", 401, None),
        ("POST", "/users", 422, b"{"),
        ("POST", "/users", 413, b" " * 2_000_000),
        ("GET", "/articles?limit=-1", 422, None),
    ],
)
async def test_whoever_refuses_it_is_a_problem(
    api: Api, method: str, path: str, status: int, body: bytes | None
) -> None:
    answer = await api.request(method, path, content=body, headers=asking(PROBLEM))
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)
    assert answer.json()["status"] == status
    assert int(answer.headers["Content-Length"]) == len(answer.content)


async def test_the_programs_own_failure_is_one_too(settings: Settings, composition: Composition) -> None:
    application = create_application(settings, composition)

    @application.get("/api/failing")
    async def fail() -> None:
        raise RuntimeError("the password of the database")

    answer = await Api(application).get("/failing", headers=asking(PROBLEM))
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal Server Error")
    assert "password" not in answer.text


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
async def test_who_does_not_prefer_it_gets_the_one_shape(api: Api, accept: str) -> None:
    answer = await api.get("/articles/unknown", headers=asking(accept))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"errors": {"article": ["not found"]}}


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
async def test_who_wants_it_no_less_gets_it(api: Api, accept: str) -> None:
    answer = await api.get("/articles/unknown", headers=asking(accept))
    assert answer.headers["Content-Type"] == PROBLEM


async def test_several_lines_of_accept_are_one_list(api: Api) -> None:
    lines = [("Accept", "application/json;q=0.1"), ("Accept", PROBLEM)]
    answer = await api.outside("GET", "/api/articles/unknown", headers=lines)
    assert answer.headers["Content-Type"] == PROBLEM


async def test_an_error_of_another_shape_stays_as_it_is(settings: Settings, composition: Composition) -> None:
    application = create_application(settings, composition)

    @application.get("/api/teapot")
    async def brew() -> Response:
        return JSONResponse({"errors": ["the spout is short"]}, 418)

    answer = await Api(application).get("/teapot", headers=asking(PROBLEM))
    assert (answer.status_code, answer.json()) == (418, {"errors": ["the spout is short"]})
    assert answer.headers["Content-Type"] == "application/json"


async def test_what_is_no_error_stays_as_it_is(api: Api) -> None:
    answer = await api.get("/tags", headers=asking(PROBLEM))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"tags": []}
