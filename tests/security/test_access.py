"""Who may do what (OWASP API1:2023, API3:2023 and API5:2023; ASVS 5.0 V8)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
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
from tests.client import PASSWORD, Api, Json
from tests.conformance.writes import COMMENT, LOG_IN, PUBLISH, REGISTER

NOBODY, GONE, OTHER, OWNER = "nobody", "gone", "anna", "jake"
OPEN = {NOBODY: 200, GONE: 401, OTHER: 200, OWNER: 200}
OWN = {NOBODY: 401, GONE: 401, OTHER: 200, OWNER: 200}
NEVER_ASKED = {NOBODY: 200, GONE: 200, OTHER: 200, OWNER: 200}


@dataclass(frozen=True, slots=True)
class Row:
    """An operation, a body that it accepts, and what it answers whom; 2xx stands for its own success."""

    operation: str
    expected: dict[str, int]
    success: int = 200
    body: Json | None = None

    def __str__(self) -> str:
        return self.operation


def mine(success: int = 200) -> dict[str, int]:
    return {NOBODY: 401, GONE: 401, OTHER: 403, OWNER: success}


TABLE = (
    Row("POST /api/users", dict.fromkeys(OPEN, 201), 201, REGISTER.body(username="new", email="new@a.org")),
    Row("POST /api/users/login", NEVER_ASKED, body=LOG_IN.body()),
    Row("GET /api/user", OWN),
    Row("PUT /api/user", OWN, body={"user": {"bio": "I write."}}),
    Row("DELETE /api/user", OWN | {OTHER: 204, OWNER: 204}, 204, {"user": {"password": PASSWORD}}),
    Row("GET /api/user/export", OWN),
    Row("POST /api/user/logout-all", OWN | {OTHER: 204, OWNER: 204}, 204),
    Row("GET /api/profiles/{username}", OPEN),
    Row("POST /api/profiles/{username}/follow", OWN),
    Row("DELETE /api/profiles/{username}/follow", OWN),
    Row("GET /api/articles", OPEN),
    Row("GET /api/articles/feed", OWN),
    Row("POST /api/articles", OWN | {OTHER: 201, OWNER: 201}, 201, PUBLISH.body()),
    Row("GET /api/articles/{slug}", OPEN),
    Row("PUT /api/articles/{slug}", mine(), body={"article": {"body": "They swim."}}),
    Row("DELETE /api/articles/{slug}", mine(204), 204),
    Row("POST /api/articles/{slug}/favorite", OWN),
    Row("DELETE /api/articles/{slug}/favorite", OWN),
    Row("GET /api/articles/{slug}/comments", OPEN),
    Row("POST /api/articles/{slug}/comments", OWN | {OTHER: 201, OWNER: 201}, 201, COMMENT.body()),
    Row("DELETE /api/articles/{slug}/comments/{id}", mine(204), 204),
    Row("GET /api/tags", NEVER_ASKED),
)


@pytest.fixture
def settings(core_settings: Settings) -> Settings:
    """Let only modules be there that are in the table; another one's tests say who may do what there."""
    return core_settings


@pytest.fixture
async def comment(api: Api) -> Json:
    """Let jake publish "dragons" and comment on it, and somebody leave; return the comment."""
    article = await api.as_user(OWNER).publish()
    await api.as_user(OTHER).token()
    gone = api.as_user(GONE)
    await gone.token()
    assert (await gone.delete("/user", json={"user": {"password": PASSWORD}})).status_code == 204
    return await api.as_user(OWNER).comment(article)


async def ask(api: Api, who: str, row: Row, comment: Json) -> httpx2.Response:
    method, path = row.operation.split(" /api")
    path = path.format(slug="dragons", username=OWNER, id=comment["id"])
    caller = api if who == NOBODY else api.as_user(who)
    # Each registration is another one: whoever is not asked who they are may all register.
    body = json.loads(json.dumps(row.body).replace('"new', f'"new-{who}')) if row.body else None
    if body is not None and row.operation == "DELETE /api/user":
        return await caller.delete(path, json=body)
    return await caller.request(method, path, json=body)


def test_the_table_has_every_operation(application: FastAPI) -> None:
    served = {
        f"{method.upper()} {path}"
        for path, methods in application.openapi()["paths"].items()
        for method in methods
    }
    assert {row.operation for row in TABLE} == served


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_each_operation_answers_everybody_as_the_table_says(api: Api, comment: Json, row: Row) -> None:
    # The owner comes last: after them there may be nothing left to ask for.
    responses = {who: (await ask(api, who, row, comment)).status_code for who in (NOBODY, GONE, OTHER, OWNER)}
    assert responses == row.expected


@pytest.mark.parametrize("row", [row for row in TABLE if 403 in row.expected.values()], ids=str)
async def test_who_may_not_changes_nothing(api: Api, comment: Json, row: Row) -> None:
    async def seen() -> list[Any]:
        return [(await api.get(path)).json() for path in ("/articles/dragons", "/articles/dragons/comments")]

    before = await seen()
    for who in (NOBODY, GONE, OTHER):
        await ask(api, who, row, comment)
    assert await seen() == before


class TestMassAssignment:
    """OWASP API3:2023: what is not a caller's to say is not heard."""

    async def test_of_an_account(self, api: Api) -> None:
        said = {
            "id": 7,
            "admin": True,
            "tokenVersion": 9,
            "token_version": 9,
            "passwordHash": "x",
            "token": "x",
        }
        before = (await api.as_user("jake").get("/user")).json()["user"]
        registered = await api.post("/users", REGISTER.body(**said))
        updated = await api.as_user("jake").put("/user", {"user": {"bio": "I write.", **said}})
        assert (registered.status_code, updated.status_code) == (201, 200)
        assert updated.json()["user"].keys() == before.keys()
        assert updated.json()["user"] | {"token": ""} == before | {"token": "", "bio": "I write."}
        assert (await api.as_user("jake").get("/user")).status_code == 200

    async def test_of_an_article(self, api: Api) -> None:
        said = {
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
        published = (await jake.post("/articles", PUBLISH.body(**said))).json()["article"]
        edited = (await jake.put("/articles/knights", {"article": said})).json()["article"]
        assert published["createdAt"] == published["updatedAt"] > "2026"
        assert edited | {"updatedAt": ""} == published | {"updatedAt": ""}
        assert (published["slug"], published["author"]["username"]) == ("knights", "jake")
        assert (published["favoritesCount"], published["favorited"]) == (0, False)

    async def test_of_a_comment(self, api: Api) -> None:
        await api.as_user("jake").publish()
        said = {"id": 1000, "author": {"username": "anna"}, "createdAt": "2000-01-01T00:00:00.000Z"}
        response = await api.as_user("jake").post("/articles/dragons/comments", COMMENT.body(**said))
        comment = response.json()["comment"]
        assert (comment["id"], comment["author"]["username"]) == (1, "jake")
        assert comment["createdAt"] > "2026"


async def test_no_answer_holds_a_hash_and_an_e_mail_or_token_is_in_ones_own_account_only(
    api: Api, comment: Json
) -> None:
    """OWASP API3:2023: excessive data exposure."""
    api.answers.clear()
    for row in TABLE:
        if not row.operation.startswith(("DELETE", "POST /api/user/")):
            await ask(api, OWNER, row, comment)
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
async def test_an_exception_in_any_layer_is_a_bare_500(
    api: Api, monkeypatch: pytest.MonkeyPatch, broken: Broken, method: str, path: str
) -> None:
    """ASVS 5.0 V16.5: nothing of what went wrong inside is told outside."""
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
