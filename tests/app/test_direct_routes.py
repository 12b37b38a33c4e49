"""Endpoints that are called without FastAPI return what they return when FastAPI calls them."""

from http import HTTPStatus
from itertools import product
from typing import Annotated, Any, get_origin

import httpx2
import pytest
from fastapi import Depends, FastAPI, Header, Query, Request, routing
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from conduit_app.middleware.direct_routes import DirectRouteMiddleware
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cursors import CursorPagination, Pagination
from modules.kernel.api.errors import install_error_handlers
from modules.kernel.api.fields import (
    Identifier,
    OffsetPagination,
    PathText,
    QueryText,
    RequestModel,
    ResponseModel,
)
from modules.kernel.api.json_response import JsonResponse
from modules.kernel.api.resolved_calls import ResolvedCall, Unresolvable
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.identity import TokenMissing, UserId
from modules.kernel.fakes import FakeTokenVerifier

TOKENS = FakeTokenVerifier()
AUTHENTICATION = Authentication(TOKENS)
CURSORS = CursorPagination(["a signing key of thirty-two bytes"])


class Note(RequestModel):
    text: str


class Echo(ResponseModel):
    values: list[str]


def echo(*values: object) -> JsonResponse[Echo]:
    return Echo.respond(values=[str(value) for value in values])


async def read(  # noqa: PLR0917 - every kind of parameter
    slug: PathText,
    id: Identifier,  # noqa: A002 - as in the application
    pagination: Annotated[Pagination, Depends(CURSORS.params("tag"))],
    viewer: Annotated[UserId | None, Depends(AUTHENTICATION.optional)],
    request: Request,
    word: Annotated[str, Query(max_length=5)],
    tag: Annotated[QueryText, Query()] = None,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> JsonResponse[Echo]:
    return echo(slug, id, pagination.page, viewer, request.method, word, tag, if_match)


async def write(
    caller: Annotated[UserId, Depends(AUTHENTICATION.required)], note: Note, page: OffsetPagination
) -> JsonResponse[Echo]:
    return echo(caller, note.text, page)


async def forbid() -> None:
    raise TokenMissing


async def guarded() -> JsonResponse[Echo]:
    raise AssertionError


def client(application: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(application), base_url="http://routes.test")


def routes() -> FastAPI:
    """Return an application with the routes, whose endpoints FastAPI calls."""
    router = ModuleRouter()
    router.add_api_route("/{slug}/{id}", read, methods=["GET"])
    router.add_api_route("/notes", write, methods=["POST"])
    router.add_api_route("/guarded", guarded, methods=["GET"], dependencies=[Depends(forbid)])
    router.include_router(below(), prefix="/of/guarded", dependencies=[Depends(forbid)])
    # The table leaves /{slug}/{id} to FastAPI if the document, which is no endpoint, is at such a path.
    application = FastAPI(openapi_url=None)
    application.include_router(router)
    install_error_handlers(application)
    return application


def below() -> ModuleRouter:
    router = ModuleRouter()
    router.add_api_route("/articles", guarded, methods=["GET"])
    return router


@pytest.fixture
def resolved() -> httpx2.AsyncClient:
    """Return a client of the routes, whose endpoints are called without FastAPI."""
    application = routes()
    application.add_middleware(DirectRouteMiddleware, routes=list(iter_route_contexts(application.routes)))
    return client(application)


@pytest.fixture
def standard() -> httpx2.AsyncClient:
    """Return a client of the same routes, whose endpoints FastAPI calls."""
    return client(routes())


READS = [
    "/dragons/7?word=fire",
    "/dr%C3%A4gons/7?word=%C3%A4&limit=5&offset=2&tag=a+b",
    "/dragons/7?word=fire&limit=1&limit=2&tag=&tag=x&other=1",
    "/dragons/7?word=&cursor=",
    "/dragons/7",
    "/dragons/7?word=a-long-word&limit=0",
    "/dragons/7?word=fire&limit=1_0&offset=-1&tag=%00",
    "/dragons/0?word=fire",
    "/%00/seven?word=fire&cursor=x",
]
HEADERS: list[dict[str, str]] = [
    {},
    {"Authorization": f"Token {TOKENS.issue(UserId(7))}", "If-Match": '"a"'},
    {"Authorization": "Token forged"},
    {"Authorization": "", "if-match": ""},
]


@pytest.mark.parametrize(("url", "headers"), list(product(READS, HEADERS)))
async def test_read_gets_the_response_of_fastapi(
    resolved: httpx2.AsyncClient, standard: httpx2.AsyncClient, url: str, headers: dict[str, str]
) -> None:
    assert await sent(resolved, "GET", url, headers) == await sent(standard, "GET", url, headers)


MALFORMED = [b"[", b'{"a":1,"a":2}']


@pytest.mark.parametrize("body", [b'{"text":"Hi"}', b'{"text":7}', b"{}", b"null", b"", *MALFORMED])
@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "text/plain"])
@pytest.mark.parametrize("url", ["/notes", "/notes?limit=0"])
async def test_write_gets_the_response_of_fastapi(
    resolved: httpx2.AsyncClient, standard: httpx2.AsyncClient, body: bytes, media_type: str, url: str
) -> None:
    for headers in HEADERS if body not in MALFORMED else HEADERS[1:2]:
        typed = {**headers, "Content-Type": media_type}
        assert await sent(resolved, "POST", url, typed, body) == await sent(
            standard, "POST", url, typed, body
        )


