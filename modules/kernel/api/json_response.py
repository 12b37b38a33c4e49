"""JSON responses: dataclasses of the domain, serialized in one pass by the response model."""

from collections.abc import Mapping
from dataclasses import make_dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from fastapi import Response
from pydantic import BaseModel
from pydantic_core import SchemaSerializer, core_schema

ModelT = TypeVar("ModelT", bound=BaseModel)
JSON = (b"content-type", b"application/json")


class JsonResponse(Response, Generic[ModelT]):
    """A response whose body is a `ModelT` in JSON.

    As an endpoint's return type it declares `ModelT` in the OpenAPI document.
    """

    media_type = "application/json"

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Set the headers. Those of its own are known: Starlette's method takes a percent of a request."""
        if headers is not None:
            super().init_headers(headers)
            return
        self.raw_headers = [(b"content-length", b"%d" % len(self.body)), JSON]


def created(response: JsonResponse[ModelT]) -> JsonResponse[ModelT]:
    """Return the response with status 201."""
    response.status_code = HTTPStatus.CREATED
    return response


def to_json(model: type[BaseModel], view: object) -> bytes:
    """Return the JSON of a model, with the values that a dataclass has as its attributes.

    Nested models are dataclasses, too. They are not validated, because the domain made them. Raises
    `PydanticSerializationError` for a missing attribute and for a value of another type, except None.
    """
    return _serializer(model).to_json(view, by_alias=True, warnings="error")


@cache
def envelope(model: type[BaseModel]) -> type:
    """Return a dataclass with the fields of a model, to call with all of them."""
    return make_dataclass(model.__name__, model.model_fields, slots=True)


@cache
def _serializer(model: type[BaseModel]) -> SchemaSerializer:
    return SchemaSerializer(_of_dataclasses(model.__pydantic_core_schema__))


def _of_dataclasses(schema: Any) -> Any:
    """Return a core schema in which every model is any dataclass that has its attributes."""
    if isinstance(schema, list):
        return [_of_dataclasses(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _of_dataclasses(value) for key, value in schema.items()}
    if schema.get("type") != "model":
        return schema
    fields = [
        core_schema.dataclass_field(name, field["schema"], serialization_alias=field["serialization_alias"])
        for name, field in schema["schema"]["fields"].items()
    ]
    arguments = core_schema.dataclass_args_schema(schema["cls"].__name__, fields)
    # Pydantic serializes all dataclasses by these attributes: the class matters in unions only.
    return core_schema.dataclass_schema(
        object, arguments, list(schema["schema"]["fields"]), slots=True, ref=schema["ref"]
    )
