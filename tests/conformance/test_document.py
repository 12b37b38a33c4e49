"""Conduit's OpenAPI document against the official one, and the check of responses."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import httpx2
import pytest
import yaml  # type: ignore[import-untyped] # its types are a distribution of their own

from conduit_app.settings import Settings
from tests.api_additions import AddedField, declared_additions
from tests.client import Api, Json
from tests.conformance.official_document import (
    ERROR,
    FILE,
    PREFIX,
    NotAsDocumented,
    OfficialDocument,
    official,
    operations_of,
    with_fields,
)

AUTHOR = {"username": "jake", "bio": None, "image": None, "following": False}
LISTED = {
    "slug": "dragons",
    "title": "Dragons",
    "description": "On dragons",
    "tagList": ["dragons"],
    "createdAt": "2026-01-31T09:30:00.000Z",
    "updatedAt": "2026-01-31T09:30:00.000Z",
    "favorited": False,
    "favoritesCount": 0,
    "author": AUTHOR,
}
ARTICLE = LISTED | {"body": "They fly."}


@pytest.fixture
def settings(core_settings: Settings) -> Settings:
    """Enable only the modules whose operations are listed below."""
    return core_settings


@pytest.fixture
async def document(api: Api) -> Json:
    """Return Conduit's OpenAPI document."""
    response = await api.outside("GET", "/openapi.json")
    assert response.status_code == 200
    content: Json = response.json()
    return content


def test_declared_additions_are_not_in_the_official_document() -> None:
    operations = {operation.id: operation for operation in official().operations}
    for additions in declared_additions():
        assert not additions.operations.keys() & operations.keys()
        for name, statuses in additions.statuses.items():
            assert not statuses & operations[name].responses.keys(), name


def test_document_has_the_official_and_declared_operations(document: Json) -> None:
    theirs = {key: operation["operationId"] for key, operation in operations_of(official().content).items()}
    ours = {key: operation["operationId"] for key, operation in operations_of(document).items()}
    declared = {
        (access.operation.partition(f" {PREFIX}")[2], access.operation.partition(" ")[0]): name
        for additions in declared_additions()
        for name, access in additions.operations.items()
    }
    assert ours == theirs | declared


def test_operations_have_their_official_tags(document: Json) -> None:
    served = operations_of(document)
    for key, theirs in operations_of(official().content).items():
        assert served[key]["tags"] == theirs["tags"], key


def test_document_has_the_official_and_declared_statuses(
    document: Json,
) -> None:
    theirs = {operation.id: set(operation.statuses) for operation in official().operations}
    ours = {
        operation["operationId"]: {int(status) for status in operation["responses"]}
        for operation in operations_of(document).values()
    }
    assert {name: ours.get(name) for name in theirs} == theirs


def test_document_has_the_official_parameters_and_declared_optional_ones(
    document: Json,
) -> None:
    served, added = operations_of(document), {}
    for key, theirs in operations_of(official().content).items():
        wanted, had = _parameters(official().content, theirs), _parameters(document, served[key])
        assert {name: had.get(name) for name in wanted} == wanted
        assert not [name for name, (required, _) in had.items() if required and name not in wanted]
        if more := had.keys() - wanted.keys():
            added[theirs["operationId"]] = {name.lower() for _, name in more}
    assert added == {
        name: parameters
        for additions in declared_additions()
        for name, parameters in additions.parameters.items()
    }


def test_document_has_the_official_bodies(document: Json) -> None:
    served = operations_of(document)
    for key, theirs in operations_of(official().content).items():
        wanted, had = _bodies(official().content, theirs), _bodies(document, served[key])
        assert {name: had.get(name) for name in wanted} == wanted, key
        required = _resolved(official().content, theirs.get("requestBody", {})).get("required")
        assert served[key].get("requestBody", {}).get("required") == required, key


def test_errors_have_the_official_schema(document: Json) -> None:
    for key, operation in operations_of(document).items():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response["content"]["application/json"]["schema"] == {"$ref": ERROR}, key


# An addition: a token without a prefix, as /docs and generated clients send it.
BEARER: Json = {"Bearer": []}
# The official document has no security for them; the token changes their response.
OPTIONAL = {"GetArticles", "GetArticle", "GetArticleComments", "GetProfileByUsername"}


def test_document_has_the_official_security(document: Json) -> None:
    served = operations_of(document)
    for key, theirs in operations_of(official().content).items():
        expected = [*theirs["security"], BEARER] if "security" in theirs else None
        if theirs["operationId"] in OPTIONAL:
            expected = [{}, {"Token": []}, BEARER]
        assert served[key].get("security") == expected, key
    ours, theirs = (one["components"]["securitySchemes"] for one in (document, official().content))
    assert ours.pop("Bearer")["scheme"] == "bearer"
    assert _without_wording(ours) == _without_wording(theirs)


def test_descriptions_do_not_repeat_summaries(document: Json) -> None:
    for key, operation in operations_of(document).items():
        assert not operation.get("description", "").startswith(operation["summary"]), key


@pytest.mark.parametrize(
    ("method", "path", "response"),
    [
        ("GET", "/tags", httpx2.Response(200, json={"tags": ["dragons"]})),
        ("GET", "/articles/dragons", httpx2.Response(200, json={"article": ARTICLE})),
        ("GET", "/articles?limit=1", httpx2.Response(200, json={"articles": [LISTED], "articlesCount": 7})),
        ("DELETE", "/articles/dragons", httpx2.Response(204)),
        ("PUT", "/user", httpx2.Response(409, json={"errors": {"email": ["has already been taken"]}})),
        ("GET", "/articles/feed", httpx2.Response(401, json={"errors": {"token": ["is invalid"]}})),
        ("GET", "/nowhere", httpx2.Response(404, json={"errors": {"path": ["not found"]}})),
    ],
)
def test_documented_response_passes(method: str, path: str, response: httpx2.Response) -> None:
    official().check(_with_request(method, path, response))


