"""Breaking changes of an OpenAPI document: narrower requests and wider responses."""

from typing import Any

import pytest

from conduit_devtools.architecture.openapi_changes import changes

Json = dict[str, Any]

STRING: Json = {"type": "string"}
NULL: Json = {"type": "null"}
INTEGER: Json = {"type": "integer"}
NUMBER: Json = {"type": "number"}


def operation(**parts: Any) -> Json:
    return {"operationId": "GetThing", "responses": {}} | parts


def document(get: Json | None = None, path: str = "/thing", **parts: Any) -> Json:
    return {"paths": {path: {"get": get or operation()}}} | parts


def with_body(schema: Json, **body: Any) -> Json:
    """Return a document with this schema of the request body."""
    return document(operation(requestBody={"content": {"application/json": {"schema": schema}}} | body))


def with_response(schema: Json) -> Json:
    """Return a document with this schema of the response."""
    return document(operation(responses={"200": {"content": {"application/json": {"schema": schema}}}}))


def with_parameter(**parameter: Any) -> Json:
    """Return a document with a query parameter."""
    return document(operation(parameters=[{"in": "query", "name": "limit", "schema": INTEGER} | parameter]))


def report(old: Json, new: Json) -> list[str]:
    return [
        f"{'breaking' if change.breaking else 'addition'}: {change.where}: {change.what}"
        for change in changes(old, new)
    ]


def fields(required: list[str] | None = None, **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required or []}


def any_of(*schemas: Json) -> Json:
    return {"anyOf": list(schemas)}


def test_identical_documents_have_no_change() -> None:
    old = with_response(fields(["name"], name=any_of(STRING, NULL), tags={"type": "array", "items": STRING}))
    assert report(old, old) == []


def test_removed_and_added_path() -> None:
    assert report(document(), document(path="/other")) == [
        "breaking: /thing: path removed",
        "addition: /other: path added",
    ]


def test_change_has_the_path() -> None:
    [change] = changes(with_response(fields(a=STRING)), with_response(fields()))
    assert (change.path, change.where) == ("/thing", "GET /thing response 200.a")


def test_removed_and_added_operation() -> None:
    old, new = {"paths": {"/thing": {"get": operation()}}}, {"paths": {"/thing": {"put": operation()}}}
    assert report(old, new) == [
        "breaking: GET /thing: operation removed",
        "addition: PUT /thing: operation added",
    ]


def test_changed_operation_id_is_breaking() -> None:
    assert report(document(), document(operation(operationId="FindThing"))) == [
        "breaking: GET /thing: operation id changed"
    ]


def test_removed_and_added_status() -> None:
    old, new = operation(responses={"200": {}}), operation(responses={"201": {}})
    assert report(document(old), document(new)) == [
        "breaking: GET /thing response 200: status removed",
        "addition: GET /thing response 201: status added",
    ]


def test_removed_response_body_is_breaking() -> None:
    assert report(with_response(STRING), document(operation(responses={"200": {}}))) == [
        "breaking: GET /thing response 200: application/json removed"
    ]


def test_added_response_body_is_an_addition() -> None:
    assert report(document(operation(responses={"200": {}})), with_response(STRING)) == [
        "addition: GET /thing response 200: application/json added"
    ]


def test_descriptions_and_titles_are_ignored() -> None:
    assert (
        report(with_response(STRING | {"description": "A name"}), with_response(STRING | {"title": "Name"}))
        == []
    )


# Parameters and bodies.


def test_removed_parameter_is_breaking() -> None:
    assert report(with_parameter(), document()) == ["breaking: GET /thing parameter limit: removed"]


def test_added_optional_parameter_is_an_addition() -> None:
    assert report(document(), with_parameter()) == ["addition: GET /thing parameter limit: added"]


def test_added_required_parameter_is_breaking() -> None:
    assert report(document(), with_parameter(required=True)) == [
        "breaking: GET /thing parameter limit: added"
    ]


def test_parameter_that_became_required_is_breaking() -> None:
    assert report(with_parameter(), with_parameter(required=True)) == [
        "breaking: GET /thing parameter limit: became required"
    ]


def test_parameter_that_became_optional_is_an_addition() -> None:
    assert report(with_parameter(required=True), with_parameter()) == [
        "addition: GET /thing parameter limit: became optional"
    ]


