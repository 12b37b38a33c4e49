"""Answers that are given again: the same bytes without a statement, until anything changes."""

import asyncio
import itertools
from collections.abc import Iterator

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from conduit_app.application import compose_from, create_application
from conduit_app.composition import Composition
from conduit_app.kept_answers import LARGEST_PART, OVERHEAD, KeptAnswers
from conduit_app.settings import Settings
from modules.kernel.api.authentication import PRINCIPAL
from modules.kernel.api.routing import LASTING
from modules.kernel.domain.identity import Principal, UserId
from modules.kernel.fakes import FAR_FUTURE
from tests.client import Api, Json
from tests.statements import Statements

LASTING_PATHS = [
    "/articles",
    "/articles/dragons",
    "/articles/dragons/comments",
    "/profiles/jake",
    "/tags",
]


@pytest.fixture
async def dragons(api: Api) -> Json:
    """Return an article of jake's."""
    return await api.as_user("jake").publish("Dragons", tags=["fire"])


@pytest.fixture
def statements(composition: Composition) -> Iterator[Statements]:
    statements = Statements(composition.database)
    yield statements
    statements.stop()


@pytest.mark.usefixtures("dragons")
class TestWhatIsGivenAgain:
    @pytest.mark.parametrize("path", LASTING_PATHS)
    async def test_the_same_answer_is_given_without_asking_the_database(
        self, api: Api, statements: Statements, path: str
    ) -> None:
        first = await api.as_user("jake").get(path)
        statements.sent.clear()
        again = await api.as_user("jake").get(path)
        assert statements.sent == []
        assert (again.status_code, again.content, again.headers["ETag"]) == (
            200,
            first.content,
            first.headers["ETag"],
        )

    async def test_an_error_is_worked_out_anew(self, api: Api, statements: Statements) -> None:
        await api.get("/articles/unknown")
        statements.sent.clear()
        assert (await api.get("/articles/unknown")).status_code == 404
        assert statements.sent

    async def test_ones_own_account_is_worked_out_anew_with_its_token(
        self, api: Api, statements: Statements
    ) -> None:
        await api.as_user("jake").get("/user")
        statements.sent.clear()
        answer = await api.as_user("jake").get("/user")
        assert "ETag" not in answer.headers
        assert statements.sent

    async def test_each_caller_and_each_question_has_its_own(self, api: Api, dragons: Json) -> None:
        await api.as_user("anna").favorite(dragons)
        for _ in range(2):
            for caller, favorited in [
                (api.as_user("anna"), True),
                (api.as_user("jake"), False),
                (api, False),
            ]:
                [article] = (await caller.get("/articles?tag=fire")).json()["articles"]
                assert article["favorited"] is favorited
                assert (await caller.get("/articles?tag=ice")).json()["articles"] == []

    async def test_of_two_callers_in_one_request_neither_is_taken_for_the_other(self, api: Api) -> None:
        good = f"Token {await api.as_user('jake').token()}"
        both = [("Authorization", good), ("Authorization", "Token bad")]
        for headers in (both, both[1:]):
            answer = await api.outside("GET", "/api/articles", headers=headers)
        assert answer.status_code == 401


class TestWhatIsForgotten:
    async def test_whatever_changes_is_seen_at_once_by_everybody(self, api: Api, dragons: Json) -> None:
        for caller in (api, api.as_user("anna"), api.as_user("jake")):
            await caller.get("/articles")
        await api.as_user("anna").favorite(dragons)
        for caller in (api, api.as_user("anna"), api.as_user("jake")):
            [article] = (await caller.get("/articles")).json()["articles"]
            assert article["favoritesCount"] == 1

    async def test_what_another_process_changes_is_seen_at_once(
        self, api: Api, settings: Settings, dragons: Json
    ) -> None:
        await api.get("/articles/dragons")
        jake = await api.as_user("jake").token()
        other = compose_from(settings)
        there = Api(create_application(settings, other), {"jake": jake})
        await there.as_user("jake").put("/articles/dragons", {"article": {"body": "They swim."}})
        await other.database.dispose()
        seen = (await api.get("/articles/dragons")).json()["article"]
        assert seen["body"] != dragons["body"]

    @pytest.mark.usefixtures("dragons")
    async def test_a_token_that_ended_opens_nothing_that_it_opened_before(self, api: Api) -> None:
        token = {"Authorization": f"Token {await api.as_user('jake').token()}"}
        assert (await api.get("/articles/feed", headers=token)).status_code == 200
        await api.put("/user", {"user": {"password": "a newer password"}}, headers=token)
        assert (await api.get("/articles/feed", headers=token)).status_code == 401


