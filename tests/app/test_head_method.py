"""HEAD wherever GET works, with the same headers and no body (RFC 9110, 9.1 and 9.3.2)."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx2
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from conduit_app.middleware.head_method import HeadMiddleware
from tests.client import Api

PROBLEM_JSON = {"Accept": "application/problem+json"}


def get_paths(application: FastAPI) -> Iterator[str]:
    """Yield the path of every GET, with parameters filled in."""
    for route in iter_route_contexts(application.routes):
        if route.path and "GET" in (route.methods or set()):
            path = route.path.replace(":path}", "}")
            yield path.format(username="jake", slug="dragons", name="operations")


def headers(response: httpx2.Response) -> dict[str, str]:
    """Return the headers that do not differ from request to request."""
    changing = {"x-request-id"}
    if response.url.path == "/metrics":
        changing |= {"content-length", "etag"}
    return {name: value for name, value in response.headers.items() if name not in changing}


async def test_head_has_the_headers_of_get(api: Api, application: FastAPI) -> None:
    """Of every path, by its author and anonymously, computed and from the response cache."""
    jake = api.as_user("jake")
    await jake.comment(await jake.publish("Dragons"))
    credentials = {"Authorization": f"Token {await jake.token()}"}
    paths = [*get_paths(application), "/static-offline-docs/swagger-ui.css", "/nowhere", "/api/articles/none"]
    assert len(paths) > 15
    statuses = set()
    for path in paths:
        for sent in ({}, credentials, PROBLEM_JSON):
            for _ in range(2):
                head = await api.outside("HEAD", path, headers=sent)
                get = await api.outside("GET", path, headers=sent)
                assert (head.status_code, headers(head)) == (get.status_code, headers(get)), (path, sent)
                assert head.content == b"", path
                statuses.add(head.status_code)
    assert statuses == {200, 401, 404}


async def test_head_with_a_matching_etag_gets_304(api: Api) -> None:
    await api.as_user("jake").publish("Dragons")
    etag = (await api.request("HEAD", "/articles/dragons")).headers["ETag"]
    response = await api.request("HEAD", "/articles/dragons", headers={"If-None-Match": etag})
    assert (response.status_code, response.content) == (304, b"")


async def test_head_does_not_open_a_stream() -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "data: tick\n\n"
            await asyncio.Event().wait()

    async def stream(_request: Request) -> StreamingResponse:
        return StreamingResponse(endless(), media_type="text/event-stream")

    application = HeadMiddleware(Starlette(routes=[Route("/", stream)]))
    transport = httpx2.ASGITransport(application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://conduit.test") as client:
        response = await client.head("/")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Content-Type"].startswith("text/event-stream")


async def test_preflight_of_head_is_allowed(api: Api) -> None:
    """A HEAD with an Authorization header needs one (https://fetch.spec.whatwg.org/#http-cors-protocol)."""
    headers = {
        "Origin": "https://blog.example",
        "Access-Control-Request-Method": "HEAD",
        "Access-Control-Request-Headers": "Authorization",
    }
    assert (await api.request("OPTIONS", "/articles", headers=headers)).status_code == 200
