"""The table of routes finds the same route as FastAPI's router, with the same scope."""

from collections.abc import Callable, Iterable, Iterator
from itertools import product

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Host, Mount, NoMatchFound, Route
from starlette.types import Receive, Scope, Send

from conduit_app.application import create_application
from conduit_app.route_table import ROUTE_APP, RouteTable
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
    for route_class in (APIRoute, RouteTable, Route, Mount, Host):
        monkeypatch.setattr(route_class, "handle", raise_route_found)


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
    """Compare the scopes with and without the table; return how many requests the table found."""
    routes = application.router.routes
    count = 0
    for path, method in product(paths, METHODS):
        found = await found_scope(application, method, path)
        table = routes.pop(0)
        assert isinstance(table, RouteTable)
        expected = await found_scope(application, method, path)
        routes.insert(0, table)
        if found is None or expected is None:
            assert found == expected, (method, path)
            continue
        state = expected.pop(ROUTER_STATE, {})
        if ROUTE_APP in found:
            count += 1
            route = state.get("effective_route_context", expected["route"])
            assert found.pop(ROUTE_APP) is route.app, (method, path)
        found.pop(ROUTER_STATE, None)
        assert found == expected, (method, path)
    return count


def variants(path: str) -> Iterator[str]:
    """Yield paths that match this template or nearly do."""
    for value in ("dragons", "feed", "7", "a.b", "ä%2F", "{slug}", "x\n", ""):
        filled = "/".join(value if "{" in segment else segment for segment in path.split("/"))
        yield from (filled, f"{filled}/", f"{filled}\n", f"{filled}/more", f"/{filled}", filled.upper())


async def test_every_route_of_the_application_is_found(sqlite_app: AppInstance) -> None:
    application = create_application(sqlite_app.settings, sqlite_app.composition)
    contexts = [route for route in iter_route_contexts(application.routes) if route.path]
    for route in contexts:
        is_in_table = isinstance(route.original_route, APIRoute) and ":path}" not in str(route.path)
        path = str(route.path_format).replace("{", "").replace("}", "")
        for method in route.methods or ():
            scope = await found_scope(application, method, path)
            assert scope is not None
            assert (ROUTE_APP in scope) == is_in_table, path
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
async def test_first_matching_route_has_precedence(first: Callable[[FastAPI], object]) -> None:
    application = FastAPI(redirect_slashes=False)
    first(application)
    including("/x/{b}", "/x/y", "/{b}/{c}", "/x/{b}/z", "/other")(application)
    application.router.routes.insert(0, RouteTable(iter_route_contexts(application.routes)))
    segments = ("x", "y", "7", "z", "a.b", "")
    paths = [f"/{'/'.join(chosen)}" for length in (1, 2, 3) for chosen in product(segments, repeat=length)]
    await assert_same(application, [*paths, "/other"])


async def test_routes_added_later_are_found_by_the_router(sqlite_app: AppInstance) -> None:
    application = create_application(sqlite_app.settings, sqlite_app.composition)
    application.get("/api/later", response_model=None)(respond)
    scope = await found_scope(application, "GET", "/api/later")
    assert scope is not None
    assert ROUTE_APP not in scope
    assert scope["endpoint"] is respond


@pytest.mark.parametrize("path", ["/proxy/api/profiles/jake", "/api/profiles/jake"])
async def test_requests_below_a_root_path_are_found(sqlite_app: AppInstance, path: str) -> None:
    application = create_application(sqlite_app.settings, sqlite_app.composition)
    scope: Scope = {"type": "http", "method": "GET", "path": path, "root_path": "/proxy"}
    with pytest.raises(RouteFound):
        await application.router(scope, receive_nothing, send_nothing)
    assert ROUTE_APP in scope
    assert scope["path_params"] == {"username": "jake"}


def test_urls_of_routes_are_made_by_the_router(sqlite_app: AppInstance) -> None:
    application = create_application(sqlite_app.settings, sqlite_app.composition)
    assert application.url_path_for("feed") == "/api/articles/feed"
    with pytest.raises(NoMatchFound):
        application.url_path_for("nothing")
