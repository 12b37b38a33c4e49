"""The examples in the OpenAPI document are real: each is a request or response of one recorded session."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from conduit_app.settings import Settings
from modules.kernel.api.examples import EXAMPLES
from modules.kernel.api.fields import ResponseModel
from tests.api_additions import Step, declared_additions
from tests.client import PASSWORD, Api, Json
from tests.conformance.official_document import operations_of
from tests.conftest import AppInstance
from tests.login_attempts import LOGIN_ATTEMPTS

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOT_UTF8 = "?tag=%FF"
NUL = "%00"
SLUG, NEW_SLUG = "how-to-train-your-dragon", "did-you-train-your-dragon"

# Two articles may have the same title: each gets a slug of its own. An account may store 100 MB an hour.
WITHOUT_EXAMPLE = {
    ("CreateArticle", "409"),
    ("CreateArticle", "429"),
    ("UpdateArticle", "429"),
    ("CreateArticleComment", "429"),
    # In the official document; an invalid token counts as none.
    ("GetArticles", "401"),
    ("GetArticleComments", "401"),
    ("GetProfileByUsername", "401"),
}


ANNA = {"username": "anna", "email": "anna@example.com", "password": PASSWORD}
BLANK_USER = {"user": {"username": "", "email": "", "password": ""}}
WRONG_PASSWORD = {"user": {"email": "anna@example.com", "password": "wrong"}}
ON_ARTICLE = (
    "CreateArticleFavorite",
    "DeleteArticleFavorite",
    "UpdateArticle",
    "DeleteArticle",
    "CreateArticleComment",
    "DeleteArticleComment",
)
ON_PROFILE = ("FollowUserByUsername", "UnfollowUserByUsername")


def session() -> Iterator[Step]:
    """Yield the steps: jake publishes an article, anna follows, comments and favorites, both delete data."""
    yield Step("CreateUser", 201)
    yield Step("CreateUser", 409)
    yield Step("CreateUser", 422, body=BLANK_USER)
    yield Step("CreateUser", 201, body={"user": ANNA}, is_example=False)
    yield Step("Login", 200)
    yield Step("Login", 401, body=WRONG_PASSWORD)
    yield Step("Login", 422, body=BLANK_USER)
    yield Step("UpdateCurrentUser", 200, "jake")
    yield Step("UpdateCurrentUser", 409, "jake", {"user": {"username": "anna"}})
    yield Step("UpdateCurrentUser", 422, "jake", {"user": {"email": "jake", "password": "short"}})
    yield Step("GetCurrentUser", 200, "jake")
    yield Step("GetCurrentUser", 422, "jake", query=NOT_UTF8)
    yield Step("CreateArticle", 201, "jake")
    yield Step("CreateArticle", 422, "jake", {"article": {"title": "", "description": "", "body": ""}})
    yield Step("FollowUserByUsername", 200, "anna")
    yield Step("CreateArticleFavorite", 200, "anna")
    yield Step("CreateArticleComment", 201, "anna")
    yield Step("CreateArticleComment", 422, "anna", {"comment": {"body": ""}})
    yield from reads()
    yield from client_errors()
    for additions in declared_additions():
        yield from additions.steps
    yield Step("ExportCurrentUser", 200, "anna")
    yield Step("UnfollowUserByUsername", 200, "anna")
    yield Step("DeleteArticleFavorite", 200, "anna")
    yield Step("DeleteArticleComment", 204, "anna")
    yield Step("UpdateArticle", 200, "jake")
    yield Step("DeleteArticle", 204, "jake", path={"slug": NEW_SLUG})
    yield Step("LogOutEverywhere", 204, "anna")
    yield Step("DeleteCurrentUser", 403, "jake", {"user": {"password": "wrong"}})
    yield Step("DeleteCurrentUser", 422, "jake", {"user": {"password": ""}})
    yield Step("DeleteCurrentUser", 204, "jake")
    yield Step("CreateUser", 201, is_example=False)
    for _ in range(LOGIN_ATTEMPTS):
        wrong = {"user": {"email": "jake@example.com", "password": "wrong"}}
        yield Step("Login", 401, body=wrong, is_example=False)
    yield Step("CreateUser", 429)
    yield Step("Login", 429)
    yield Step("DeleteCurrentUser", 429, "jake")


def reads() -> Iterator[Step]:
    """Yield reads, and invalid ones."""
    yield Step("GetProfileByUsername", 200, "anna")
    yield Step("GetArticles", 200)
    yield Step("GetArticlesFeed", 200, "anna")
    yield Step("GetArticle", 200)
    yield Step("GetArticleComments", 200, "anna")
    yield Step("GetTags", 200)
    yield Step("GetTags", 422, query=NOT_UTF8)
    for operation in ("GetArticles", "GetArticlesFeed"):
        yield Step(operation, 422, "anna", query="?limit=0")


def client_errors() -> Iterator[Step]:
    """Yield requests that fail by their token, path or permission."""
    for operation in ("GetCurrentUser", "UpdateCurrentUser", "DeleteCurrentUser", "LogOutEverywhere"):
        yield Step(operation, 401)
    for operation in (
        "ExportCurrentUser",
        "GetArticlesFeed",
        "CreateArticle",
        *ON_ARTICLE,
        *ON_PROFILE,
    ):
        yield Step(operation, 401)
    for operation in ("GetArticle", "GetArticleComments", *ON_ARTICLE):
        yield Step(operation, 404, "anna", path={"slug": "unknown"})
    for operation in ("GetProfileByUsername", *ON_PROFILE):
        yield Step(operation, 404, "anna", path={"username": "nobody"})
        yield Step(operation, 422, "anna", path={"username": NUL})
    for operation in ("CreateArticleFavorite", "DeleteArticleFavorite", "DeleteArticle"):
        yield Step(operation, 422, "anna", path={"slug": NUL})
    for operation in ("GetArticle", "GetArticleComments"):
        yield Step(operation, 422, path={"slug": NUL})
    yield Step("UpdateArticle", 422, "jake", {"article": {"title": "", "tagList": None}})
    yield Step("DeleteArticleComment", 422, "anna", path={"id": "first"})
    yield Step("DeleteArticleComment", 403, "jake")
    for operation in ("UpdateArticle", "DeleteArticle"):
        yield Step(operation, 403, "anna")
        yield Step(operation, 412, "jake", headers={"If-Match": '"stale"'})


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return a Conduit on SQLite only; other tests compare the engines."""
    return sqlite_app