@pytest.mark.parametrize("body", MALFORMED)
async def test_missing_token_is_reported_before_malformed_json(
    resolved: httpx2.AsyncClient, body: bytes
) -> None:
    # FastAPI parses the body first.
    response = await sent(resolved, "POST", "/notes", {"Content-Type": "application/json"}, body)
    assert response[0] == HTTPStatus.UNAUTHORIZED


async def sent(
    client: httpx2.AsyncClient, method: str, url: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, Any, bytes]:
    """Return the status, the headers and the body of a response."""
    response = await client.request(method, url, headers=headers, content=body)
    return response.status_code, response.headers.multi_items(), response.content


@pytest.mark.parametrize("path", ["/guarded", "/of/guarded/articles"])
async def test_dependency_without_a_parameter_is_not_skipped(resolved: httpx2.AsyncClient, path: str) -> None:
    assert (await sent(resolved, "GET", path, {}))[0] == HTTPStatus.UNAUTHORIZED


async def test_usual_request_is_not_resolved_by_fastapi(
    resolved: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("resolved by FastAPI")

    monkeypatch.setattr(routing, "solve_dependencies", fail)
    for method, url, body in (("GET", READS[0], b""), ("POST", "/notes", b'{"text":"Hi"}')):
        headers = {**HEADERS[1], "Content-Type": "application/json"}
        assert (await sent(resolved, method, url, headers, body))[0] == HTTPStatus.OK


async def list_of(words: Annotated[list[str], Query()]) -> JsonResponse[Echo]:
    return echo(*words)


def synchronous(tag: QueryText = None) -> JsonResponse[Echo]:
    return echo(tag)


async def of_viewer(viewer: Annotated[UserId | None, Depends(AUTHENTICATION.optional)]) -> str:
    return str(viewer)


async def twice(
    viewer: Annotated[UserId | None, Depends(AUTHENTICATION.optional)],
    name: Annotated[str, Depends(of_viewer)],
) -> JsonResponse[Echo]:
    return echo(viewer, name)


@pytest.mark.parametrize("endpoint", [list_of, synchronous, twice])
def test_other_signatures_are_left_to_fastapi(endpoint: Any) -> None:
    with pytest.raises(Unresolvable):
        ResolvedCall(endpoint, ())


def test_every_operation_with_a_model_is_resolved(application: FastAPI) -> None:
    resolved = 0
    for route in iter_route_contexts(application.routes):
        endpoint: Any = route.endpoint
        returned: Any = getattr(endpoint, "__annotations__", {}).get("return")
        if get_origin(returned) is JsonResponse:
            ResolvedCall(endpoint, compile_path(route.path or "")[2])
            resolved += 1
    assert resolved > 15
