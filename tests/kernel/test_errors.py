"""The shape of error responses, which never contain the input."""

from typing import Annotated, get_args

import httpx2
import pytest
from fastapi import APIRouter, HTTPException
from pydantic import Field
from pydantic_core.core_schema import ErrorType

from modules.kernel.api.errors import MAX_ERRORS, MESSAGES, STATUSES
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
from tests.kernel.error_app import create_client


class Child(RequestModel):
    first_name: Annotated[str, Field(min_length=3)]
    words: list[str] = Field(default_factory=list, max_length=50)
    scores: dict[str, int] = Field(default_factory=dict)


class Family(RequestModel):
    child: Child


NUMBERS = ("int_", "float_", "finite_", "greater_", "less_", "multiple_of", "bool_")


def test_every_error_of_a_number_has_a_message_of_our_own() -> None:
    errors = {error for error in get_args(ErrorType) if error.startswith(NUMBERS)}
    assert len(errors) > len(NUMBERS)
    assert errors <= MESSAGES.keys()


async def error_response_of(error: Exception) -> httpx2.Response:
    """Return the response to a request whose handler raises this error."""
    router = ModuleRouter()

    @router.get("/")
    async def fail() -> None:
        raise error

    return await create_client(router).get("/")


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
async def test_domain_error_has_its_status_and_subject(
    error: DomainError, status: int, errors: dict[str, list[str]]
) -> None:
    response = await error_response_of(error)
    assert response.status_code == status
    assert response.json() == {"errors": errors}


async def test_subclass_has_status_of_its_kind() -> None:
    class SlugTaken(Conflict):
        subject = "slug"

    response = await error_response_of(SlugTaken())
    assert response.status_code == 409
    assert response.json() == {"errors": {"slug": ["has already been taken"]}}


async def test_error_with_several_problems_returns_each() -> None:
    class BothTaken(Conflict):
        @property
        def problems(self) -> dict[str, str]:
            return {"email": self.problem, "username": self.problem}

    response = await error_response_of(BothTaken())
    assert response.json() == {
        "errors": {"email": ["has already been taken"], "username": ["has already been taken"]}
    }


def test_every_kind_of_domain_error_has_a_status() -> None:
    assert set(DomainError.__subclasses__()) <= set(STATUSES)


async def test_401_has_www_authenticate_and_503_has_retry_after() -> None:
    assert (await error_response_of(Unauthenticated())).headers["WWW-Authenticate"] == "Token"
    assert (await error_response_of(Unavailable())).headers["Retry-After"] == "1"
    assert "WWW-Authenticate" not in (await error_response_of(Forbidden())).headers


async def test_http_exception_has_the_error_shape() -> None:
    response = await error_response_of(HTTPException(413, "whatever", headers={"X-Reason": "size"}))
    assert response.status_code == 413
    assert response.json() == {"errors": {"body": ["is too large"]}}
    assert response.headers["X-Reason"] == "size"


async def test_other_http_exception_returns_its_detail() -> None:
    response = await error_response_of(HTTPException(418, "I'm a teapot"))
    assert response.status_code == 418
    assert response.json() == {"errors": {"request": ["I'm a teapot"]}}


class TestRouting:
    async def test_wrong_method_gets_405_with_allow_header(self) -> None:
        response = await create_client(create_router()).delete("/families")
        assert response.status_code == 405
        assert response.json() == {"errors": {"method": ["is not allowed here"]}}
        assert response.headers["Allow"] == "POST"


class TestValidation:
    @pytest.mark.parametrize(
        ("body", "errors"),
        [
            ({}, {"child": ["can't be blank"]}),
            ({"child": {}}, {"firstName": ["can't be blank"]}),
            ({"child": None}, {"child": ["must be a JSON object, sent as application/json"]}),
            ({"child": {"firstName": 5}}, {"firstName": ["must be a string"]}),
            ({"child": {"firstName": "Al"}}, {"firstName": ["is too short (at least 3 characters)"]}),
            ({"child": {"firstName": "Anna", "words": "no"}}, {"words": ["must be a list"]}),
            ([], {"body": ["must be a JSON object, sent as application/json"]}),
        ],
    )
    async def test_invalid_field_is_keyed_by_its_wire_name(
        self, body: object, errors: dict[str, list[str]]
    ) -> None:
        response = await create_client(create_router()).post("/families", json=body)
        assert response.status_code == 422
        assert response.json() == {"errors": errors}

    async def test_every_invalid_field_is_returned(self) -> None:
        response = await create_client(create_router()).post(
            "/families", json={"child": {"firstName": 1, "words": 2}}
        )
        assert response.json() == {"errors": {"firstName": ["must be a string"], "words": ["must be a list"]}}

    async def test_repeated_problem_is_returned_once(self) -> None:
        child = {"firstName": "Anna", "words": ["a", 1, 2, None]}
        response = await create_client(create_router()).post("/families", json={"child": child})
        assert response.json() == {"errors": {"words": ["must be a string"]}}

    async def test_lone_surrogate_gets_422_without_echo(self) -> None:
        response = await create_client(create_router()).post(
            "/families",
            content=rb'{"child": {"firstName": "Anna \ud800"}}',
            headers={"Content-Type": "application/json"},
        )
        assert response.status_code == 422
        assert response.json() == {"errors": {"firstName": ["must not contain lone surrogates"]}}

    async def test_list_is_bounded_before_its_items_are_validated(self) -> None:
        body = {"child": {"firstName": "Anna", "words": [1] * 500_000}}
        response = await create_client(create_router()).post("/families", json=body)
        assert response.status_code == 422
        assert response.json() == {"errors": {"words": ["has too many items (at most 50)"]}}

    async def test_first_twenty_errors_are_returned(self) -> None:
        scores = {f"name{number:02}": "x" for number in range(30)}
        body = {"child": {"firstName": "Anna", "scores": scores}}
        response = await create_client(create_router()).post("/families", json=body)
        assert response.status_code == 422
        assert list(response.json()["errors"]) == list(scores)[:MAX_ERRORS]


def create_router() -> APIRouter:
    router = ModuleRouter()

    @router.post("/families")
    async def create_family(family: Family) -> Family:
        return family

    return router
