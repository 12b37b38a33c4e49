"""Who may do what (OWASP API1:2023, API3:2023 and API5:2023; ASVS 5.0 V8)."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from conduit_app.settings import Settings
from modules.articles.domain.service import ArticleService
from modules.articles.infrastructure.articles import SqlArticles
from modules.articles.infrastructure.reader import SqlArticleReader
from modules.comments.domain.service import CommentService
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.infrastructure.tokens import JwtTokens
from tests.api_additions import (
    ANONYMOUS,
    AUTHENTICATED,
    DELETED,
    OPTIONAL,
    OTHER,
    OWNER,
    PUBLIC,
    Access,
    declared_additions,
    owner_only,
)
from tests.client import PASSWORD, Api, Json
from tests.conformance.writes import COMMENT, LOG_IN, PUBLISH, REGISTER

OFFICIAL = (
    Access(
        "POST /api/users", dict.fromkeys(OPTIONAL, 201), 201, REGISTER.body(username="new", email="new@a.org")
    ),
    Access("POST /api/users/login", PUBLIC, body=LOG_IN.body()),
    Access("GET /api/user", AUTHENTICATED),
    Access("PUT /api/user", AUTHENTICATED, body={"user": {"bio": "I write."}}),
    Access("GET /api/profiles/{username}", OPTIONAL),
    Access("POST /api/profiles/{username}/follow", AUTHENTICATED),
    Access("DELETE /api/profiles/{username}/follow", AUTHENTICATED),
    Access("GET /api/articles", OPTIONAL),
    Access("GET /api/articles/feed", AUTHENTICATED),
    Access("POST /api/articles", AUTHENTICATED | {OTHER: 201, OWNER: 201}, 201, PUBLISH.body()),
    Access("GET /api/articles/{slug}", OPTIONAL),
    Access("PUT /api/articles/{slug}", owner_only(), body={"article": {"body": "They swim."}}),
    Access("DELETE /api/articles/{slug}", owner_only(204), 204),
    Access("POST /api/articles/{slug}/favorite", AUTHENTICATED),
    Access("DELETE /api/articles/{slug}/favorite", AUTHENTICATED),
    Access("GET /api/articles/{slug}/comments", OPTIONAL),
    Access(
        "POST /api/articles/{slug}/comments", AUTHENTICATED | {OTHER: 201, OWNER: 201}, 201, COMMENT.body()
    ),
    Access("DELETE /api/articles/{slug}/comments/{id}", owner_only(204), 204),
    Access("GET /api/tags", PUBLIC),
)
TABLE = (*OFFICIAL, *(access for module in declared_additions() for access in module.operations.values()))


@pytest.fixture
def settings(core_settings: Settings) -> Settings:
    """Enable only the modules of the table; plugins test their own access rules."""
    return core_settings


@pytest.fixture
async def comment(api: Api) -> Json:
    """Publish and comment "dragons" as the owner, delete another account, and return the comment."""
    article = await api.as_user(OWNER).publish()
    await api.as_user(OTHER).token()
    gone = api.as_user(DELETED)
    await gone.token()
    assert (await gone.delete("/user", json={"user": {"password": PASSWORD}})).status_code == 204
    return await api.as_user(OWNER).comment(article)


async def send(api: Api, who: str, row: Access, comment: Json) -> httpx2.Response:
    method, path = row.operation.split(" /api")
    path = path.format(slug="dragons", username=OWNER, id=comment["id"])
    caller = api if who == ANONYMOUS else api.as_user(who)
    # Registrations need unique names and addresses.
    body = json.loads(json.dumps(row.body).replace('"new', f'"new-{who}')) if row.body else None
    if body is not None and row.operation == "DELETE /api/user":
        return await caller.delete(path, json=body)
    return await caller.request(method, path, json=body)


def test_table_has_every_operation(application: FastAPI) -> None:
    served = {
        f"{method.upper()} {path}"
        for path, methods in application.openapi()["paths"].items()
        for method in methods
    }
    assert {row.operation for row in TABLE} == served


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_operation_returns_the_status_of_the_table(api: Api, comment: Json, row: Access) -> None:
    # The owner comes last, because they may delete the resource.
    responses = {
        who: (await send(api, who, row, comment)).status_code for who in (ANONYMOUS, DELETED, OTHER, OWNER)
    }
    assert responses == row.expected


@pytest.mark.parametrize("row", [row for row in TABLE if 403 in row.expected.values()], ids=str)
async def test_rejected_request_changes_nothing(api: Api, comment: Json, row: Access) -> None:
    async def snapshot() -> list[Any]:
        return [(await api.get(path)).json() for path in ("/articles/dragons", "/articles/dragons/comments")]

    before = await snapshot()
    for who in (ANONYMOUS, DELETED, OTHER):
        await send(api, who, row, comment)
    assert await snapshot() == before


class TestMassAssignment:
    """OWASP API3:2023: fields that a caller may not set are ignored."""

    async def test_account_ignores_unknown_fields(self, api: Api) -> None:
        fields = {
            "id": 7,
            "admin": True,
            "sessionEpoch": "x",
            "session_epoch": "x",
            "passwordHash": "x",
            "token": "x",
        }
        before = (await api.as_user("jake").get("/user")).json()["user"]
        registered = await api.post("/users", REGISTER.body(**fields))
        updated = await api.as_user("jake").put("/user", {"user": {"bio": "I write.", **fields}})
        assert (registered.status_code, updated.status_code) == (201, 200)
        assert updated.json()["user"].keys() == before.keys()
        assert updated.json()["user"] | {"token": ""} == before | {"token": "", "bio": "I write."}
        assert (await api.as_user("jake").get("/user")).status_code == 200

    async def test_article_ignores_unknown_fields(self, api: Api) -> None:
        fields = {
            "id": 7,
            "slug": "mine",
            "author": {"username": "anna"},
            "author_id": 7,
            "favoritesCount": 100,
            "favorited": True,
            "createdAt": "2000-01-01T00:00:00.000Z",
            "updatedAt": "2000-01-01T00:00:00.000Z",
        }
        jake = api.as_user("jake")
        published = (await jake.post("/articles", PUBLISH.body(**fields))).json()["article"]
        edited = (await jake.put("/articles/knights", {"article": fields})).json()["article"]
        assert published["createdAt"] == published["updatedAt"] > "2026"
        assert edited | {"updatedAt": ""} == published | {"updatedAt": ""}
        assert (published["slug"], published["author"]["username"]) == ("knights", "jake")
        assert (published["favoritesCount"], published["favorited"]) == (0, False)

    async def test_comment_ignores_unknown_fields(self, api: Api) -> None:
        await api.as_user("jake").publish()
        fields = {"id": 1000, "author": {"username": "anna"}, "createdAt": "2000-01-01T00:00:00.000Z"}
        response = await api.as_user("jake").post("/articles/dragons/comments", COMMENT.body(**fields))
        comment = response.json()["comment"]
        assert (comment["id"], comment["author"]["username"]) == (1, "jake")
        assert comment["createdAt"] > "2026"


async def test_no_response_exposes_hashes_or_private_data_of_others(api: Api, comment: Json) -> None:
    """OWASP API3:2023: excessive data exposure."""
    api.answers.clear()
    for row in TABLE:
        if not row.operation.startswith(("DELETE", "POST /api/user/")):
            await send(api, OWNER, row, comment)
    for response in api.answers:
        assert response.is_success, response.text
        assert "argon2" not in response.text
        assert "anna@example.com" not in response.text
        if response.request.url.path.startswith("/api/user"):
            continue
        assert "@" not in response.text
        assert "token" not in response.text.lower()


Broken = tuple[type, str]


@pytest.mark.parametrize(
    ("broken", "method", "path"),
    [
        ((JwtTokens, "verify"), "GET", "/user"),
        ((Database, "transaction"), "POST", "/articles"),
        ((Database, "snapshot"), "GET", "/articles/dragons"),
        ((SqlArticles, "add"), "POST", "/articles"),
        ((SqlArticleReader, "articles"), "GET", "/articles?limit=7"),
        ((ArticleService, "publish"), "POST", "/articles"),
        ((CommentService, "comments"), "GET", "/articles/dragons/comments"),
    ],
    ids=lambda value: f"{value[0].__name__}.{value[1]}" if isinstance(value, tuple) else None,
)
@pytest.mark.usefixtures("comment")
async def test_exception_in_any_layer_is_a_500_without_details(
    api: Api, monkeypatch: pytest.MonkeyPatch, broken: Broken, method: str, path: str
) -> None:
    """ASVS 5.0 V16.5: the response does not contain the error."""
    token = await api.as_user(OWNER).token()
    monkeypatch.setattr(*broken, failing("the password of the database, at /srv/conduit.db"))
    response = await api.request(
        method, path, json=PUBLISH.body(), headers={"Authorization": f"Token {token}"}
    )
    request_id = response.headers["X-Request-ID"]
    assert response.status_code == 500
    assert response.json() == {
        "errors": {"server": [f"failed unexpectedly; please report request {request_id}"]}
    }


def failing(message: str) -> Callable[..., Any]:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(message)

    return fail
