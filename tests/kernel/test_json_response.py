"""Dataclasses are serialized as their response model serializes itself."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from http import HTTPStatus
from typing import Any

import pytest
from pydantic_core import PydanticSerializationError

from modules.kernel.api.fields import ResponseModel, Timestamp
from modules.kernel.api.json_response import JsonResponse, created, to_json
from modules.kernel.api.router import ModuleRouter
from modules.profiles.contracts import Profile
from tests.kernel.error_app import create_client


class Kind(Enum):
    DRAGON = "dragon"


class Person(ResponseModel):
    full_name: str


class Story(ResponseModel):
    told_at: Timestamp
    kind: Kind
    tag_list: tuple[str, ...]
    word_count: int | None
    author: Person
    readers: list[Person]
    profile: Profile


class StoryResponse(ResponseModel):
    story: Story
    is_new: bool


@dataclass(frozen=True, slots=True)
class PersonView:
    full_name: str
    password: str = "secret"


@dataclass(frozen=True, slots=True)
class StoryView:
    kind: Kind
    tag_list: tuple[str, ...]
    word_count: int | None
    author: PersonView
    readers: list[PersonView]
    profile: Profile
    told_at: datetime


STORY = StoryView(
    Kind.DRAGON,
    ("fire", 'a "quoted" ☕ \x07 tag'),
    None,
    PersonView("Anna"),
    [PersonView("Jake"), PersonView("Carl")],
    Profile("anna", None, "https://example.com/anna.png", following=True),
    datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
)


def test_dataclass_has_the_bytes_of_its_model() -> None:
    model = StoryResponse.model_validate({"story": STORY, "is_new": True})
    body = StoryResponse.respond(is_new=True, story=STORY).body
    assert body == model.model_dump_json(by_alias=True).encode()
    assert b'"toldAt":"2026-01-31T09:30:00.000Z"' in body
    assert b"secret" not in body


def test_nested_model_is_serialized_alone() -> None:
    assert to_json(Person, PersonView("Anna")) == b'{"fullName":"Anna"}'


def test_missing_attribute_raises_serialization_error() -> None:
    with pytest.raises(PydanticSerializationError, match="told_at"):
        StoryResponse.respond(story=PersonView("Anna"), is_new=True)


@pytest.mark.parametrize("wrong", [{"author": "Anna"}, {"word_count": "7"}, {"tag_list": ["fire"]}])
def test_value_of_another_type_raises_serialization_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(PydanticSerializationError):
        StoryResponse.respond(story=replace(STORY, **wrong), is_new=True)


@pytest.mark.parametrize("fields", [{}, {"story": STORY}, {"story": STORY, "is_new": True, "other": 1}])
def test_missing_or_unknown_field_raises_type_error(fields: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        StoryResponse.respond(**fields)


async def test_return_type_declares_the_response_and_the_status_is_sent() -> None:
    router = ModuleRouter()

    @router.post("/people", status_code=HTTPStatus.CREATED)
    async def person() -> JsonResponse[Person]:
        return created(Person.respond(full_name="Anna"))

    client = create_client(router)
    response = await client.post("/people")
    assert (response.status_code, response.text) == (201, '{"fullName":"Anna"}')
    assert response.headers["content-type"] == "application/json"
    operation = (await client.get("/openapi.json")).json()["paths"]["/people"]["post"]
    declared = operation["responses"]["201"]["content"]["application/json"]["schema"]
    assert declared == {"$ref": "#/components/schemas/Person"}