def test_changed_default_is_breaking() -> None:
    old, new = (
        with_parameter(schema=INTEGER | {"default": 20}),
        with_parameter(schema=INTEGER | {"default": 50}),
    )
    assert report(old, new) == ["breaking: GET /thing parameter limit: default changed"]


def test_moved_parameter_is_removed_and_added() -> None:
    assert report(with_parameter(), with_parameter(**{"in": "header"})) == [
        "breaking: GET /thing parameter limit: removed",
        "addition: GET /thing parameter limit: added",
    ]


def test_added_required_body_is_breaking() -> None:
    assert report(document(), with_body(STRING, required=True)) == ["breaking: GET /thing body: added"]


def test_added_optional_body_is_an_addition() -> None:
    assert report(document(), with_body(STRING)) == ["addition: GET /thing body: added"]


def test_body_that_became_required_is_breaking() -> None:
    assert report(with_body(STRING), with_body(STRING, required=True)) == [
        "breaking: GET /thing body: became required"
    ]


def test_removed_body_is_breaking() -> None:
    assert report(with_body(STRING), document()) == ["breaking: GET /thing body: removed"]


# Authentication.


def test_added_authentication_is_breaking() -> None:
    assert report(document(), document(operation(security=[{"Token": []}]))) == [
        "breaking: GET /thing: authentication changed"
    ]


def test_removed_authentication_is_an_addition() -> None:
    assert report(document(operation(security=[{"Token": []}])), document()) == [
        "addition: GET /thing: authentication changed"
    ]


def test_added_authentication_of_the_document_is_breaking() -> None:
    assert report(document(), document(security=[{"Token": []}])) == [
        "breaking: GET /thing: authentication changed"
    ]


# Schemas. Each pair is a narrow and a wide schema.

WIDENINGS: dict[str, list[tuple[Json, Json]]] = {
    "type widened": [
        (STRING, any_of(STRING, NULL)),
        (STRING, {"type": ["string", "null"]}),
        (INTEGER, NUMBER),
        (STRING, {}),
        (any_of(STRING, INTEGER), {"oneOf": [STRING, INTEGER, NULL]}),
    ],
    "maxLength changed": [
        (STRING | {"maxLength": 10}, STRING | {"maxLength": 20}),
        (STRING | {"maxLength": 10}, STRING),
    ],
    "minimum changed": [
        (INTEGER | {"minimum": 1}, INTEGER | {"minimum": 0}),
        (INTEGER | {"minimum": 1}, INTEGER),
    ],
    "pattern changed": [(STRING | {"pattern": "^a"}, STRING)],
    "format changed": [(STRING | {"format": "date-time"}, STRING)],
    "values changed": [
        (STRING | {"enum": ["a"]}, STRING | {"enum": ["a", "b"]}),
        (STRING | {"const": "a"}, STRING | {"enum": ["a", "b"]}),
        (STRING | {"enum": ["a"]}, STRING),
    ],
    "other fields changed": [
        ({"type": "object", "additionalProperties": False}, {"type": "object"}),
        (
            {"type": "object", "additionalProperties": STRING},
            {"type": "object", "additionalProperties": True},
        ),
    ],
}
every_widening = pytest.mark.parametrize(
    ("what", "narrow", "wide"),
    [(what, narrow, wide) for what, pairs in WIDENINGS.items() for narrow, wide in pairs],
)


@every_widening
def test_wider_request_is_an_addition(what: str, narrow: Json, wide: Json) -> None:
    assert report(with_body(narrow), with_body(wide)) == [f"addition: GET /thing body: {what}"]


@every_widening
def test_narrower_request_is_breaking(what: str, narrow: Json, wide: Json) -> None:
    narrowed = what.replace("widened", "narrowed")
    assert report(with_body(wide), with_body(narrow)) == [f"breaking: GET /thing body: {narrowed}"]


@every_widening
def test_wider_response_is_breaking(what: str, narrow: Json, wide: Json) -> None:
    assert report(with_response(narrow), with_response(wide)) == [
        f"breaking: GET /thing response 200: {what}"
    ]


@every_widening
def test_narrower_response_is_an_addition(what: str, narrow: Json, wide: Json) -> None:
    narrowed = what.replace("widened", "narrowed")
    assert report(with_response(wide), with_response(narrow)) == [
        f"addition: GET /thing response 200: {narrowed}"
    ]


