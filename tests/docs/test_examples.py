"""The examples in the document: every one is what Conduit answers in the story that is told here."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI

from conduit_app.settings import Settings
from tests.client import PASSWORD, Api, Json
from tests.conformance.official_document import operations_of
from tests.conftest import AppInstance
from tests.login_attempts import LOGIN_ATTEMPTS

NO_TOKEN = "token.of.nobody"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOT_UTF8 = "?tag=%FF"
REFUSED_TEXT = "%00"
SLUG, NEW_SLUG = "how-to-train-your-dragon", "did-you-train-your-dragon"

# The official document has it, and two articles may have one title: each gets a slug of its own.
NEVER_ANSWERED = {("CreateArticle", "409")}


@dataclass(frozen=True)
class Step:
    """A request of the story, and the status that it is answered with.

    Its body is the example of the document, unless there is another one here.
    """

    operation: str
    status: int
    user: str | None = None
    body: Json | None = None
    query: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    shown: bool = True
    """Whether the answer is an example, or only what the story needs."""


ANNA = {"username": "anna", "email": "anna@example.com", "password": PASSWORD}
BLANK_USER = {"user": {"username": "", "email": "", "password": ""}}
WRONG_PASSWORD = {"user": {"email": "anna@example.com", "password": "wrong"}}
OF_AN_ARTICLE = (
    "CreateArticleFavorite",
    "DeleteArticleFavorite",
    "UpdateArticle",
    "DeleteArticle",
    "CreateArticleComment",
    "DeleteArticleComment",
)
OF_A_PROFILE = ("FollowUserByUsername", "UnfollowUserByUsername")


def story() -> Iterator[Step]:
    """Yield what happens: jake registers and publishes, anna follows, comments and favorites, both leave."""
    yield Step("CreateUser", 201)
    yield Step("CreateUser", 409)
    yield Step("CreateUser", 422, body=BLANK_USER)
    yield Step("CreateUser", 201, body={"user": ANNA}, shown=False)
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
    yield from looking()
    yield from failing()
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
    yield Step("CreateUser", 201, shown=False)
    for _ in range(LOGIN_ATTEMPTS):
        wrong = {"user": {"email": "jake@example.com", "password": "wrong"}}
        yield Step("Login", 401, body=wrong, shown=False)
    yield Step("Login", 429)
    yield Step("DeleteCurrentUser", 429, "jake")


def looking() -> Iterator[Step]:
    """Yield what anna looks at, and what is no question."""
    yield Step("GetProfileByUsername", 200, "anna")
    yield Step("GetArticles", 200)
    yield Step("GetArticlesFeed", 200, "anna")
    yield Step("GetArticle", 200)
    yield Step("GetArticleComments", 200, "anna")
    yield Step("GetTags", 200)
    yield Step("GetTags", 422, query=NOT_UTF8)
    for operation in ("GetArticles", "GetArticlesFeed"):
        yield Step(operation, 422, "anna", query="?limit=0")


def failing() -> Iterator[Step]:
    """Yield what is refused for who asks, and for what is asked about."""
    for operation in ("GetCurrentUser", "UpdateCurrentUser", "DeleteCurrentUser", "LogOutEverywhere"):
        yield Step(operation, 401)
    for operation in ("ExportCurrentUser", "GetArticlesFeed", "CreateArticle", *OF_AN_ARTICLE, *OF_A_PROFILE):
        yield Step(operation, 401)
    for operation in ("GetArticles", "GetArticle", "GetArticleComments", "GetProfileByUsername"):
        yield Step(operation, 401, NO_TOKEN)
    for operation in ("GetArticle", "GetArticleComments", *OF_AN_ARTICLE):
        yield Step(operation, 404, "anna", path={"slug": "unknown"})
    for operation in ("GetProfileByUsername", *OF_A_PROFILE):
        yield Step(operation, 404, "anna", path={"username": "nobody"})
        yield Step(operation, 422, "anna", path={"username": REFUSED_TEXT})
    for operation in ("CreateArticleFavorite", "DeleteArticleFavorite", "DeleteArticle"):
        yield Step(operation, 422, "anna", path={"slug": REFUSED_TEXT})
    for operation in ("GetArticle", "GetArticleComments"):
        yield Step(operation, 422, path={"slug": REFUSED_TEXT})
    yield Step("UpdateArticle", 422, "jake", {"article": {"title": "", "tagList": None}})
    yield Step("DeleteArticleComment", 422, "anna", path={"id": "first"})
    yield Step("DeleteArticleComment", 403, "jake")
    for operation in ("UpdateArticle", "DeleteArticle"):
        yield Step(operation, 403, "anna")
        yield Step(operation, 412, "jake", headers={"If-Match": '"what-was-there-before"'})


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return a Conduit on SQLite: that both engines answer alike is what the other files show."""
    return sqlite_app


