"""API.md, "Errors": the common error body, and the status of each error."""

import json

import pytest

from conduit_app.settings import DEFAULT_MAX_BODY_SIZE
from tests.client import PASSWORD, Api, Json
from tests.conformance.official_document import official
from tests.conformance.writes import COMMENT, LOG_IN, PUBLISH, REGISTER, UPDATE_USER, WRITES, Write

ABOVE_MAX_BODY_SIZE = DEFAULT_MAX_BODY_SIZE + 1
JSON = {"Content-Type": "application/json"}


async def test_unknown_route_gets_404_with_the_common_body(api: Api) -> None:
    for path in ("/api/nowhere", "/nowhere", "/api", "/api/articles/dragons/nowhere"):
        response = await api.outside("GET", path)
        assert response.status_code == 404
        official().check_error(response)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/users"), ("PATCH", "/user"), ("POST", "/tags"), ("PUT", "/articles")]
)
async def test_wrong_method_gets_405_with_the_common_body(api: Api, method: str, path: str) -> None:
    response = await api.request(method, path)
    assert response.status_code == 405
    official().check_error(response)


@pytest.mark.parametrize("path", ["/users", "/tags", "/nowhere"])
async def test_large_body_gets_413_with_the_common_body(api: Api, path: str) -> None:
    response = await api.outside("POST", f"/api{path}", content=b" " * ABOVE_MAX_BODY_SIZE)
    assert response.status_code == 413
    official().check_error(response)


@pytest.mark.parametrize("item", ["1", '""', '"ab"', "[]", '{"a":1}', "\n"])
async def test_large_body_that_is_not_mostly_text_gets_413(api: Api, item: str) -> None:
    """Parsed, it would take 25 times as much memory."""
    content = f"[{','.join([item] * (5_000_000 // (len(item) + 1)))}]"
    response = await api.request("POST", "/users", content=content, headers=JSON)
    assert response.status_code == 413
    official().check_error(response)


async def test_unhandled_exception_gets_500_without_its_message(
    failing: Api,
) -> None:
    response = await failing.outside("GET", "/api/failing")
    assert response.status_code == 500
    official().check_error(response)
    assert "password" not in response.text


async def test_missing_token_gets_401(api: Api) -> None:
    response = await api.get("/user")
    assert response.status_code == 401
    assert response.json() == {"errors": {"token": ["is missing"]}}


async def test_login_does_not_distinguish_unknown_email_and_wrong_password(api: Api) -> None:
    await api.as_user("jake").token()
    unknown = await api.post("/users/login", LOG_IN.body(email="nobody@example.com"))
    wrong = await api.post("/users/login", LOG_IN.body(password="wrong horse battery"))
    assert unknown.status_code == wrong.status_code == 401
    assert unknown.json() == wrong.json() == {"errors": {"credentials": ["invalid"]}}
    assert set(unknown.headers) == set(wrong.headers)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_another_users_article_gets_403(api: Api, article: Json, method: str) -> None:
    path = f"/articles/{article['slug']}"
    response = await api.as_user("anna").request(method, path, json=PUBLISH.body())
    assert response.status_code == 403
    assert response.json() == {"errors": {"article": ["forbidden"]}}
    assert (await api.get(path)).json()["article"] == article


async def test_another_users_comment_gets_403(api: Api, article: Json) -> None:
    comment = await api.as_user("anna").comment(article)
    path = f"/articles/{article['slug']}/comments"
    response = await api.as_user("jake").delete(f"{path}/{comment['id']}")
    assert response.status_code == 403
    assert response.json() == {"errors": {"comment": ["forbidden"]}}
    assert (await api.get(path)).json()["comments"] == [comment]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", PUBLISH.body()),
        ("DELETE", "", None),
        ("POST", "/favorite", None),
        ("DELETE", "/favorite", None),
        ("GET", "/comments", None),
        ("POST", "/comments", COMMENT.body()),
        ("DELETE", "/comments/1", None),
    ],
)
async def test_unknown_slug_gets_404(api: Api, method: str, path: str, body: Json | None) -> None:
    response = await api.as_user("jake").request(method, f"/articles/unknown{path}", json=body)
    assert response.status_code == 404
    assert response.json() == {"errors": {"article": ["not found"]}}


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/follow"), ("DELETE", "/follow")])
async def test_unknown_username_gets_404(api: Api, method: str, path: str) -> None:
    response = await api.as_user("jake").request(method, f"/profiles/nobody{path}")
    assert response.status_code == 404
    assert response.json() == {"errors": {"profile": ["not found"]}}


async def test_unknown_comment_id_gets_404(api: Api, article: Json) -> None:
    response = await api.as_user("jake").delete(f"/articles/{article['slug']}/comments/1000")
    assert response.status_code == 404
    assert response.json() == {"errors": {"comment": ["not found"]}}