@pytest.mark.parametrize("direction", [with_body, with_response])
@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (STRING, INTEGER, "type changed"),
        (STRING | {"pattern": "^a"}, STRING | {"pattern": "^b"}, "pattern changed"),
        (STRING | {"enum": ["a"]}, STRING | {"enum": ["b"]}, "values changed"),
        ({"allOf": [STRING]}, {"allOf": [STRING, {"maxLength": 9}]}, "allOf changed"),
    ],
    ids=["type", "pattern", "enum", "allOf"],
)
def test_incompatible_schema_is_breaking(direction: Any, old: Json, new: Json, what: str) -> None:
    [line] = report(direction(old), direction(new))
    assert line.startswith("breaking: ")
    assert line.endswith(what)


# Fields.


@pytest.mark.parametrize("direction", [with_body, with_response])
def test_removed_field_is_breaking(direction: Any) -> None:
    [line] = report(direction(fields(a=STRING)), direction(fields()))
    assert line.startswith("breaking: ")
    assert line.endswith(".a: field removed")


def test_added_response_field_is_an_addition() -> None:
    assert report(with_response(fields()), with_response(fields(["a"], a=STRING))) == [
        "addition: GET /thing response 200.a: field added"
    ]


def test_added_optional_request_field_is_an_addition() -> None:
    assert report(with_body(fields()), with_body(fields(a=STRING))) == [
        "addition: GET /thing body.a: field added"
    ]


def test_added_required_request_field_is_breaking() -> None:
    assert report(with_body(fields()), with_body(fields(["a"], a=STRING))) == [
        "breaking: GET /thing body.a: field added"
    ]


def test_request_field_that_became_required_is_breaking() -> None:
    assert report(with_body(fields(a=STRING)), with_body(fields(["a"], a=STRING))) == [
        "breaking: GET /thing body.a: field became required"
    ]


def test_response_field_that_became_optional_is_breaking() -> None:
    assert report(with_response(fields(["a"], a=STRING)), with_response(fields(a=STRING))) == [
        "breaking: GET /thing response 200.a: field became optional"
    ]


def test_response_field_that_became_required_is_an_addition() -> None:
    assert report(with_response(fields(a=STRING)), with_response(fields(["a"], a=STRING))) == [
        "addition: GET /thing response 200.a: field became required"
    ]


# Nested schemas.


def wrapped(schema: Json) -> list[tuple[Json, str]]:
    """Return schemas that contain this one, with its path in them."""
    return [
        (fields(a=schema), ".a"),
        ({"type": "array", "items": schema}, "[]"),
        ({"type": "object", "additionalProperties": schema}, ".*"),
        (any_of(schema, NULL), ""),
        ({"allOf": [schema]}, ""),
        (fields(a={"type": "array", "items": any_of(schema, NULL)}), ".a[]"),
    ]


@pytest.mark.parametrize("depth", range(6), ids=["field", "item", "value", "option", "part", "nested"])
def test_removed_field_of_a_nested_schema_is_breaking(depth: int) -> None:
    old, path = wrapped(fields(name=STRING))[depth]
    new, _ = wrapped(fields())[depth]
    assert report(with_response(old), with_response(new)) == [
        f"breaking: GET /thing response 200{path}.name: field removed"
    ]


def test_reference_is_resolved() -> None:
    def with_thing(schema: Json) -> Json:
        reference = {"$ref": "#/components/schemas/Thing"}
        return with_response(fields(thing=reference)) | {"components": {"schemas": {"Thing": schema}}}

    assert report(with_thing(fields(name=STRING)), with_thing(fields())) == [
        "breaking: GET /thing response 200.thing.name: field removed"
    ]


def test_recursive_schema() -> None:
    reference = {"$ref": "#/components/schemas/Comment"}
    replies = {"type": "array", "items": reference}

    def thread(comment: Json) -> Json:
        return with_response(reference) | {"components": {"schemas": {"Comment": comment}}}

    assert report(thread(fields(replies=replies, body=STRING)), thread(fields(replies=replies))) == [
        "breaking: GET /thing response 200.body: field removed"
    ]


def test_changed_alternative_of_the_same_type_is_breaking() -> None:
    cat, dog = fields(["meows"], meows=STRING), fields(["barks"], barks=STRING)
    mute = fields(["barks"], barks=NULL)
    assert report(with_response(any_of(cat, dog)), with_response(any_of(cat, mute))) == [
        "breaking: GET /thing response 200: alternatives changed"
    ]
