"""The size of the response cache, and responses served from it."""

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from conduit_app.composition import Composition
from conduit_app.middleware.cache_key import CacheKeys, QueryPairs
from conduit_app.middleware.response_cache import (
    ENTRY_OVERHEAD_BYTES,
    MAX_ENTRY_FRACTION,
    ResponseCacheMiddleware,
)
from modules.kernel.api.authentication import PRINCIPAL
from modules.kernel.api.cacheable import CACHE_MAX_AGE
from modules.kernel.domain.identity import Principal, Session, UserId
from modules.kernel.fakes import FAR_FUTURE
from tests.client import Api
from tests.conftest import AppInstance
from tests.sql_recorder import StatementRecorder

HOUR = 3_600


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return an application on SQLite: on PostgreSQL, commits of other tests on the server invalidate."""
    return sqlite_app


@pytest.fixture
def recorder(composition: Composition) -> Iterator[StatementRecorder]:
    recorder = StatementRecorder(composition.database)
    yield recorder
    recorder.stop()


@pytest.mark.parametrize(
    "path",
    [
        "/articles",
        "/articles/feed",
        "/articles/dragons",
        "/articles/dragons/comments",
        "/profiles/jake",
        "/tags",
    ],
)
async def test_cached_response_executes_no_statement(
    api: Api, recorder: StatementRecorder, path: str
) -> None:
    await api.as_user("jake").publish("Dragons")
    first = await api.as_user("jake").get(path)
    recorder.statements.clear()
    again = await api.as_user("jake").get(path)
    assert again.status_code == 200
    assert again.content == first.content
    assert recorder.statements == []


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("/articles/dragons", "/articles/dragons?_=1"),
        ("/articles/dragons", "/articles/dragons?limit=5"),
        ("/articles?tag=fire", "/articles?_=2&tag=fire&utm_source=x"),
        ("/articles?tag=fire", "/articles?t%61g=fire"),
        ("/tags", "/tags?tag=fire"),
    ],
)
async def test_unknown_query_parameter_is_served_from_the_cache(
    api: Api, recorder: StatementRecorder, path: str, same: str
) -> None:
    await api.as_user("jake").publish("Dragons", tags=["fire"])
    first = await api.get(path)
    recorder.statements.clear()
    again = await api.get(same)
    assert again.status_code == 200
    assert again.content == first.content
    assert recorder.statements == []


@pytest.mark.parametrize(
    "queries",
    [
        ["tag=fire", "author=fire", "tag=Fire", "tag=", "limit=1", "limit=1&limit=2", "limit=2&limit=1"],
        ["tag=%EF%BF%BD", "tag=%FF", "tag=%FE"],
    ],
)
async def test_declared_query_parameters_distinguish_responses(api: Api, queries: list[str]) -> None:
    for number, tag in enumerate(("fire", "\ufffd", "water")):
        await api.as_user("jake").publish(f"Dragons {number}", tags=[tag])
    fresh = [await api.get(f"/articles?{query}&fresh={number}") for number, query in enumerate(queries)]
    await api.as_user("jake").publish("Knights")
    await api.as_user("jake").delete("/articles/knights")
    again = [await api.get(f"/articles?{query}") for query in reversed(queries)][::-1]
    assert [(response.status_code, response.json()) for response in again] == [
        (response.status_code, response.json()) for response in fresh
    ]


async def test_logout_invalidates_responses_of_the_old_token(api: Api) -> None:
    old = {"Authorization": f"Token {await api.as_user('jake').token()}"}
    assert (await api.get("/articles/feed", headers=old)).status_code == 200
    await api.post("/user/logout-all", headers=old)
    assert (await api.get("/articles/feed", headers=old)).status_code == 401


async def test_cached_response_has_cors_headers_once(api: Api) -> None:
    for _ in range(2):
        response = await api.get("/tags", headers={"Origin": "https://blog.example.com"})
        assert response.headers.get_list("Access-Control-Allow-Origin") == ["*"]
        assert len(response.headers.get_list("X-Request-ID")) == 1


def principal(expires_at: int) -> Principal:
    return Principal(UserId(1), Session("laptop", "1", 0), expires_at, "a token")


class CountingApp:
    """An ASGI application that returns the number of the request, cacheable for an hour.

    It responds once `concurrency` requests have arrived.
    """

    def __init__(self, size: int = 0, principal: Principal | None = None, concurrency: int = 1) -> None:
        self._numbers = itertools.count(1)
        self._missing = concurrency
        self._all_arrived = asyncio.Event()
        self._padding = b" " * size
        self._principal = principal

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        scope[CACHE_MAX_AGE] = HOUR
        if self._principal is not None:
            scope[PRINCIPAL] = self._principal
        self._missing -= 1
        if self._missing <= 0:
            self._all_arrived.set()
        await self._all_arrived.wait()
        body = b"%d" % next(self._numbers) + self._padding
        size = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": size})
        await send({"type": "http.response.body", "body": body})


class AnyPath(CacheKeys):
    """A cache whose paths are all cacheable."""

    def __init__(self) -> None:
        super().__init__([])

    def query(self, _path: str, _query_string: bytes) -> QueryPairs:
        """Return no parameters."""
        return ()


def client(
    application: CountingApp, max_size: int = 1_000_000, versions: Iterable[int | None] = itertools.repeat(1)
) -> httpx2.AsyncClient:
    """Return a client of this application behind a response cache, on a database that never changes."""
    remaining = iter(versions)

    async def read_data_version() -> int | None:
        return next(remaining)

    middleware = ResponseCacheMiddleware(application, read_data_version, AnyPath(), max_size)
    transport = httpx2.ASGITransport(middleware)
    return httpx2.AsyncClient(transport=transport, base_url="http://cache.test")


async def number(client: httpx2.AsyncClient, path: str = "/") -> int:
    """Return the number in the response."""
    return int((await client.get(path)).content)


class TestSize:
    @pytest.fixture(autouse=True)
    def ticking_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Advance the clock by a second at each reading: no test depends on the speed of the machine."""
        clock = SimpleNamespace(time=itertools.count(1).__next__)
        monkeypatch.setattr("conduit_app.middleware.response_cache.time", clock)

    async def test_least_recently_used_entry_is_evicted_first(self) -> None:
        cached = client(CountingApp(), max_size=MAX_ENTRY_FRACTION * (ENTRY_OVERHEAD_BYTES + 20))
        paths = [f"/{number}" for number in range(MAX_ENTRY_FRACTION)]
        first = [await number(cached, path) for path in paths]
        assert await number(cached, paths[0]) == first[0]
        for extra in range(5):
            await number(cached, f"/extra{extra}")
        assert await number(cached, paths[0]) == first[0]
        assert await number(cached, paths[1]) != first[1]

    async def test_large_response_is_not_cached(self) -> None:
        cached = client(CountingApp(size=20_000), max_size=1_000_000)
        assert [await number(cached), await number(cached)] == [1, 2]

    async def test_long_url_counts_towards_the_size(self) -> None:
        cached = client(CountingApp(), max_size=1_000_000)
        path = f"/{'x' * 20_000}"
        assert [await number(cached, path), await number(cached, path)] == [1, 2]

    async def test_concurrent_responses_are_counted_once(self) -> None:
        cached = client(CountingApp(size=10_000, concurrency=200), max_size=1_000_000)
        responses = await asyncio.gather(*(number(cached) for _ in range(200)))
        assert sorted(responses) == list(range(1, 201))
        assert await number(cached) in responses

    async def test_cache_of_size_0_stores_nothing(self) -> None:
        cached = client(CountingApp(), max_size=0)
        assert [await number(cached), await number(cached)] == [1, 2]

    async def test_nothing_is_cached_without_a_data_version(self) -> None:
        cached = client(CountingApp(), versions=[None, 1, None, 1, 2])
        assert [await number(cached) for _ in range(5)] == [1, 2, 3, 2, 4]

    async def test_entry_expires_with_its_token(self) -> None:
        valid = client(CountingApp(principal=principal(expires_at=int(FAR_FUTURE.timestamp()))))
        assert [await number(valid), await number(valid)] == [1, 1]
        expired = client(CountingApp(principal=principal(expires_at=0)))
        assert [await number(expired), await number(expired)] == [1, 2]
