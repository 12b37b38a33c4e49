"""Idempotency-Key: a repeated request creates nothing and gets the first response.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import asyncio
import re
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
REUSED = {"errors": {"Idempotency-Key": ["was already used with a different request"]}}
REVOKED = {
    "errors": {
        "Idempotency-Key": [
            "belongs to a registration whose account was deleted, logged out or got a new password"
        ]
    }
}
CARL: Json = {"user": {"username": "carl", "email": "carl@example.com", "password": PASSWORD}}
DUPLICATES = 30


@dataclass(frozen=True, slots=True)
class Creation:
    """An operation that creates a resource, and the key of its list."""

    path: str
    body: Json
    other: Json
    list_key: str

    async def count(self, api: Api) -> int:
        """Return the number of resources."""
        return len((await api.get(self.path)).json()[self.list_key])


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
creations = pytest.mark.parametrize("creation", CREATIONS, ids=lambda creation: creation.list_key)


@pytest.fixture
async def anna(api: Api) -> Api:
    """Return a client as anna, who has published "dragons"."""
    anna = api.as_user("anna")
    await anna.publish("Dragons")
    return anna


@pytest.fixture
def recorder(composition: Composition) -> Iterator[StatementRecorder]:
    recorder = StatementRecorder(composition.database)
    yield recorder
    recorder.stop()


async def post_concurrently(caller: Api, path: str, body: Json) -> list[httpx2.Response]:
    """Send one request several times concurrently and return the responses."""
    return await asyncio.gather(*(caller.post(path, body, headers=KEY) for _ in range(DUPLICATES)))


def test_exactly_the_creating_operations_accept_a_key(application: FastAPI) -> None:
    operations = [
        operation for methods in application.openapi()["paths"].values() for operation in methods.values()
    ]
    creating = {operation["operationId"] for operation in operations if "201" in operation["responses"]}
    accepting = {
        operation["operationId"]
        for operation in operations
        for parameter in operation.get("parameters", ())
        if (parameter["in"], parameter["name"], parameter["required"]) == ("header", "Idempotency-Key", False)
    }
    assert accepting == creating >= {"CreateUser", "CreateArticle", "CreateArticleComment"}


@creations
class TestCreations:
    async def test_repeat_gets_the_first_response_and_creates_nothing(
        self, anna: Api, creation: Creation
    ) -> None:
        before = await creation.count(anna)
        first, second = [await anna.post(creation.path, creation.body, headers=KEY) for _ in range(2)]
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.content == second.content
        assert first.headers["Content-Type"] == second.headers["Content-Type"] == "application/json"
        assert await creation.count(anna) == before + 1

    async def test_response_has_the_same_shape_with_and_without_a_key(
        self, anna: Api, creation: Creation
    ) -> None:
        without_key, with_key = [
            await anna.post(creation.path, creation.body, headers=headers) for headers in ({}, KEY)
        ]
        [first], [second] = without_key.json().values(), with_key.json().values()
        assert first.keys() == second.keys()
        assert list(first["author"].items()) == list(second["author"].items())
        assert without_key.headers["Content-Type"] == with_key.headers["Content-Type"]

    async def test_reused_key_with_another_body_gets_422(self, anna: Api, creation: Creation) -> None:
        await anna.post(creation.path, creation.body, headers=KEY)
        before = await creation.count(anna)
        response = await anna.post(creation.path, creation.other, headers=KEY)
        assert (response.status_code, response.json()) == (422, REUSED)
        assert await creation.count(anna) == before

    async def test_another_key_creates_another_resource(self, anna: Api, creation: Creation) -> None:
        before = await creation.count(anna)
        for key in (KEY, OTHER_KEY):
            assert (await anna.post(creation.path, creation.body, headers=key)).status_code == 201
        assert await creation.count(anna) == before + 2

    async def test_same_key_of_another_user_is_independent(
        self, api: Api, anna: Api, creation: Creation
    ) -> None:
        before = await creation.count(anna)
        authors = []
        for caller in (anna, api.as_user("jake")):
            response = await caller.post(creation.path, creation.body, headers=KEY)
            [created] = response.json().values()
            authors.append(created["author"]["username"])
        assert authors == ["anna", "jake"]
        assert await creation.count(anna) == before + 2

    async def test_only_one_of_concurrent_repeats_creates(self, anna: Api, creation: Creation) -> None:
        before = await creation.count(anna)
        responses = await post_concurrently(anna, creation.path, creation.body)
        assert {response.status_code for response in responses} == {201}
        assert len({response.content for response in responses}) == 1
        assert await creation.count(anna) == before + 1

    async def test_invalid_request_does_not_use_up_the_key(self, anna: Api, creation: Creation) -> None:
        invalid = await anna.post(creation.path, {}, headers=KEY)
        assert invalid.status_code == 422
        assert (await anna.post(creation.path, creation.body, headers=KEY)).status_code == 201

    async def test_authentication_precedes_the_key(self, api: Api, creation: Creation) -> None:
        response = await api.post(creation.path, creation.body, headers={"Idempotency-Key": "no key"})
        assert (response.status_code, response.json()) == (401, {"errors": {"token": ["is missing"]}})

    async def test_key_costs_three_statements_and_a_repeat_two(
        self, anna: Api, creation: Creation, recorder: StatementRecorder
    ) -> None:
        costs = []
        for headers in ({}, KEY, KEY):
            recorder.statements.clear()
            await anna.post(creation.path, creation.body, headers=headers)
            costs.append(len([sql for sql in recorder.statements if "kernel_idempotency_key" in sql]))
        assert costs == [0, 3, 2]
        # A repeat sends no others, except to verify the session.
        assert len([sql for sql in recorder.statements if "session_epoch" not in sql]) == 2


async def test_failed_request_does_not_use_up_the_key(anna: Api) -> None:
    path, body = "/articles/unicorns/comments", {"comment": {"body": "Nice"}}
    assert (await anna.post(path, body, headers=KEY)).status_code == 404
    await anna.publish("Unicorns")
    assert (await anna.post(path, body, headers=KEY)).status_code == 201


@pytest.mark.parametrize("other", ["/articles/unicorns/comments", "/articles/dragons/comments?draft=1"])
async def test_reused_key_with_another_url_gets_422(anna: Api, other: str) -> None:
    await anna.publish("Unicorns")
    body = {"comment": {"body": "Nice"}}
    responses = [await anna.post(path, body, headers=KEY) for path in ("/articles/dragons/comments", other)]
    assert [response.status_code for response in responses] == [201, 422]


async def test_repeat_gets_the_first_response_after_changes(anna: Api) -> None:
    first = await anna.post("/articles", article("Unicorns"), headers=KEY)
    await anna.put("/articles/unicorns", {"article": {"title": "Griffins"}})
    assert (await anna.post("/articles", article("Unicorns"), headers=KEY)).content == first.content
    await anna.delete("/articles/griffins")
    assert (await anna.post("/articles", article("Unicorns"), headers=KEY)).content == first.content
    assert (await anna.get("/articles?author=anna")).json()["articlesCount"] == 1


@pytest.mark.parametrize(
    "key", ["", "two words", "a" * 256, '"open', '""', '"a" ; b=1', '"a", "b"', "schl\xfcssel", "a\\b"]
)
async def test_invalid_key_gets_422(anna: Api, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    response = await anna.post("/articles", article("Unicorns"), headers=headers)
    assert (response.status_code, list(response.json()["errors"])) == (422, ["Idempotency-Key"])
    assert (await anna.get("/articles/unicorns")).status_code == 404


async def test_quoted_key_is_the_same_key(anna: Api) -> None:
    responses = [
        await anna.post("/articles", article("Unicorns"), headers={"Idempotency-Key": key})
        for key in ("7", '"7"')
    ]
    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].content == responses[1].content


class TestRegistration:
    async def test_repeat_returns_the_same_account_with_a_valid_token(self, api: Api) -> None:
        first, second = [await api.post("/users", CARL, headers=KEY) for _ in range(2)]
        assert (first.status_code, second.status_code) == (201, 201)
        accounts = [response.json()["user"] for response in (first, second)]
        for account in accounts:
            headers = {"Authorization": f"Token {account.pop('token')}"}
            assert (await api.get("/user", headers=headers)).json()["user"]["username"] == "carl"
        assert accounts[0] == accounts[1]

    async def test_only_one_of_concurrent_repeats_registers(self, api: Api) -> None:
        responses = await post_concurrently(api, "/users", CARL)
        assert {response.status_code for response in responses} == {201}
        assert {response.json()["user"]["username"] for response in responses} == {"carl"}

    async def test_repeat_returns_the_current_account(self, api: Api) -> None:
        token = (await api.post("/users", CARL, headers=KEY)).json()["user"]["token"]
        renamed = {"user": {"username": "carla"}}
        await api.put("/user", renamed, headers={"Authorization": f"Token {token}"})
        repeated = await api.post("/users", CARL, headers=KEY)
        assert (repeated.status_code, repeated.json()["user"]["username"]) == (201, "carla")

    async def test_reused_key_with_another_body_gets_422(self, api: Api) -> None:
        await api.post("/users", CARL, headers=KEY)
        response = await api.post(
            "/users", {"user": CARL["user"] | {"password": "only a guess"}}, headers=KEY
        )
        assert (response.status_code, response.json()) == (422, REUSED)

    @pytest.mark.parametrize("headers", [{}, OTHER_KEY])
    async def test_registration_without_the_key_gets_409(self, api: Api, headers: dict[str, str]) -> None:
        await api.post("/users", CARL, headers=KEY)
        response = await api.post("/users", CARL, headers=headers)
        assert (response.status_code, list(response.json()["errors"])) == (409, ["email", "username"])

    async def test_conflict_does_not_use_up_the_key(self, api: Api) -> None:
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
    async def test_repeat_after_the_token_was_revoked_gets_409(
        self, api: Api, method: str, path: str, body: Json | None
    ) -> None:
        token = (await api.post("/users", CARL, headers=KEY)).json()["user"]["token"]
        await api.request(method, path, json=body, headers={"Authorization": f"Token {token}"})
        response = await api.post("/users", CARL, headers=KEY)
        assert (response.status_code, response.json()) == (409, REVOKED)

    async def test_stored_response_of_a_registration_has_no_secret(
        self, api: Api, composition: Composition
    ) -> None:
        await api.post("/users", CARL, headers=KEY)
        async with composition.database.snapshot() as session:
            statement = select(IdempotencyKeyRow.user_id, IdempotencyKeyRow.key, IdempotencyKeyRow.response)
            user_id, key, response = (await session.execute(statement)).one()
        assert (user_id, key) == (0, KEY["Idempotency-Key"])
        # The account's id and epoch, which no token can be made of.
        assert re.fullmatch("1 [0-9a-f]{32}", response)


async def test_keys_are_deleted_with_the_account(anna: Api, composition: Composition) -> None:
    for creation in CREATIONS:
        await anna.post(creation.path, creation.body, headers=KEY)
    body = {"user": {"password": PASSWORD}}
    assert (await anna.delete("/user", json=body)).status_code == 204
    async with composition.database.snapshot() as session:
        assert (await session.execute(select(IdempotencyKeyRow))).all() == []
