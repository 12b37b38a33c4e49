"""The cost of a request in Python calls, which does not depend on the machine or its load.

A number here is a limit in both directions: a change that makes a request cheaper lowers it.
"""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute

from conduit_app.application import create_application
from modules.kernel.container import ModuleContainer
from modules.kernel.module import Module
from tests.conftest import AppInstance
from tests.python_calls import AsgiRequest, python_calls

TOLERANCE = 0.05
# Server, middleware, routing, log and metrics of a GET, without the handler of its route.
EDGE_CALLS = 110

CONSTANT = Response(b"{}", media_type="application/json")


class ConstantRoute(APIRoute):
    """A route whose handler does nothing."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that returns the same response to every request."""

        async def handle(_request: Request) -> Response:
            return CONSTANT

        return handle


def create_router(_container: ModuleContainer) -> APIRouter:
    router = APIRouter(route_class=ConstantRoute)

    @router.get("/constant/{name}")
    async def get_constant() -> None:
        """Is not called: the handler of its route does not call it."""

    return router


CONSTANT_MODULE = Module(name="constant", container=ModuleContainer, routers=[create_router])


@pytest.fixture
def application(sqlite_app: AppInstance) -> FastAPI:
    """Return an application with one more module, logging JSON as in production, without response cache."""
    composition = replace(
        sqlite_app.composition,
        modules=[*sqlite_app.composition.modules, CONSTANT_MODULE],
        containers={**sqlite_app.composition.containers, CONSTANT_MODULE.name: ModuleContainer()},
    )
    changes = {"log_level": "info", "log_format": "json", "response_cache_size": 0}
    return create_application(sqlite_app.settings.model_copy(update=changes), composition)


async def test_edge_costs_few_python_calls(application: FastAPI) -> None:
    request = AsgiRequest("/api/constant/x")
    assert await request.send(application) == 200
    calls = await python_calls(lambda: request.send(application))
    assert calls.total() == pytest.approx(EDGE_CALLS, rel=TOLERANCE), calls.most_common(40)
