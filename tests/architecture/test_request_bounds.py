"""`unbounded_fields` finds every field in a request body without a maximum size."""

from typing import Annotated, Literal

import pytest
from fastapi import Body, FastAPI
from pydantic import BaseModel, Field

from conduit_devtools.checks.request_bounds import unbounded_fields

Text = Annotated[str, Field(max_length=10)]


class Inner(BaseModel):
    text: Text
    unbounded_text: str


class Outer(BaseModel):
    inner: Inner
    inners: Annotated[list[Inner], Field(max_length=10)]
    unbounded_list: list[int]
    optional_list: list[Text] | None = None
    list_of_lists: Annotated[list[list[int]], Field(max_length=10)]
    mapping: dict[str, int]
    bounded_mapping: Annotated[dict[str, Text], Field(max_length=10)]
    choice: Literal["one", "two"]


class Response(BaseModel):
    texts: list[str]


@pytest.fixture
def application() -> FastAPI:
    application = FastAPI()

    @application.post("/outer", operation_id="Outside")
    async def outer(body: Outer) -> Response:
        return Response(texts=[body.choice])

    @application.put("/numbers", operation_id="PutNumbers")
    async def numbers(body: Annotated[list[int], Body()]) -> Response:
        return Response(texts=[str(len(body))])

    return application


def test_fields_without_a_maximum_are_found(application: FastAPI) -> None:
    assert sorted(unbounded_fields(application.openapi())) == [
        ("Inner", "unbounded_text", "maxLength"),
        ("Outer", "list_of_lists", "maxItems"),
        ("Outer", "mapping", "maxProperties"),
        ("Outer", "optional_list", "maxItems"),
        ("Outer", "unbounded_list", "maxItems"),
        ("PutNumbers", "body", "maxItems"),
    ]
