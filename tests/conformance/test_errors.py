"""API.md, "Errors": one shape, a status and a body for each thing that can be wrong."""

import json

import pytest

from tests.client import PASSWORD, Api, Json
from tests.conformance.official_document import official
from tests.conformance.writes import COMMENT, LOG_IN, PUBLISH, REGISTER, UPDATE_USER, WRITES, Write

MORE_THAN_IS_READ = 1_048_576 + 1
JSON = {"Content-Type": "application/json"}


async def test_an_unknown_route_is_told_in_the_one_shape(api: Api) -> None:
    for path in ("/api/nowhere", "/nowhere", "/api", "/api/articles/dragons/nowhere"):
        response = await api.outside("GET", path)
        assert response.status_code == 404
        official().check_error(response)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/users"), ("PATCH", "/user"), ("POST", "/tags"), ("PUT", "/articles")]
)
async def test_a_wrong_method_is_told_in_the_one_shape(api: Api, method: str, path: str) -> None:
    response = await api.request(method, path)
    assert response.status_code == 405
    official().check_error(response)


@pytest.mark.parametrize("path", ["/users", "/tags", "/nowhere"])
async def test_a_body_too_large_is_told_in_the_one_shape(api: Api, path: str) -> None:
    response = await api.outside("POST", f"/api{path}", content=b" " * MORE_THAN_IS_READ)
    assert response.status_code == 413
    official().check_error(response)


async def test_an_unhandled_exception_is_told_in_the_one_shape_and_without_its_message(
    failing: Api,
) -> None:
    response = await failing.outside("GET", "/api/failing")
    assert response.status_code == 500
    official().check_error(response)
    assert "password" not in response.text


async def test_no_token_where_one_is_required_is_401(api: Api) -> None:
    response = await api.get("/user")
    assert response.status_code == 401
    assert response.json() == {"errors": {"token": ["is missing"]}}


async def test_a_bad_token_is_401(api: Api) -> None:
    response = await api.get("/user", headers={"Authorization": "Token bad"})
    assert response.status_code == 401
    assert response.json() == {"errors": {"token": ["is invalid"]}}


async def test_a_login_fails_the_same_way_for_an_unknown_e_mail_and_for_a_wrong_password(api: Api) -> None:
    await api.as_user("jake").token()
    unknown = await api.post("/users/login", LOG_IN.body(email="nobody@example.com"))
    wrong = await api.post("/users/login", LOG_IN.body(password="wrong horse battery"))
    assert unknown.status_code == wrong.status_code == 401
    assert unknown.json() == wrong.json() == {"errors": {"credentials": ["invalid"]}}
    assert set(unknown.headers) == set(wrong.headers)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_who_is_not_the_author_of_an_article_may_not_change_it(
    api: Api, article: Json, method: str
) -> None:
    path = f"/articles/{article['slug']}"
    response = await api.as_user("anna").request(method, path, json=PUBLISH.body())
    assert response.status_code == 403
    assert response.json() == {"errors": {"article": ["forbidden"]}}
    assert (await api.get(path)).json()["article"] == article


async def test_who_is_not_the_author_of_a_comment_may_not_delete_it(api: Api, article: Json) -> None:
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
async def test_an_unknown_slug_is_404(api: Api, method: str, path: str, body: Json | None) -> None:
    response = await api.as_user("jake").request(method, f"/articles/unknown{path}", json=body)
    assert response.status_code == 404
    assert response.json() == {"errors": {"article": ["not found"]}}


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/follow"), ("DELETE", "/follow")])
async def test_an_unknown_username_is_404(api: Api, method: str, path: str) -> None:
    response = await api.as_user("jake").request(method, f"/profiles/nobody{path}")
    assert response.status_code == 404
    assert response.json() == {"errors": {"profile": ["not found"]}}