@pytest.fixture
def settings(core_settings: Settings) -> Settings:
    """Let only modules be there of which the story tells."""
    return core_settings


Bodies = dict[str, Any]


class Document:
    """Conduit's document: where its operations are, and what examples they have."""

    def __init__(self, content: Json) -> None:
        self.operations = {
            operation["operationId"]: (method, path, operation)
            for (path, method), operation in operations_of(content).items()
        }

    def examples(self) -> dict[str, Bodies]:
        """Return the examples of every operation, by `request` and by status."""
        return {
            name: {
                part: content["application/json"].get("example")
                for part, content in _contents(operation).items()
                if (name, part) not in NEVER_ANSWERED
            }
            for name, (_, _, operation) in self.operations.items()
        }

    def url(self, step: Step) -> str:
        """Return what a step asks for."""
        _, path, _ = self.operations[step.operation]
        return path.format_map({"slug": SLUG, "username": "jake", "id": "1", **step.path}) + step.query


def _contents(operation: Json) -> Mapping[str, Json]:
    bodies = {"request": operation.get("requestBody", {})} | operation["responses"]
    return {name: body["content"] for name, body in bodies.items() if "content" in body}


@pytest.fixture
def document(application: FastAPI) -> Document:
    """Return the document of Conduit."""
    return Document(application.openapi())


async def told(api: Api, document: Document) -> dict[str, Bodies]:
    """Tell the story, and return what was sent and answered, as examples have it."""
    examples = document.examples()
    tokens = {NO_TOKEN: NO_TOKEN}
    bodies: dict[str, Bodies] = {name: {} for name in examples}
    for step in story():
        statements = step.body or examples[step.operation].get("request")
        headers = {"Authorization": f"Token {tokens[step.user]}"} if step.user else {}
        method, _, _ = document.operations[step.operation]
        url = document.url(step)
        answer = await api.request(method, url, json=statements, headers={**headers, **step.headers})
        assert answer.status_code == step.status, f"{step}: {answer.text}"
        answered = answer.json() if answer.content else None
        if answered and "user" in answered:
            tokens[answered["user"]["username"]] = answered["user"]["token"]
        if step.shown and answered:
            bodies[step.operation][str(step.status)] = answered
        if step.shown and statements and answer.is_success:
            bodies[step.operation]["request"] = statements
    return bodies


def timeless(value: Any) -> Any:
    """Return an answer with the same time wherever there is one, and tokens as the document shows them."""
    if isinstance(value, dict):
        return {
            name: f"{inner[:20]}…" if name == "token" and isinstance(inner, str) else timeless(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [timeless(inner) for inner in value]
    return TIME.sub("then", value) if isinstance(value, str) else value


async def test_every_example_is_what_conduit_answers(api: Api, document: Document) -> None:
    answers = await told(api, document)
    examples = document.examples()
    assert {name: timeless(bodies) for name, bodies in examples.items()} == {
        name: timeless(bodies) for name, bodies in answers.items()
    }


def test_no_answer_that_is_left_out_has_an_example(document: Document) -> None:
    for name, status in NEVER_ANSWERED:
        _, _, operation = document.operations[name]
        assert "example" not in operation["responses"][status]["content"]["application/json"]
