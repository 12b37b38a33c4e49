"""What kept answers take: no more than their room, and no statements when they are given again."""

import asyncio
import itertools
from collections.abc import Iterator
from types import SimpleNamespace

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from conduit_app.composition import Composition
from conduit_app.middleware.response_cache import (
    ENTRY_OVERHEAD_BYTES,
    MAX_ENTRY_FRACTION,
    ResponseCacheMiddleware,
)
from modules.kernel.api.authentication import PRINCIPAL
from modules.kernel.api.cacheable import CACHE_MAX_AGE
from modules.kernel.domain.identity import Principal, UserId
from modules.kernel.fakes import FAR_FUTURE
from tests.client import Api
from tests.conftest import AppInstance
from tests.sql_recorder import StatementRecorder

HOUR = 3_600


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return a Conduit on SQLite, which alone tells its version: on PostgreSQL nothing is kept."""
    return sqlite_app


@pytest.fixture
def statements(composition: Composition) -> Iterator[StatementRecorder]:
    statements = StatementRecorder(composition.database)
    yield statements
    statements.stop()


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
async def test_what_is_given_again_asks_the_database_nothing(
    api: Api, statements: StatementRecorder, path: str
) -> None:
    await api.as_user("jake").publish("Dragons")
    first = await api.as_user("jake").get(path)
    statements.statements.clear()
    again = await api.as_user("jake").get(path)
    assert again.status_code == 200
    assert again.content == first.content
    assert statements.statements == []


async def test_a_new_password_ends_what_was_kept_for_the_old_token(api: Api) -> None:
    old = {"Authorization": f"Token {await api.as_user('jake').token()}"}
    assert (await api.get("/articles/feed", headers=old)).status_code == 200
    await api.put("/user", {"user": {"password": "a newer password"}}, headers=old)
    assert (await api.get("/articles/feed", headers=old)).status_code == 401


async def test_a_browser_may_read_what_is_given_again(api: Api) -> None:
    for _ in range(2):
        answer = await api.get("/tags", headers={"Origin": "https://blog.example.com"})
        assert answer.headers.get_list("Access-Control-Allow-Origin") == ["*"]
        assert len(answer.headers.get_list("X-Request-ID")) == 1


class Counted:
    """An application whose answers last for an hour, and say which one they are.

    It begins to answer when so many have asked.
    """

    def __init__(self, size: int = 0, principal: Principal | None = None, at_once: int = 1) -> None:
        self._numbers = itertools.count(1)
        self._missing = at_once
        self._everybody = asyncio.Event()
        self._padding = b" " * size
        self._principal = principal

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        scope[CACHE_MAX_AGE] = HOUR
        if self._principal is not None:
            scope[PRINCIPAL] = self._principal
        self._missing -= 1
        if self._missing <= 0:
            self._everybody.set()
        await self._everybody.wait()
        body = b"%d" % next(self._numbers) + self._padding
        size = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": size})
        await send({"type": "http.response.body", "body": body})


def client(application: Counted, max_size: int = 1_000_000, version: int | None = 1) -> httpx2.AsyncClient:
    """Return a client of this application behind kept answers, over a database that never changes."""
    transport = httpx2.ASGITransport(ResponseCacheMiddleware(application, lambda: version, max_size))
    return httpx2.AsyncClient(transport=transport, base_url="http://kept.test")


async def number(client: httpx2.AsyncClient, path: str = "/") -> int:
    """Return which answer of the application this is."""
    return int((await client.get(path)).content)


class TestRoom:
    @pytest.fixture(autouse=True)
    def slow_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a second pass between two looks at the clock: what is tested here is room, not time."""
        clock = SimpleNamespace(time=itertools.count(1).__next__)
        monkeypatch.setattr("conduit_app.middleware.response_cache.time", clock)

    async def test_the_longest_unused_goes_first_when_there_is_no_more_room(self) -> None:
        kept = client(Counted(), max_size=MAX_ENTRY_FRACTION * (ENTRY_OVERHEAD_BYTES + 20))
        paths = [f"/{number}" for number in range(MAX_ENTRY_FRACTION)]
        first = [await number(kept, path) for path in paths]
        assert await number(kept, paths[0]) == first[0]
        for extra in range(5):
            await number(kept, f"/extra{extra}")
        assert await number(kept, paths[0]) == first[0]
        assert await number(kept, paths[1]) != first[1]

    async def test_an_answer_that_would_drive_out_too_many_is_not_kept(self) -> None:
        kept = client(Counted(size=20_000), max_size=1_000_000)
        assert [await number(kept), await number(kept)] == [1, 2]

    async def test_a_long_question_takes_room_too(self) -> None:
        kept = client(Counted(), max_size=1_000_000)
        path = f"/?{'x' * 20_000}"
        assert [await number(kept, path), await number(kept, path)] == [1, 2]

    async def test_what_many_ask_at_once_takes_its_room_once(self) -> None:
        kept = client(Counted(size=10_000, at_once=200), max_size=1_000_000)
        answers = await asyncio.gather(*(number(kept) for _ in range(200)))
        assert sorted(answers) == list(range(1, 201))
        assert await number(kept) in answers

    async def test_without_room_nothing_is_kept(self) -> None:
        kept = client(Counted(), max_size=0)
        assert [await number(kept), await number(kept)] == [1, 2]

    async def test_where_the_version_is_not_known_nothing_is_kept(self) -> None:
        kept = client(Counted(), version=None)
        assert [await number(kept), await number(kept)] == [1, 2]

    async def test_the_answer_to_a_token_is_kept_no_longer_than_the_token_is_good(self) -> None:
        lasting = client(Counted(principal=Principal(UserId(1), expires_at=int(FAR_FUTURE.timestamp()))))
        assert [await number(lasting), await number(lasting)] == [1, 1]
        ended = client(Counted(principal=Principal(UserId(1), expires_at=0)))
        assert [await number(ended), await number(ended)] == [1, 2]