@pytest.mark.parametrize(("method", "path"), [("POST", "/users"), ("PUT", "/user")])
@pytest.mark.parametrize(
    ("taken", "fields"),
    [
        ({"username": "jake"}, ["username"]),
        ({"email": "jake@example.com"}, ["email"]),
        ({"username": "jake", "email": "jake@example.com"}, ["username", "email"]),
        # Two accounts conflict, each with one of the two.
        ({"username": "jake", "email": "lena@example.com"}, ["username", "email"]),
    ],
    ids=["username", "email", "both", "both of two"],
)
async def test_taken_username_or_email_gets_409(
    api: Api, method: str, path: str, taken: Json, fields: list[str]
) -> None:
    for name in ("jake", "lena"):
        await api.as_user(name).token()
    body = {"user": {"username": "new", "email": "new@example.com", "password": PASSWORD} | taken}
    response = await api.as_user("anna").request(method, path, json=body)
    assert response.status_code == 409
    assert response.json() == {"errors": {field: ["has already been taken"] for field in fields}}


async def test_blank_required_string_gets_422_by_field(api: Api) -> None:
    response = await api.as_user("jake").post("/articles", PUBLISH.body(title=" "))
    assert response.status_code == 422
    assert response.json() == {"errors": {"title": ["can't be blank"]}}


async def test_all_blank_fields_are_reported_together(api: Api) -> None:
    response = await api.post("/users", REGISTER.body(username="", email=" ", password=""))
    assert response.status_code == 422
    assert response.json() == {
        "errors": {key: ["can't be blank"] for key in ["username", "email", "password"]},
    }


@pytest.mark.parametrize(
    ("field", "value"), [("email", "jake at example"), ("password", "hunter2"), ("password", "p" * 257)]
)
async def test_invalid_field_gets_422_without_its_value(api: Api, field: str, value: str) -> None:
    response = await api.post("/users", REGISTER.body(**{field: value}))
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {field}
    assert value not in response.text


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_malformed_json_gets_422(api: Api, article: Json, write: Write) -> None:
    response = await write.send_raw(api, b"{", article["slug"])
    assert response.status_code == 422
    assert response.json() == {"errors": {"body": ["is not valid JSON"]}}


@pytest.mark.parametrize(
    "content",
    [b"{'user': 1}", b'{"user": NaN}', b"{} {}", b'{"user": "\xff"}', b"[" * 50_000, b"user=1"],
    ids=["quotes", "NaN", "two values", "not UTF-8", "deep", "form"],
)
async def test_json_outside_rfc_8259_is_malformed(api: Api, content: bytes) -> None:
    response = await api.request("POST", "/users", content=content, headers=JSON)
    assert response.status_code == 422
    assert response.json() == {"errors": {"body": ["is not valid JSON"]}}


@pytest.mark.parametrize(("write", "field"), [(write, field) for write in WRITES for field in write.texts])
async def test_lone_surrogate_gets_422(api: Api, article: Json, write: Write, field: str) -> None:
    body = write.body(**{field: "LONE"})
    # Valid JSON (RFC 8259, 8.2), but no database can store the string.
    content = json.dumps(body).encode().replace(b"LONE", rb"long enough \ud800")
    response = await write.send_raw(api, content, article["slug"])
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {field}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/user", UPDATE_USER.body(email="")),
        ("POST", "/articles", PUBLISH.body(title="")),
        ("PUT", "/articles/unknown", PUBLISH.body(title="")),
        ("POST", "/articles/unknown/comments", COMMENT.body(body="")),
        ("DELETE", "/articles/unknown", None),
        ("POST", "/profiles/nobody/follow", None),
    ],
)
async def test_authentication_precedes_validation(
    api: Api, method: str, path: str, body: Json | None
) -> None:
    assert (await api.request(method, path, json=body)).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/articles/unknown", PUBLISH.body(title="")),
        ("POST", "/articles/unknown/comments", COMMENT.body(body="")),
    ],
)
async def test_invalid_body_for_an_unknown_article_gets_404_or_422(
    api: Api, method: str, path: str, body: Json
) -> None:
    assert (await api.as_user("jake").request(method, path, json=body)).status_code in (404, 422)


async def test_invalid_edit_of_another_users_article_gets_403_or_422(api: Api, article: Json) -> None:
    response = await api.as_user("anna").put(f"/articles/{article['slug']}", PUBLISH.body(title=""))
    assert response.status_code in (403, 422)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/user"), ("POST", "/articles")])
async def test_anonymous_malformed_json_gets_401_or_422(api: Api, method: str, path: str) -> None:
    response = await api.request(method, path, content=b"{", headers=JSON)
    assert response.status_code in (401, 422)


@pytest.mark.parametrize(("method", "path"), [("POST", "/users"), ("PUT", "/user")])
async def test_validation_precedes_conflict(api: Api, method: str, path: str) -> None:
    await api.as_user("jake").token()
    body = REGISTER.body(username="jake", password="")
    response = await api.as_user("anna").request(method, path, json=body)
    assert response.status_code == 422
    assert response.json() == {"errors": {"password": ["can't be blank"]}}


async def test_existence_of_a_comment_precedes_authorship(api: Api, article: Json) -> None:
    response = await api.as_user("anna").delete(f"/articles/{article['slug']}/comments/1000")
    assert response.status_code == 404
