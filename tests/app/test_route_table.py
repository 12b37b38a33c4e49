"""The table of routes finds the same route as FastAPI's router, with the same scope."""

from collections.abc import Callable, Iterable, Iterator
from itertools import product

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Host, Mount, Route
from starlette.types import Receive, Scope, Send

from conduit_app import route_table
from conduit_app.application import create_application
from conduit_app.route_table import RouteTable
from modules.kernel.api.errors import GenericErrorModel
from modules.kernel.api.json_response import JsonResponse
from modules.kernel.api.router import DirectRoute, ModuleRouter
from tests.conftest import AppInstance

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW")
# The router's own state, with which it finds the ASGI application of an included route.
ROUTER_STATE = "fastapi"


class RouteFound(Exception):
    """Raised instead of calling the route that was found."""


async def raise_route_found(_route: object, _scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RouteFound


@pytest.fixture(autouse=True)
def uncalled_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    for route_class in (APIRoute, Route, Mount, Host):
        monkeypatch.setattr(route_class, "handle", raise_route_found)


@pytest.fixture
def any_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the table find the routes that only FastAPI can call, too."""
    direct = DirectRoute(respond, Request)
    monkeypatch.setattr(route_table, "direct_route", lambda _route: direct)


async def receive_nothing() -> dict[str, object]:
    raise AssertionError


async def send_nothing(_message: object) -> None:
    raise AssertionError


async def found_scope(application: FastAPI, method: str, path: str) -> Scope | None:
    """Return the scope that the router gives to the route it finds, or None."""
    scope: Scope = {"type": "http", "method": method, "path": path, "headers": [], "app": application}
    try:
        await application.router(scope, receive_nothing, send_nothing)
    except RouteFound:
        return scope
    except HTTPException:
        return None
    raise AssertionError(path)


async def assert_same(application: FastAPI, paths: Iterable[str]) -> int:
    """Compare what the table finds with the router; return how many requests the table found."""
    table = RouteTable(iter_route_contexts(application.routes))
    count = 0
    for path, method in product(paths, METHODS):
        found = table.find({"type": "http", "method": method, "path": path})
        if found is not None:
            count += 1
            scope = await found_scope(application, method, path)
            assert scope is not None, (method, path)
            assert found[1].items() <= scope.items(), (method, path)
    return count


def variants(path: str) -> Iterator[str]:
    """Yield paths that match this template or nearly do."""
    for value in ("dragons", "feed", "7", "a.b", "ä%2F", "{slug}", "x\n", ""):
        filled = "/".join(value if "{" in segment else segment for segment in path.split("/"))
        yield from (filled, f"{filled}/", f"{filled}\n", f"{filled}/more", f"/{filled}", filled.upper())


@pytest.mark.usefixtures("any_route")
async def test_every_route_of_the_application_is_found(sqlite_app: AppInstance) -> None:
    application = create_application(sqlite_app.settings, sqlite_app.composition)
    contexts = [route for route in iter_route_contexts(application.routes) if route.path]
    table = RouteTable(contexts)
    for route in contexts:
        is_in_table = isinstance(route.original_route, APIRoute) and ":path}" not in str(route.path)
        path = str(route.path_format).replace("{", "").replace("}", "")
        for method in route.methods or ():
            found = table.find({"type": "http", "method": method, "path": path})
            assert (found is not None) == is_in_table, path
    count = await assert_same(application, {path for route in contexts for path in variants(str(route.path))})
    assert count >= len(contexts)


async def respond(_request: object) -> Response:
    raise AssertionError


def including(*paths: str) -> Callable[[FastAPI], object]:
    """Return a function that includes a router with these paths, each for GET and PUT."""

    def include(application: FastAPI) -> None:
        router = APIRouter()
        for path in paths:
            router.add_api_route(path, respond, methods=["GET", "PUT"], response_model=None)
        application.include_router(router)

    return include


@pytest.mark.parametrize(
    "first",
    [
        including("/x/{a:int}"),
        including("/x/{a:path}"),
        including("/x/{a}.{b}"),
        including("/{a}/y"),
        including("/{a}/{b}", "/x/{a:int}/z"),
        including("/x/y", "/x/7"),
        lambda application: application.mount("/x", respond),
        lambda application: application.mount("/", respond),
        lambda application: application.host("conduit.test", respond),
        lambda application: application.add_route("/x/y", respond),
        lambda application: application.post("/x/{a}", response_model=None)(respond),
    ],
)
@pytest.mark.usefixtures("any_route")
async def test_first_matching_route_has_precedence(first: Callable[[FastAPI], object]) -> None:
    application = FastAPI(openapi_url=None, redirect_slashes=False)
    first(application)
    including("/other", "/x/{b}", "/x/y", "/{b}/{c}", "/x/{b}/z")(application)
    segments = ("x", "y", "7", "z", "a.b", "")
    paths = [f"/{'/'.join(chosen)}" for length in (1, 2, 3) for chosen in product(segments, repeat=length)]
    await assert_same(application, [*paths, "/other"])


def test_route_that_only_fastapi_can_call_has_precedence() -> None:
    application = FastAPI(openapi_url=None)
    including("/x/y")(application)
    router = ModuleRouter()
    router.add_api_route("/x/{a}", endpoint, methods=["GET"])
    application.include_router(router)
    table = RouteTable(iter_route_contexts(application.routes))
    scope: Scope = {"type": "http", "method": "GET"}
    assert table.find({**scope, "path": "/x/y"}) is None
    assert table.find({**scope, "path": "/x/z"}) is not None


async def endpoint(a: str) -> JsonResponse[GenericErrorModel]:
    raise AssertionError(a)


@pytest.mark.parametrize("path", ["/proxy/api/profiles/jake", "/api/profiles/jake"])
def test_requests_below_a_root_path_are_found(sqlite_app: AppInstance, path: str) -> None:
    application = create_application(sqlite_app.settings, sqlite_app.composition)
    table = RouteTable(iter_route_contexts(application.routes))
    found = table.find({"type": "http", "method": "GET", "path": path, "root_path": "/proxy"})
    assert found is not None
    assert found[1]["path_params"] == {"username": "jake"}