@pytest.mark.parametrize(
    ("method", "path", "response", "problem"),
    [
        ("GET", "/tags", httpx2.Response(418, json={"errors": {}}), "status is not documented"),
        ("GET", "/tags", httpx2.Response(401, json={"errors": {}}), "status is not documented"),
        ("GET", "/articles/dragons", httpx2.Response(401, json={"errors": {}}), "status is not documented"),
        ("GET", "/nowhere", httpx2.Response(200, json={}), "status is not documented"),
        ("PATCH", "/tags", httpx2.Response(200, json={"tags": []}), "status is not documented"),
        ("GET", "/tags", httpx2.Response(200, text='{"tags": []}'), "content type"),
        ("GET", "/tags", httpx2.Response(200, json={}), "'tags' is a required property"),
        ("GET", "/tags", httpx2.Response(200, json={"tags": [7]}), "7 is not of type 'string'"),
        (
            "GET",
            "/tags",
            httpx2.Response(200, json={"tags": [], "tagsCount": 0}),
            "'tagsCount' was unexpected",
        ),
        ("GET", "/tags", httpx2.Response(422, json={"detail": []}), "'errors' is a required property"),
        ("GET", "/nowhere", httpx2.Response(404, json={"errors": {"path": "x"}}), "not of type 'array'"),
        (
            "GET",
            "/articles",
            httpx2.Response(200, json={"articles": [ARTICLE], "articlesCount": 1}),
            "'body' was unexpected",
        ),
        (
            "GET",
            "/articles/feed",
            httpx2.Response(200, json={"article": ARTICLE}),
            "'articles' is a required property",
        ),
        (
            "GET",
            "/articles/dragons",
            httpx2.Response(200, json={"article": ARTICLE | {"updatedAt": "2026-01-31T09:30:00Z"}}),
            "is not a 'date-time'",
        ),
        (
            "GET",
            "/articles/dragons",
            httpx2.Response(200, json={"article": ARTICLE | {"author": AUTHOR | {"email": "jake@a.b"}}}),
            "'email' was unexpected",
        ),
        ("DELETE", "/articles/dragons", httpx2.Response(204, content=b"null"), "there is a body"),
    ],
)
def test_undocumented_response_is_rejected(
    method: str, path: str, response: httpx2.Response, problem: str
) -> None:
    with pytest.raises(NotAsDocumented, match=problem):
        official().check(_with_request(method, path, response))


@pytest.mark.parametrize("required", [True, False])
def test_declared_field_passes(required: bool) -> None:
    field = AddedField("Profile", "verified", {"type": "boolean"}, required=required)
    document = OfficialDocument(with_fields(yaml.safe_load(FILE.read_text(encoding="utf-8")), [field]))
    verified, plain = ({"profile": profile} for profile in (AUTHOR | {"verified": True}, AUTHOR))
    document.check(_with_request("GET", "/profiles/jake", httpx2.Response(200, json=verified)))
    absent = _with_request("GET", "/profiles/jake", httpx2.Response(200, json=plain))
    with pytest.raises(NotAsDocumented) if required else nullcontext():
        document.check(absent)


async def test_all_responses_of_a_test_are_recorded(api: Api) -> None:
    await api.as_user("jake").publish()
    await api.get("/tags")
    assert [response.request.url.path for response in api.answers] == ["/api/articles", "/api/tags"]


def _with_request(method: str, path: str, response: httpx2.Response) -> httpx2.Response:
    response.request = httpx2.Request(method, f"http://conduit.test{PREFIX}{path}")
    return response


def _parameters(document: Json, operation: Json) -> Mapping[tuple[str, str], tuple[bool, Any]]:
    """Return whether each parameter is required, and its type, by where it is and its name."""
    parameters = [_resolved(document, parameter) for parameter in operation.get("parameters", [])]
    return {
        (parameter["in"], parameter["name"]): (
            parameter.get("required", False),
            _shape(document, parameter["schema"]),
        )
        for parameter in parameters
    }


def _bodies(document: Json, operation: Json) -> Mapping[str, Any]:
    """Return the shapes of the bodies that go in ("request") and out (by status)."""
    bodies = {"request": operation.get("requestBody", {})} | operation["responses"]
    contents = {name: _resolved(document, body).get("content", {}) for name, body in bodies.items()}
    return {
        name: _shape(document, content["application/json"]["schema"])
        for name, content in contents.items()
        if content
    }


def _shape(document: Json, schema: Json) -> Any:
    """Return what a schema says of types, names and what is required, without its wording."""
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return sorted(_shape(document, option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return [_shape(document, schema["items"])]
    if schema.get("type") == "object":
        shape = {
            f"{name}{'' if name in schema.get('required', ()) else '?'}": _shape(document, property_)
            for name, property_ in schema.get("properties", {}).items()
        }
        others = schema.get("additionalProperties")
        return shape | ({"*": _shape(document, others)} if isinstance(others, dict) else {})
    kind = schema.get("type")
    return sorted(kind) if isinstance(kind, list) else kind


def _without_wording(schemes: Json) -> Json:
    return {name: scheme | {"description": ""} for name, scheme in schemes.items()}


def _resolved(document: Json, node: Json) -> Json:
    """Return the target of a node's reference, or the node itself."""
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node