@pytest.mark.usefixtures("dragons")
class TestTags:
    async def test_what_the_caller_has_already_is_not_sent_again(self, api: Api) -> None:
        etag = (await api.get("/articles")).headers["ETag"]
        for tags in (etag, f'"another", {etag}', f"W/{etag}", "*"):
            answer = await api.get("/articles", headers={"If-None-Match": tags})
            assert answer.status_code == 304
            assert answer.content == b""
            assert answer.headers["ETag"] == etag

    async def test_what_has_changed_is_sent_with_another_tag(self, api: Api) -> None:
        etag = (await api.get("/articles")).headers["ETag"]
        await api.as_user("anna").publish("Knights")
        answer = await api.get("/articles", headers={"If-None-Match": etag})
        assert answer.status_code == 200
        assert answer.headers["ETag"] != etag

    async def test_a_browser_may_read_an_answer_that_is_given_again(self, api: Api) -> None:
        for _ in range(2):
            answer = await api.get("/articles", headers={"Origin": "https://blog.example.com"})
            assert answer.headers.get_list("Access-Control-Allow-Origin") == ["*"]
            assert len(answer.headers.get_list("X-Request-ID")) == 1


class Counted:
    """An application whose answers last, and say which one they are; it waits until it may answer."""

    def __init__(self, size: int = 0, principal: Principal | None = None) -> None:
        self.answers = itertools.count(1)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._padding = b" " * size
        self._principal = principal

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        scope[LASTING] = True
        if self._principal is not None:
            scope[PRINCIPAL] = self._principal
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % next(self.answers) + self._padding})


def client(application: Counted, room: int = 1_000_000, version: int | None = 1) -> httpx2.AsyncClient:
    """Return a client of this application behind kept answers, over a database that never changes."""
    transport = httpx2.ASGITransport(KeptAnswers(application, lambda: version, room))
    return httpx2.AsyncClient(transport=transport, base_url="http://kept.test")


async def number(client: httpx2.AsyncClient, path: str = "/") -> int:
    """Return which answer of the application this is."""
    return int((await client.get(path)).content)


class TestRoom:
    async def test_the_longest_unused_goes_first_when_there_is_no_more_room(self) -> None:
        kept = client(Counted(), room=LARGEST_PART * (OVERHEAD + 20))
        paths = [f"/{number}" for number in range(LARGEST_PART)]
        first = [await number(kept, path) for path in paths]
        assert await number(kept, paths[0]) == first[0]
        for extra in range(5):
            await number(kept, f"/extra{extra}")
        assert await number(kept, paths[0]) == first[0]
        assert await number(kept, paths[1]) != first[1]

    async def test_an_answer_that_would_drive_out_too_many_is_not_kept(self) -> None:
        kept = client(Counted(size=20_000), room=1_000_000)
        assert [await number(kept), await number(kept)] == [1, 2]

    async def test_a_long_question_takes_room_too(self) -> None:
        kept = client(Counted(), room=1_000_000)
        path = f"/?{'x' * 20_000}"
        assert [await number(kept, path), await number(kept, path)] == [1, 2]

    async def test_what_many_ask_at_once_takes_its_room_once(self) -> None:
        application = Counted(size=10_000)
        kept = client(application, room=1_000_000)
        application.may_answer.clear()
        asking = [asyncio.create_task(kept.get("/")) for _ in range(200)]
        application.may_answer.set()
        assert {answer.status_code for answer in await asyncio.gather(*asking)} == {200}
        last = await number(kept)
        assert await number(kept, "/other") > last
        assert await number(kept) == last

    async def test_without_room_nothing_is_kept(self) -> None:
        kept = client(Counted(), room=0)
        assert [await number(kept), await number(kept)] == [1, 2]

    async def test_where_the_version_is_not_known_nothing_is_kept(self) -> None:
        kept = client(Counted(), version=None)
        assert [await number(kept), await number(kept)] == [1, 2]

    async def test_the_answer_to_a_token_is_kept_no_longer_than_the_token_is_good(self) -> None:
        lasting = client(Counted(principal=Principal(UserId(1), until=int(FAR_FUTURE.timestamp()))))
        assert [await number(lasting), await number(lasting)] == [1, 1]
        ended = client(Counted(principal=Principal(UserId(1), until=0)))
        assert [await number(ended), await number(ended)] == [1, 2]