@pytest.fixture
def settings(core_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Enable only the modules of the session, and allow only its registrations."""
    # One that is invalid does not count.
    registrations = [
        step for step in session() if step.operation == "CreateUser" and step.status in {201, 409}
    ]
    monkeypatch.setenv("CONDUIT_REGISTRATION_LIMIT_PER_ADDRESS", f"{len(registrations)} per hour")
    return core_settings.model_copy()


Bodies = dict[str, Any]


class Document:
    """The OpenAPI document: its operations and their examples."""

    def __init__(self, content: Json) -> None:
        self.operations = {
            operation["operationId"]: (method, path, operation)
            for (path, method), operation in operations_of(content).items()
        }

    def examples(self) -> dict[str, Bodies]:
        """Return the examples by operation, and by `request` or status.

        An operation that a module adds may have none.
        """
        in_session = {step.operation for step in session()}
        return {
            name: {
                part: content["application/json"].get("example")
                for part, content in _contents(operation).items()
                if (name, part) not in WITHOUT_EXAMPLE
            }
            for name, (_, _, operation) in self.operations.items()
            if name in in_session
            or any("example" in content["application/json"] for content in _contents(operation).values())
        }

    def url(self, step: Step) -> str:
        """Return the URL of a step, below /api."""
        _, path, _ = self.operations[step.operation]
        return path.format_map({"slug": SLUG, "username": "jake", "id": "1", **step.path}) + step.query


def _contents(operation: Json) -> Mapping[str, Json]:
    bodies = {"request": operation.get("requestBody", {})} | operation["responses"]
    return {name: body["content"] for name, body in bodies.items() if "content" in body}


@pytest.fixture
def document(application: FastAPI) -> Document:
    """Return the OpenAPI document."""
    return Document(application.openapi())


async def recorded(api: Api, document: Document) -> dict[str, Bodies]:
    """Run the session, and return its requests and responses in the form of the examples."""
    examples = document.examples()
    tokens: dict[str, str] = {}
    bodies: dict[str, Bodies] = {name: {} for name in examples}
    for step in session():
        body = step.body or examples[step.operation].get("request")
        headers = {"Authorization": f"Token {tokens[step.user]}"} if step.user else {}
        method, _, _ = document.operations[step.operation]
        url = document.url(step)
        response = await api.request(method, url, json=body, headers={**headers, **step.headers})
        assert response.status_code == step.status, f"{step}: {response.text}"
        content = response.json() if response.content else None
        if content and "user" in content:
            tokens[content["user"]["username"]] = content["user"]["token"]
        if step.is_example and content:
            bodies[step.operation][str(step.status)] = content
        if step.is_example and body and response.is_success:
            bodies[step.operation]["request"] = body
    return bodies


def normalized(value: Any) -> Any:
    """Return the value with all times replaced, and with tokens as short as in the document."""
    if isinstance(value, dict):
        return {
            name: f"{inner[:20]}…" if name == "token" and isinstance(inner, str) else normalized(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [normalized(inner) for inner in value]
    return TIME.sub("TIME", value) if isinstance(value, str) else value


async def test_every_example_is_a_real_request_or_response(api: Api, document: Document) -> None:
    bodies = await recorded(api, document)
    examples = document.examples()
    assert {name: normalized(example) for name, example in examples.items()} == {
        name: normalized(body) for name, body in bodies.items()
    }


def test_responses_outside_the_session_have_no_example(document: Document) -> None:
    for name, status in WITHOUT_EXAMPLE:
        _, _, operation = document.operations[name]
        assert "example" not in operation["responses"][status]["content"]["application/json"]


async def test_every_successful_response_is_exactly_its_model(api: Api, document: Document) -> None:
    models = {
        route.operation_id: route.response_model
        for route in iter_route_contexts(api.application.routes)
        if hasattr(route.endpoint, EXAMPLES)
    }
    bodies = await recorded(api, document)
    successful = {
        name: body for name, parts in bodies.items() for status, body in parts.items() if status[0] == "2"
    }
    declared = {
        name for name, parts in document.examples().items() if any(status[0] == "2" for status in parts)
    }
    assert successful.keys() == declared
    for name, body in successful.items():
        model = models[name]
        assert issubclass(model, ResponseModel)
        # As text, so that the order of the fields counts.
        expected = model.model_validate(body).model_dump(mode="json", by_alias=True)
        assert json.dumps(body) == json.dumps(expected), name
