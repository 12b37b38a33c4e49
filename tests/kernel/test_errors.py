"""Every error leaves in one shape, and none of them holds what was sent."""

from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, HTTPException
from pydantic import Field

from modules.kernel.api.errors import STATUSES
from modules.kernel.api.fields import RequestModel
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from tests.kernel.error_app import client_of


class Child(RequestModel):
    first_name: Annotated[str, Field(min_length=3)]
    words: list[str] = Field(default_factory=list)


class Family(RequestModel):
    child: Child


async def answer_to(error: Exception) -> httpx2.Response:
    """Return how an error leaves that a handler raises."""
    router = ModuleRouter()

    @router.get("/")
    async def fail() -> None:
        raise error

    return await client_of(router).get("/")


@pytest.mark.parametrize(
    ("error", "status", "errors"),
    [
        (Unauthenticated("token", "is missing"), 401, {"token": ["is missing"]}),
        (Forbidden("article"), 403, {"article": ["forbidden"]}),
        (NotFound("article"), 404, {"article": ["not found"]}),
        (Conflict("username"), 409, {"username": ["has already been taken"]}),
        (Invalid("title", "can't be blank"), 422, {"title": ["can't be blank"]}),
        (Unavailable(), 503, {"service": ["is busy, try again"]}),
    ],
)
async def test_a_domain_error_leaves_with_its_status_keyed_by_its_subject(
    error: DomainError, status: int, errors: dict[str, list[str]]
) -> None:
    answer = await answer_to(error)
    assert answer.status_code == status
    assert answer.json() == {"errors": errors}


async def test_a_more_special_error_leaves_as_its_kind_does() -> None:
    class SlugTaken(Conflict):
        subject = "slug"

    answer = await answer_to(SlugTaken())
    assert answer.status_code == 409
    assert answer.json() == {"errors": {"slug": ["has already been taken"]}}


async def test_an_error_with_several_problems_tells_each() -> None:
    class BothTaken(Conflict):
        @property
        def problems(self) -> dict[str, str]:
            return {"email": self.problem, "username": self.problem}

    answer = await answer_to(BothTaken())
    assert answer.json() == {
        "errors": {"email": ["has already been taken"], "username": ["has already been taken"]}
    }


def test_every_kind_of_domain_error_has_a_status() -> None:
    assert set(DomainError.__subclasses__()) <= set(STATUSES)


async def test_a_401_names_the_scheme_and_a_503_when_to_come_back() -> None:
    assert (await answer_to(Unauthenticated())).headers["WWW-Authenticate"] == "Token"
    assert (await answer_to(Unavailable())).headers["Retry-After"] == "1"
    assert "WWW-Authenticate" not in (await answer_to(Forbidden())).headers


async def test_what_the_framework_refuses_leaves_in_the_same_shape() -> None:
    answer = await answer_to(HTTPException(413, "whatever", headers={"X-Reason": "size"}))
    assert answer.status_code == 413
    assert answer.json() == {"errors": {"body": ["is too large"]}}
    assert answer.headers["X-Reason"] == "size"


async def test_a_status_without_words_of_its_own_is_told_in_the_frameworks() -> None:
    answer = await answer_to(HTTPException(418, "I'm a teapot"))
    assert answer.status_code == 418
    assert answer.json() == {"errors": {"request": ["I'm a teapot"]}}


class TestRouting:
    async def test_an_unknown_path_is_not_found(self) -> None:
        answer = await client_of(ModuleRouter()).get("/nowhere")
        assert answer.status_code == 404
        assert answer.json() == {"errors": {"path": ["not found"]}}

    async def test_a_wrong_method_is_told_which_are_right(self) -> None:
        answer = await client_of(families()).delete("/families")
        assert answer.status_code == 405
        assert answer.json() == {"errors": {"method": ["is not allowed here"]}}
        assert answer.headers["Allow"] == "POST"


class TestValidation:
    @pytest.mark.parametrize(
        ("body", "errors"),
        [
            ({}, {"child": ["can't be blank"]}),
            ({"child": {}}, {"firstName": ["can't be blank"]}),
            ({"child": None}, {"child": ["must be a JSON object, sent as application/json"]}),
            ({"child": {"firstName": 5}}, {"firstName": ["must be a string"]}),
            ({"child": {"firstName": "Al"}}, {"firstName": ["String should have at least 3 characters"]}),
            ({"child": {"firstName": "Anna", "words": "no"}}, {"words": ["must be a list"]}),
            ([], {"body": ["must be a JSON object, sent as application/json"]}),
        ],
    )
    async def test_a_bad_field_is_keyed_by_its_own_wire_name(
        self, body: object, errors: dict[str, list[str]]
    ) -> None:
        answer = await client_of(families()).post("/families", json=body)
        assert answer.status_code == 422
        assert answer.json() == {"errors": errors}

    async def test_every_bad_field_is_told(self) -> None:
        answer = await client_of(families()).post("/families", json={"child": {"firstName": 1, "words": 2}})
        assert answer.json() == {"errors": {"firstName": ["must be a string"], "words": ["must be a list"]}}

    async def test_one_problem_of_many_items_is_told_once(self) -> None:
        child = {"firstName": "Anna", "words": ["a", 1, 2, None]}
        answer = await client_of(families()).post("/families", json={"child": child})
        assert answer.json() == {"errors": {"words": ["must be a string"]}}

    async def test_a_lone_surrogate_is_refused_and_not_echoed(self) -> None:
        answer = await client_of(families()).post(
            "/families",
            content=rb'{"child": {"firstName": "Anna \ud800"}}',
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 422
        assert answer.json() == {"errors": {"firstName": ["must not contain lone surrogates"]}}


def families() -> APIRouter:
    router = ModuleRouter()

    @router.post("/families")
    async def keep(family: Family) -> Family:
        return family

    return router
