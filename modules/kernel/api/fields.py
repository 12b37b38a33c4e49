"""Field types for requests and responses, shared by the modules' schemas."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Self

import orjson
from fastapi import Depends, Path, Query
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from modules.kernel.api.json_response import JsonResponse, envelope, to_json
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.pagination import DEFAULT_LIMIT, PageRequest
from modules.kernel.domain.text import BLANK, Length, storable

MAX_INTEGER = 2**63 - 1
"""The largest BIGINT of both engines."""


class RequestModel(BaseModel):
    """A request body: camelCase on the wire, no coercion, unknown fields ignored."""

    model_config = ConfigDict(strict=True, frozen=True, alias_generator=to_camel)


class ResponseModel(BaseModel):
    """A response body: camelCase on the wire, filled by name or from a domain object."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, validate_by_name=True, from_attributes=True
    )

    @classmethod
    def respond(cls, **fields: object) -> JsonResponse[Self]:
        """Return a response with all fields of this model, in which nested models are dataclasses.

        Raises `TypeError` for a missing or unknown field, and what `to_json` raises.
        """
        return JsonResponse(to_json(cls, envelope(cls)(**fields)))


class ValueObject:
    """Builds a field's value object from the JSON string: `title: Annotated[Title, ValueObject(Title)]`.

    `Invalid`, raised by the value object, becomes the field's error; its `LENGTH`, if it has one, is in
    the OpenAPI document. Null is rejected unless `nullable`, and then passed to the value object.
    """

    def __init__(self, build: Callable[[Any], object], *, nullable: bool = False) -> None:
        self._build = build
        self._nullable = nullable

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return a schema that builds the value object."""

        def parse(raw: object) -> object:
            if raw is None and not self._nullable:
                raise PydanticCustomError("null", BLANK)
            if raw is not None and not isinstance(raw, str):
                raise PydanticCustomError("string_type", "must be a string")
            try:
                return self._build(raw)
            except Invalid as error:
                raise PydanticCustomError("invalid", "{problem}", {"problem": error.problem}) from error

        return core_schema.no_info_plain_validator_function(parse)

    def __get_pydantic_json_schema__(
        self, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the wire type: a string, of the value object's length."""
        schema: JsonSchemaValue = {"type": ["string", "null"] if self._nullable else "string"}
        if isinstance(length := getattr(self._build, "LENGTH", None), Length):
            schema |= {"minLength": length.min, "maxLength": length.max}
        return schema


# Lists repeat the newest times.
TIMESTAMP_CACHE_SIZE = 4_096


@lru_cache(TIMESTAMP_CACHE_SIZE)
def _timestamp(moment: datetime) -> bytes:
    # Three times as fast as `isoformat`. Whole seconds have no fraction.
    text = orjson.dumps(moment.astimezone(UTC), option=orjson.OPT_UTC_Z)
    return text[1:24] + b"Z" if moment.microsecond else text[1:20] + b".000Z"


Timestamp = Annotated[
    datetime,
    PlainSerializer(_timestamp, return_type=bytes, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment in UTC in RealWorld's format: 2026-01-31T09:30:00.000Z."""


def _decimal(raw: object) -> object:
    # Pydantic also accepts 1_000, ١٢ and 1.0 as integers; the API accepts plain decimals only.
    if isinstance(raw, str) and not re.fullmatch(r"-?[0-9]+", raw):
        raise PydanticCustomError("decimal", "must be a plain decimal integer")
    return raw


def _storable(text: str) -> str:
    try:
        return storable("text", text)
    except Invalid as error:
        raise PydanticCustomError("invalid", "{problem}", {"problem": error.problem}) from error


Identifier = Annotated[int, BeforeValidator(_decimal), Path(ge=1, le=MAX_INTEGER)]
PathText = Annotated[str, AfterValidator(_storable)]
QueryText = Annotated[
    str | None,
    # Forms send the fields that nobody filled in as empty ones.
    AfterValidator(lambda text: _storable(text) if text else None),
    # Not nullable: a query parameter is absent, never null.
    WithJsonSchema({"type": "string"}),
]


Limit = Annotated[
    int,
    BeforeValidator(_decimal),
    Query(ge=1, le=MAX_INTEGER, description="Page size, at most 100."),
]
OptionalLimit = Annotated[
    int | None,
    BeforeValidator(_decimal),
    # Not nullable, as above.
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_INTEGER}),
    Query(ge=1, le=MAX_INTEGER, description="Page size, at most 100. Default: 500."),
]
Offset = Annotated[
    int, BeforeValidator(_decimal), Query(ge=0, le=MAX_INTEGER, description="Number of items to skip.")
]


async def _page(limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> PageRequest:
    return PageRequest(limit, offset)


OffsetPagination = Annotated[PageRequest, Depends(_page)]
