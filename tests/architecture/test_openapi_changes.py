"""Which changes of the document a client would notice: it may send less, and be given more, unless told.

What clients send may be widened, and what they are given may be narrowed; the other way breaks them.
"""

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


def sending(schema: Json, **body: Any) -> Json:
    """Return a document whose clients send this."""
    return document(operation(requestBody={"content": {"application/json": {"schema": schema}}} | body))


def giving(schema: Json) -> Json:
    """Return a document whose clients are given this."""
    return document(operation(responses={"200": {"content": {"application/json": {"schema": schema}}}}))


def asking(**parameter: Any) -> Json:
    """Return a document with one parameter of the query."""
    return document(operation(parameters=[{"in": "query", "name": "limit", "schema": INTEGER} | parameter]))


def told(old: Json, new: Json) -> list[str]:
    return [
        f"{'breaking' if change.breaking else 'addition'}: {change.where}: {change.what}"
        for change in changes(old, new)
    ]


def fields(required: list[str] | None = None, **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required or []}


def any_of(*schemas: Json) -> Json:
    return {"anyOf": list(schemas)}


def test_a_document_is_not_different_from_itself() -> None:
    one = giving(fields(["name"], name=any_of(STRING, NULL), tags={"type": "array", "items": STRING}))
    assert told(one, one) == []


def test_a_path_can_be_removed_and_added() -> None:
    assert told(document(), document(path="/other")) == [
        "breaking: /thing: path removed",
        "addition: /other: path added",
    ]


def test_a_change_names_its_path() -> None:
    [change] = changes(giving(fields(a=STRING)), giving(fields()))
    assert (change.path, change.where) == ("/thing", "GET /thing answer 200.a")


def test_an_operation_can_be_removed_and_added() -> None:
    old, new = {"paths": {"/thing": {"get": operation()}}}, {"paths": {"/thing": {"put": operation()}}}
    assert told(old, new) == [
        "breaking: GET /thing: operation removed",
        "addition: PUT /thing: operation added",
    ]


def test_generated_clients_call_an_operation_by_its_id() -> None:
    assert told(document(), document(operation(operationId="FindThing"))) == [
        "breaking: GET /thing: operation id changed"
    ]


def test_a_status_can_be_removed_and_added() -> None:
    old, new = operation(responses={"200": {}}), operation(responses={"201": {}})
    assert told(document(old), document(new)) == [
        "breaking: GET /thing answer 200: status removed",
        "addition: GET /thing answer 201: status added",
    ]


def test_an_answer_can_lose_its_body() -> None:
    assert told(giving(STRING), document(operation(responses={"200": {}}))) == [
        "breaking: GET /thing answer 200: application/json removed"
    ]


def test_an_answer_can_get_a_body() -> None:
    assert told(document(operation(responses={"200": {}})), giving(STRING)) == [
        "addition: GET /thing answer 200: application/json added"
    ]


def test_what_people_read_is_no_change() -> None:
    assert told(giving(STRING | {"description": "A name"}), giving(STRING | {"title": "Name"})) == []


# Parameters and bodies.


def test_a_parameter_can_be_removed() -> None:
    assert told(asking(), document()) == ["breaking: GET /thing parameter limit: removed"]


def test_a_parameter_can_be_added() -> None:
    assert told(document(), asking()) == ["addition: GET /thing parameter limit: added"]


def test_nobody_sends_a_new_parameter_that_must_be_sent() -> None:
    assert told(document(), asking(required=True)) == ["breaking: GET /thing parameter limit: added"]


def test_a_parameter_can_become_required() -> None:
    assert told(asking(), asking(required=True)) == ["breaking: GET /thing parameter limit: became required"]


def test_a_parameter_can_become_optional() -> None:
    assert told(asking(required=True), asking()) == ["addition: GET /thing parameter limit: became optional"]


def test_who_leaves_a_parameter_out_relies_on_its_default() -> None:
    old, new = asking(schema=INTEGER | {"default": 20}), asking(schema=INTEGER | {"default": 50})
    assert told(old, new) == ["breaking: GET /thing parameter limit: default changed"]


def test_a_parameter_in_another_place_is_another_one() -> None:
    assert told(asking(), asking(**{"in": "header"})) == [
        "breaking: GET /thing parameter limit: removed",
        "addition: GET /thing parameter limit: added",
    ]


def test_a_body_can_be_asked_for() -> None:
    assert told(document(), sending(STRING, required=True)) == ["breaking: GET /thing body: added"]


def test_a_body_can_be_welcome() -> None:
    assert told(document(), sending(STRING)) == ["addition: GET /thing body: added"]


def test_a_body_can_become_required() -> None:
    assert told(sending(STRING), sending(STRING, required=True)) == [
        "breaking: GET /thing body: became required"
    ]


def test_a_body_can_be_of_no_use_any_more() -> None:
    assert told(sending(STRING), document()) == ["breaking: GET /thing body: removed"]


# Who may call.


def test_an_operation_can_be_closed_to_nobody_in_particular() -> None:
    assert told(document(), document(operation(security=[{"Token": []}]))) == [
        "breaking: GET /thing: authentication changed"
    ]


def test_an_operation_can_be_opened() -> None:
    assert told(document(operation(security=[{"Token": []}])), document()) == [
        "addition: GET /thing: authentication changed"
    ]


