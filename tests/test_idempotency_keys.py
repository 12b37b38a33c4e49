"""Idempotency-Key: what is sent again is created once, and has the first answer.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from conduit_app.composition import Composition
from modules.kernel.infrastructure.idempotency_table import IdempotencyKeyRow
from tests.client import PASSWORD, Api, Json
from tests.sql_recorder import StatementRecorder

KEY = {"Idempotency-Key": "550e8400-e29b-41d4-a716-446655440000"}
OTHER_KEY = {"Idempotency-Key": "7d444840-9dc0-11d1-b245-5ffdce74fad2"}
REUSED = {"errors": {"Idempotency-Key": ["was sent before, with another request"]}}
OVER = {
    "errors": {
        "Idempotency-Key": ["has registered an account that is gone, or whose sessions were ended since"]
    }
}
CARL: Json = {"user": {"username": "carl", "email": "carl@example.com", "password": PASSWORD}}
TWINS = 30


@dataclass(frozen=True, slots=True)
class Creation:
    """Something that users create, and where it is listed with all of its kind."""

    path: str
    body: Json
    other: Json
    listed: str

    async def number(self, api: Api) -> int:
        """Return how many there are."""
        listed = (await api.get(self.path)).json()[self.listed]
        return len(listed)


def article(title: str) -> Json:
    return {"article": {"title": title, "description": "On them", "body": "They fly.", "tagList": ["b", "a"]}}


CREATIONS = [
    Creation("/articles", article("Unicorns"), article("Griffins"), "articles"),
    Creation(
        "/articles/dragons/comments",
        {"comment": {"body": "Nice"}},
        {"comment": {"body": "Not so nice"}},
        "comments",
    ),
]
creations = pytest.mark.parametrize("creation", CREATIONS, ids=lambda creation: creation.listed)


@pytest.fixture
async def anna(api: Api) -> Api:
    """Return the API as anna sees it, who has published "dragons"."""
    anna = api.as_user("anna")
    await anna.publish("Dragons")
    return anna


@pytest.fixture
def statements(composition: Composition) -> Iterator[StatementRecorder]:
    statements = StatementRecorder(composition.database)
    yield statements
    statements.stop()


async def at_once(caller: Api, path: str, body: Json) -> list[httpx2.Response]:
    """Return the answers to one request that is sent so many times in one moment."""
    return await asyncio.gather(*(caller.post(path, body, headers=KEY) for _ in range(TWINS)))


def test_every_operation_that_creates_takes_a_key_and_no_other_one_does(application: FastAPI) -> None:
    operations = [
        operation for methods in application.openapi()["paths"].values() for operation in methods.values()
    ]
    creating = {each["operationId"] for each in operations if "201" in each["responses"]}
    taking = {
        each["operationId"]
        for each in operations
        if ("header", "Idempotency-Key", False)
        in [(one["in"], one["name"], one["required"]) for one in each.get("parameters", ())]
    }
    assert taking == creating >= {"CreateUser", "CreateArticle", "CreateArticleComment"}


@creations
class TestCreations:
    async def test_a_repeat_has_the_first_answer_and_creates_nothing(
        self, anna: Api, creation: Creation
    ) -> None:
        before = await creation.number(anna)
        first, second = [await anna.post(creation.path, creation.body, headers=KEY) for _ in range(2)]
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.content == second.content
        assert first.headers["Content-Type"] == second.headers["Content-Type"] == "application/json"
        assert await creation.number(anna) == before + 1

    async def test_with_a_key_the_answer_is_the_same_as_without(self, anna: Api, creation: Creation) -> None:
        bare, idempotency_key = [
            await anna.post(creation.path, creation.body, headers=headers) for headers in ({}, KEY)
        ]
        [made], [made_with_key] = bare.json().values(), idempotency_key.json().values()
        assert made.keys() == made_with_key.keys()
        assert list(made["author"].items()) == list(made_with_key["author"].items())
        assert bare.headers["Content-Type"] == idempotency_key.headers["Content-Type"]

    async def test_another_body_is_another_request(self, anna: Api, creation: Creation) -> None:
        await anna.post(creation.path, creation.body, headers=KEY)
        before = await creation.number(anna)
        answer = await anna.post(creation.path, creation.other, headers=KEY)
        assert (answer.status_code, answer.json()) == (422, REUSED)
        assert await creation.number(anna) == before

    async def test_another_key_is_another_request(self, anna: Api, creation: Creation) -> None:
        before = await creation.number(anna)
        for key in (KEY, OTHER_KEY):
            assert (await anna.post(creation.path, creation.body, headers=key)).status_code == 201
        assert await creation.number(anna) == before + 2

    async def test_somebody_elses_key_is_another_one(self, api: Api, anna: Api, creation: Creation) -> None:
        before = await creation.number(anna)
        authors = []
        for caller in (anna, api.as_user("jake")):
            answer = await caller.post(creation.path, creation.body, headers=KEY)
            [made] = answer.json().values()
            authors.append(made["author"]["username"])
        assert authors == ["anna", "jake"]
        assert await creation.number(anna) == before + 2

    async def test_of_those_that_are_sent_in_one_moment_one_creates(
        self, anna: Api, creation: Creation
    ) -> None:
        before = await creation.number(anna)
        responses = await at_once(anna, creation.path, creation.body)
        assert {answer.status_code for answer in responses} == {201}
        assert len({answer.content for answer in responses}) == 1
        assert await creation.number(anna) == before + 1

    async def test_a_failure_is_not_kept(self, anna: Api, creation: Creation) -> None:
        invalid = await anna.post(creation.path, {}, headers=KEY)
        assert invalid.status_code == 422
        assert (await anna.post(creation.path, creation.body, headers=KEY)).status_code == 201

    async def test_nobody_is_refused_before_the_key_is_looked_at(self, api: Api, creation: Creation) -> None:
        answer = await api.post(creation.path, creation.body, headers={"Idempotency-Key": "no key"})
        assert (answer.status_code, answer.json()) == (401, {"errors": {"token": ["is missing"]}})

    async def test_without_a_key_it_costs_no_statement_and_with_one_three(
        self, anna: Api, creation: Creation, statements: StatementRecorder
    ) -> None:
        costs = []
        for headers in ({}, KEY, KEY):
            statements.statements.clear()
            await anna.post(creation.path, creation.body, headers=headers)
            costs.append(len([each for each in statements.statements if "kernel_idempotency_key" in each]))
        assert costs == [0, 3, 2]
        # But for those of the token, which PostgreSQL is asked about, a repeat sends no others.
        assert len([each for each in statements.statements if "token_version" not in each]) == 2


async def test_a_failure_of_the_work_is_not_kept(anna: Api) -> None:
    path, body = "/articles/unicorns/comments", {"comment": {"body": "Nice"}}
    assert (await anna.post(path, body, headers=KEY)).status_code == 404
    await anna.publish("Unicorns")
    assert (await anna.post(path, body, headers=KEY)).status_code == 201


@pytest.mark.parametrize("other", ["/articles/unicorns/comments", "/articles/dragons/comments?draft=1"])
async def test_the_same_body_for_another_url_is_another_request(anna: Api, other: str) -> None:
    await anna.publish("Unicorns")
    body = {"comment": {"body": "Nice"}}
    responses = [await anna.post(path, body, headers=KEY) for path in ("/articles/dragons/comments", other)]
    assert [answer.status_code for answer in responses] == [201, 422]


async def test_what_has_become_of_it_since_does_not_change_the_first_answer(anna: Api) -> None:
    first = await anna.post("/articles", article("Unicorns"), headers=KEY)
    await anna.put("/articles/unicorns", {"article": {"title": "Griffins"}})
    assert (await anna.post("/articles", article("Unicorns"), headers=KEY)).content == first.content
    await anna.delete("/articles/griffins")
    assert (await anna.post("/articles", article("Unicorns"), headers=KEY)).content == first.content
    assert (await anna.get("/articles?author=anna")).json()["articlesCount"] == 1


@pytest.mark.parametrize(
    "key", ["", "two words", "a" * 256, '"open', '""', '"a" ; b=1', '"a", "b"', "schl\xfcssel", "a\\b"]
)
async def test_what_can_be_no_key_is_refused(anna: Api, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = await anna.post("/articles", article("Unicorns"), headers=headers)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["Idempotency-Key"])
    assert (await anna.get("/articles/unicorns")).status_code == 404


async def test_a_key_in_quotes_is_the_same_key(anna: Api) -> None:
    responses = [
        await anna.post("/articles", article("Unicorns"), headers={"Idempotency-Key": key})
        for key in ("7", '"7"')
    ]
    assert [answer.status_code for answer in responses] == [201, 201]
    assert responses[0].content == responses[1].content


class TestRegistration:
    async def test_a_repeat_registers_nobody_and_has_the_account_with_a_good_token(self, api: Api) -> None:
        first, second = [await api.post("/users", CARL, headers=KEY) for _ in range(2)]
        assert (first.status_code, second.status_code) == (201, 201)
        accounts = [answer.json()["user"] for answer in (first, second)]
        for account in accounts:
            headers = {"Authorization": f"Token {account.pop('token')}"}
            assert (await api.get("/user", headers=headers)).json()["user"]["username"] == "carl"
        assert accounts[0] == accounts[1]

    async def test_of_those_that_are_sent_in_one_moment_one_registers(self, api: Api) -> None:
        responses = await at_once(api, "/users", CARL)
        assert {answer.status_code for answer in responses} == {201}
        assert {answer.json()["user"]["username"] for answer in responses} == {"carl"}

    async def test_a_repeat_has_the_account_as_it_is_now(self, api: Api) -> None:
        token = (await api.post("/users", CARL, headers=KEY)).json()["user"]["token"]
        renamed = {"user": {"username": "carla"}}
        await api.put("/user", renamed, headers={"Authorization": f"Token {token}"})
        again = await api.post("/users", CARL, headers=KEY)
        assert (again.status_code, again.json()["user"]["username"]) == (201, "carla")

    async def test_another_body_is_another_request(self, api: Api) -> None:
        await api.post("/users", CARL, headers=KEY)
        answer = await api.post("/users", {"user": CARL["user"] | {"password": "only a guess"}}, headers=KEY)
        assert (answer.status_code, answer.json()) == (422, REUSED)

    @pytest.mark.parametrize("headers", [{}, OTHER_KEY])
    async def test_who_did_not_register_it_is_told_that_it_is_taken(
        self, api: Api, headers: dict[str, str]
    ) -> None:
        await api.post("/users", CARL, headers=KEY)
        answer = await api.post("/users", CARL, headers=headers)
        assert (answer.status_code, list(answer.json()["errors"])) == (409, ["email", "username"])

    async def test_a_conflict_is_not_kept(self, api: Api) -> None:
        await api.post("/users", CARL)
        assert (await api.post("/users", CARL, headers=KEY)).status_code == 409
        dora = {"user": CARL["user"] | {"username": "dora", "email": "dora@example.com"}}
        assert (await api.post("/users", dora, headers=KEY)).status_code == 201

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PUT", "/user", {"user": {"password": "a newer password"}}),
            ("POST", "/user/logout-all", None),
            ("DELETE", "/user", {"user": {"password": PASSWORD}}),
        ],
    )
    async def test_a_repeat_opens_no_account_that_the_first_answer_would_not_open(
        self, api: Api, method: str, path: str, body: Json | None
    ) -> None:
        token = (await api.post("/users", CARL, headers=KEY)).json()["user"]["token"]
        await api.request(method, path, json=body, headers={"Authorization": f"Token {token}"})
        answer = await api.post("/users", CARL, headers=KEY)
        assert (answer.status_code, answer.json()) == (409, OVER)

    async def test_nothing_that_is_kept_of_it_is_a_secret(self, api: Api, composition: Composition) -> None:
        await api.post("/users", CARL, headers=KEY)
        async with composition.database.snapshot() as session:
            kept = select(IdempotencyKeyRow.user_id, IdempotencyKeyRow.key, IdempotencyKeyRow.response)
            assert (await session.execute(kept)).one() == (0, KEY["Idempotency-Key"], "1")


async def test_an_accounts_keys_are_forgotten_with_it(anna: Api, composition: Composition) -> None:
    for creation in CREATIONS:
        await anna.post(creation.path, creation.body, headers=KEY)
    leaving = {"user": {"password": PASSWORD}}
    assert (await anna.delete("/user", json=leaving)).status_code == 204
    async with composition.database.snapshot() as session:
        assert (await session.execute(select(IdempotencyKeyRow))).all() == []