async def test_an_unknown_comment_id_is_404(api: Api, article: Json) -> None:
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
        # Two accounts are in the way, each with one of the two.
        ({"username": "jake", "email": "lena@example.com"}, ["username", "email"]),
    ],
    ids=["username", "email", "both", "both of two"],
)
async def test_a_taken_username_or_e_mail_is_409(
    api: Api, method: str, path: str, taken: Json, fields: list[str]
) -> None:
    for name in ("jake", "lena"):
        await api.as_user(name).token()
    body = {"user": {"username": "new", "email": "new@example.com", "password": PASSWORD} | taken}
    response = await api.as_user("anna").request(method, path, json=body)
    assert response.status_code == 409
    assert response.json() == {"errors": {field: ["has already been taken"] for field in fields}}


async def test_a_blank_required_string_is_422_keyed_by_the_name_of_the_field_alone(api: Api) -> None:
    response = await api.as_user("jake").post("/articles", PUBLISH.body(title=" "))
    assert response.status_code == 422
    assert response.json() == {"errors": {"title": ["can't be blank"]}}


async def test_every_blank_field_is_told_at_once(api: Api) -> None:
    response = await api.post("/users", REGISTER.body(username="", email=" ", password=""))
    assert response.status_code == 422
    assert response.json() == {
        "errors": {key: ["can't be blank"] for key in ["username", "email", "password"]},
    }


@pytest.mark.parametrize(
    ("field", "value"), [("email", "jake at example"), ("password", "hunter2"), ("password", "p" * 257)]
)
async def test_any_other_invalid_field_is_422_keyed_by_the_field_without_its_value(
    api: Api, field: str, value: str
) -> None:
    response = await api.post("/users", REGISTER.body(**{field: value}))
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {field}
    assert value not in response.text


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_malformed_json_is_422(api: Api, article: Json, write: Write) -> None:
    response = await write.send_raw(api, b"{", article["slug"])
    assert response.status_code == 422
    assert response.json() == {"errors": {"body": ["is not valid JSON"]}}


@pytest.mark.parametrize(
    "content",
    [b"{'user': 1}", b'{"user": NaN}', b"{} {}", b'{"user": "\xff"}', b"[" * 50_000, b"user=1"],
    ids=["quotes", "NaN", "two values", "not UTF-8", "deep", "form"],
)
async def test_what_rfc_8259_does_not_allow_is_malformed_json(api: Api, content: bytes) -> None:
    response = await api.post("/users", content=content, headers=JSON)
    assert response.status_code == 422
    assert response.json() == {"errors": {"body": ["is not valid JSON"]}}


@pytest.mark.parametrize(("write", "field"), [(write, field) for write in WRITES for field in write.texts])
async def test_a_lone_surrogate_is_an_invalid_text(api: Api, article: Json, write: Write, field: str) -> None:
    body = write.body(**{field: "LONE"})
    # Valid JSON, as RFC 8259 (8.2) has it, of a string that no database can store.
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
async def test_who_asks_is_checked_before_what_is_asked(
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
async def test_an_invalid_body_for_what_does_not_exist_is_404_or_422(
    api: Api, method: str, path: str, body: Json
) -> None:
    assert (await api.as_user("jake").request(method, path, json=body)).status_code in (404, 422)


async def test_an_invalid_change_of_anothers_article_is_403_or_422(api: Api, article: Json) -> None:
    response = await api.as_user("anna").put(f"/articles/{article['slug']}", PUBLISH.body(title=""))
    assert response.status_code in (403, 422)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/user"), ("POST", "/articles")])
async def test_malformed_json_of_nobody_is_401_or_422(api: Api, method: str, path: str) -> None:
    response = await api.request(method, path, content=b"{", headers=JSON)
    assert response.status_code in (401, 422)


@pytest.mark.parametrize(("method", "path"), [("POST", "/users"), ("PUT", "/user")])
async def test_validity_is_checked_before_conflict(api: Api, method: str, path: str) -> None:
    await api.as_user("jake").token()
    body = REGISTER.body(username="jake", password="")
    response = await api.as_user("anna").request(method, path, json=body)
    assert response.status_code == 422
    assert response.json() == {"errors": {"password": ["can't be blank"]}}


async def test_whether_a_comment_exists_is_checked_before_whose_it_is(api: Api, article: Json) -> None:
    response = await api.as_user("anna").delete(f"/articles/{article['slug']}/comments/1000")
    assert response.status_code == 404