def test_an_operation_can_be_closed_for_all_of_the_document() -> None:
    assert told(document(), document(security=[{"Token": []}])) == [
        "breaking: GET /thing: authentication changed"
    ]


# Schemas: each pair is a widening; back again it is a narrowing.

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
def test_what_is_sent_can_be_widened(what: str, narrow: Json, wide: Json) -> None:
    assert told(sending(narrow), sending(wide)) == [f"addition: GET /thing body: {what}"]


@every_widening
def test_what_is_sent_cannot_be_narrowed(what: str, narrow: Json, wide: Json) -> None:
    back = what.replace("widened", "narrowed")
    assert told(sending(wide), sending(narrow)) == [f"breaking: GET /thing body: {back}"]


@every_widening
def test_what_is_given_cannot_be_widened(what: str, narrow: Json, wide: Json) -> None:
    assert told(giving(narrow), giving(wide)) == [f"breaking: GET /thing answer 200: {what}"]


@every_widening
def test_what_is_given_can_be_narrowed(what: str, narrow: Json, wide: Json) -> None:
    back = what.replace("widened", "narrowed")
    assert told(giving(wide), giving(narrow)) == [f"addition: GET /thing answer 200: {back}"]


@pytest.mark.parametrize("direction", [sending, giving])
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
def test_what_is_another_thing_now_breaks_whoever_knew_it(
    direction: Any, old: Json, new: Json, what: str
) -> None:
    [line] = told(direction(old), direction(new))
    assert line.startswith("breaking: ")
    assert line.endswith(what)


# Fields.


@pytest.mark.parametrize("direction", [sending, giving])
def test_a_field_can_be_removed(direction: Any) -> None:
    [line] = told(direction(fields(a=STRING)), direction(fields()))
    assert line.startswith("breaking: ")
    assert line.endswith(".a: field removed")


def test_a_field_can_be_added_to_what_is_given() -> None:
    assert told(giving(fields()), giving(fields(["a"], a=STRING))) == [
        "addition: GET /thing answer 200.a: field added"
    ]


def test_a_field_can_be_added_to_what_is_sent() -> None:
    assert told(sending(fields()), sending(fields(a=STRING))) == ["addition: GET /thing body.a: field added"]


def test_nobody_sends_a_new_field_that_must_be_sent() -> None:
    assert told(sending(fields()), sending(fields(["a"], a=STRING))) == [
        "breaking: GET /thing body.a: field added"
    ]


def test_a_field_that_was_sent_by_some_must_be_sent_by_all() -> None:
    assert told(sending(fields(a=STRING)), sending(fields(["a"], a=STRING))) == [
        "breaking: GET /thing body.a: field became required"
    ]


def test_a_field_that_was_always_given_can_be_missing() -> None:
    assert told(giving(fields(["a"], a=STRING)), giving(fields(a=STRING))) == [
        "breaking: GET /thing answer 200.a: field became optional"
    ]


def test_a_field_that_was_given_at_times_can_be_always_given() -> None:
    assert told(giving(fields(a=STRING)), giving(fields(["a"], a=STRING))) == [
        "addition: GET /thing answer 200.a: field became required"
    ]


# Deep inside.


def wrapped(schema: Json) -> list[tuple[Json, str]]:
    """Return schemas that hold this one, and how they call its place."""
    return [
        (fields(a=schema), ".a"),
        ({"type": "array", "items": schema}, "[]"),
        ({"type": "object", "additionalProperties": schema}, ".*"),
        (any_of(schema, NULL), ""),
        ({"allOf": [schema]}, ""),
        (fields(a={"type": "array", "items": any_of(schema, NULL)}), ".a[]"),
    ]


@pytest.mark.parametrize("depth", range(6), ids=["field", "item", "value", "option", "part", "all of it"])
def test_a_field_is_missed_wherever_it_was(depth: int) -> None:
    old, place = wrapped(fields(name=STRING))[depth]
    new, _ = wrapped(fields())[depth]
    assert told(giving(old), giving(new)) == [f"breaking: GET /thing answer 200{place}.name: field removed"]


def test_a_schema_is_followed_by_its_name() -> None:
    def with_thing(schema: Json) -> Json:
        reference = {"$ref": "#/components/schemas/Thing"}
        return giving(fields(thing=reference)) | {"components": {"schemas": {"Thing": schema}}}

    assert told(with_thing(fields(name=STRING)), with_thing(fields())) == [
        "breaking: GET /thing answer 200.thing.name: field removed"
    ]


def test_a_schema_may_contain_itself() -> None:
    reference = {"$ref": "#/components/schemas/Comment"}
    replies = {"type": "array", "items": reference}

    def thread(comment: Json) -> Json:
        return giving(reference) | {"components": {"schemas": {"Comment": comment}}}

    assert told(thread(fields(replies=replies, body=STRING)), thread(fields(replies=replies))) == [
        "breaking: GET /thing answer 200.body: field removed"
    ]


def test_alternatives_of_one_type_are_told_apart() -> None:
    cat, dog = fields(["meows"], meows=STRING), fields(["barks"], barks=STRING)
    mute = fields(["barks"], barks=NULL)
    assert told(giving(any_of(cat, dog)), giving(any_of(cat, mute))) == [
        "breaking: GET /thing answer 200: alternatives changed"
    ]
