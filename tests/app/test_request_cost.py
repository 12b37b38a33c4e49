"""The cost of a request in Python calls, which does not depend on the machine or its load.

A number here is a limit in both directions: a change that makes a request cheaper lowers it.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count

import orjson
import pytest
from fastapi import FastAPI

from conduit_app.application import create_application
from modules.kernel.api.fields import ResponseModel
from modules.kernel.api.json_response import JsonResponse
from modules.kernel.api.router import ModuleRouter
from modules.kernel.container import ModuleContainer
from modules.kernel.module import Module
from tests.client import Api
from tests.conftest import AppInstance, composed
from tests.python_calls import AsgiRequest, python_calls

TOLERANCE = 0.05
# Middleware, routing, log and metrics of a GET whose endpoint does nothing.
EDGE_CALLS = 82


class Constant(ResponseModel):
    """The same response to every request."""


CONSTANT = JsonResponse[Constant](b"{}")


def create_router(_container: ModuleContainer) -> ModuleRouter:
    router = ModuleRouter()

    @router.get("/constant/{name}")
    async def get_constant(name: str) -> JsonResponse[Constant]:  # noqa: ARG001 - part of the path
        """Return the same response to every request."""
        return CONSTANT

    return router


CONSTANT_MODULE = Module(name="constant", container=ModuleContainer, routers=[create_router])


@pytest.fixture
async def application(sqlite_app: AppInstance) -> AsyncIterator[FastAPI]:
    """Return an application as in production, with one more module, without response cache."""
    changes = {
        "log_level": "info",
        "log_format": "json",
        "response_cache_size": 0,
        "database_isolates_modules": False,
    }
    settings = sqlite_app.settings.model_copy(update=changes)
    async with composed(settings) as composition:
        extended = replace(
            composition,
            modules=[*composition.modules, CONSTANT_MODULE],
            containers={**composition.containers, CONSTANT_MODULE.name: ModuleContainer()},
        )
        yield create_application(settings, extended)


async def test_edge_costs_few_python_calls(application: FastAPI) -> None:
    request = AsgiRequest("/api/constant/x")
    assert await request.send(application) == 200
    calls = await python_calls(lambda: request.send(application))
    assert calls.total() == pytest.approx(EDGE_CALLS, rel=TOLERANCE), calls.most_common(40)


AUTHORS, ARTICLES = 10, 30
# Python calls of the operations without the response cache, on 30 articles of 10 authors and 20 comments.
OPERATION_CALLS = {
    "GET /articles": 264,
    "GET /articles with token": 326,
    "GET /articles?tag=tag1": 276,
    "GET /articles?author=writer1": 252,
    "GET /articles/feed": 316,
    "GET /articles/{slug}": 182,
    "GET /articles/{slug}/comments": 304,
    "GET /profiles/{username}": 152,
    "GET /user": 167,
    "GET /tags": 116,
    "POST /articles/{slug}/comments": 446,
    "POST and DELETE /articles/{slug}/favorite": 925,
    "POST /articles": 619,
}


@pytest.fixture
async def filled(application: FastAPI, sqlite_app: AppInstance) -> str:
    """Fill the database and return the token of a reader who follows the authors."""
    sqlite_app.empty()
    api = Api(application)
    reader = api.as_user("reader")
    for number in range(ARTICLES):
        author = api.as_user(f"writer{number % AUTHORS}")
        await author.publish(f"Article {number}", tags=[f"tag{number % 3}", "all"])
    for number in range(AUTHORS):
        await reader.follow(f"writer{number}")
    for number in range(20):
        await api.as_user(f"writer{number % AUTHORS}").comment({"slug": "article-0"})
    return await reader.token()


@pytest.mark.parametrize("operation", OPERATION_CALLS)
async def test_operation_costs_a_fixed_number_of_python_calls(
    application: FastAPI, filled: str, operation: str
) -> None:
    numbers = count()

    def request(method: str, target: str, body: object = None, *, token: bool = True) -> AsgiRequest:
        path, _, query = target.format(slug="article-0", username="writer1").partition("?")
        headers = ((b"authorization", f"Token {filled}".encode()),) if token else ()
        return AsgiRequest(f"/api{path}", method, query, headers, b"" if body is None else orjson.dumps(body))

    async def act() -> None:
        methods, _, target = operation.rpartition(" /")
        match operation:
            case "POST /articles":
                article = {
                    "title": f"New {next(numbers)}",
                    "description": "d",
                    "body": "b",
                    "tagList": ["all"],
                }
                requests = [request("POST", "/articles", {"article": article})]
            case "POST /articles/{slug}/comments":
                requests = [request("POST", f"/{target}", {"comment": {"body": "Well."}})]
            case "GET /articles with token" | "GET /articles/feed" | "GET /user":
                requests = [request("GET", f"/{target.removesuffix(' with token')}")]
            case _:
                requests = [
                    request(method, f"/{target}", token=method != "GET") for method in methods.split(" and ")
                ]
        for sent in requests:
            assert await sent.send(application) in {200, 201}

    calls = await python_calls(act)
    assert calls.total() == pytest.approx(OPERATION_CALLS[operation], rel=TOLERANCE), calls.most_common(40)
