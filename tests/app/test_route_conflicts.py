"""Routes that two modules claim are refused; within a module, the more specific path comes first."""

from itertools import permutations

import pytest
from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from conduit_app.application import create_application
from conduit_app.composition import CompositionError, SharedServices, compose
from conduit_app.route_conflicts import OwnedRoute, described_tags, reject_conflicts, sort_routes
from conduit_app.settings import Settings
from modules.kernel.container import ModuleContainer
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.module import Module


def routes(module: str, *requests: str, **options: object) -> list[OwnedRoute]:
    """Return routes such as `GET /tags` of a module."""
    router = APIRouter()
    for request in requests:
        method, path = request.split()
        router.add_api_route(path, lambda: None, methods=[method], **options)  # type: ignore[arg-type]
    return [(module, route) for route in iter_route_contexts(router.routes)]


def conflict(*owned: list[OwnedRoute]) -> str:
    """Return the message of the conflict between these routes."""
    with pytest.raises(CompositionError) as caught:
        reject_conflicts([route for some in owned for route in some])
    return str(caught.value)


@pytest.mark.parametrize(
    ("core", "plugin"),
    [
        ("GET /tags", "GET /tags"),
        ("GET /articles/{slug}", "GET /articles/{name}"),
        ("GET /articles/{slug}", "GET /articles/bookmarked"),
        ("GET /articles/{slug}/comments", "GET /articles/latest/{part}"),
        ("GET /articles/{slug}", "GET /{rest:path}"),
    ],
)
def test_request_that_two_modules_match_is_refused(core: str, plugin: str) -> None:
    method, path = core.split()
    _, other = plugin.split()
    assert conflict(routes("articles", core), routes("bookmarks", plugin)) == (
        f"{method} {path} of articles matches the same requests as {other} of bookmarks"
    )


def test_equal_paths_of_one_module_are_refused() -> None:
    assert conflict(routes("articles", "GET /articles/{slug}", "GET /articles/{name}")) == (
        "GET /articles/{slug} of articles matches the same requests as /articles/{name} of articles"
    )


def test_other_methods_and_paths_are_no_conflict() -> None:
    core = routes("articles", "GET /articles/{slug}", "POST /articles", "GET /articles/feed")
    plugin = routes(
        "bookmarks", "POST /articles/{slug}/bookmark", "DELETE /articles/{slug}", "GET /bookmarks"
    )
    reject_conflicts([*core, *plugin])


def test_repeated_operation_id_is_refused() -> None:
    core = routes("articles", "GET /tags", operation_id="GetTags")
    plugin = routes("bookmarks", "GET /bookmarks", operation_id="GetTags")
    assert conflict(core, plugin) == "operation id GetTags of bookmarks is also one of articles"


def test_schemas_of_the_same_name_are_refused() -> None:
    class Core:
        class Article(BaseModel):
            """A model."""

    class Plugin:
        class Article(BaseModel):
            """Another model."""

        class Bookmarks(BaseModel):
            """A model in which it is nested."""

            bookmarks: "list[Plugin.Article]"

    Plugin.Bookmarks.model_rebuild(_types_namespace={"Plugin": Plugin})
    core = routes("articles", "GET /articles", response_model=Core.Article)
    again = routes("comments", "GET /comments", response_model=list[Core.Article])
    reject_conflicts([*core, *again])
    plugin = routes("bookmarks", "GET /bookmarks", response_model=Plugin.Bookmarks | None)
    assert conflict(core, plugin) == "schema Article of bookmarks is also one of articles"


def test_more_specific_path_comes_first_in_any_order() -> None:
    paths = ["/articles/{slug}", "/articles/feed", "/articles", "/articles/{rest:path}"]
    for shuffled in permutations(paths):
        router = APIRouter()
        for path in shuffled:
            router.add_api_route(path, lambda: None)
        sort_routes(router)
        ordered = [path for _, route in routes_of(router) if (path := str(route.path)) != "/articles"]
        assert ordered == ["/articles/feed", "/articles/{slug}", "/articles/{rest:path}"]


def routes_of(router: APIRouter) -> list[OwnedRoute]:
    """Return the routes in their order."""
    return [("articles", route) for route in iter_route_contexts(router.routes)]


def test_application_refuses_a_plugin_that_claims_a_route(settings: Settings) -> None:
    def module(name: str) -> Module:
        def create_router(_container: ModuleContainer) -> APIRouter:
            router = APIRouter()
            router.add_api_route("/tags", lambda: [name])
            return router

        return Module(name=name, container=ModuleContainer, routers=[create_router])

    shared = SharedServices(Database(settings.database_url), (settings.secret_key or "",))
    composition = compose([module("labels"), module("topics")], shared)
    with pytest.raises(
        CompositionError, match="GET /tags of labels matches the same requests as /tags of topics"
    ):
        create_application(settings, composition)


def test_described_tag_is_in_the_document() -> None:
    module = Module(name="bookmarks", container=ModuleContainer, tags={"Bookmarks": "The reading list."})
    composition = compose([module], SharedServices(Database("sqlite+aiosqlite://"), ("a" * 32,)))
    document = create_application(Settings(), composition).openapi()
    assert document["tags"] == [{"name": "Bookmarks", "description": "The reading list."}]


def test_tag_that_two_modules_describe_is_refused() -> None:
    modules = [
        Module(name=name, container=ModuleContainer, tags={"Lists": f"Of {name}."}) for name in ("one", "two")
    ]
    with pytest.raises(CompositionError) as caught:
        described_tags(modules)
    assert str(caught.value) == "tag Lists of two is also one of one"
