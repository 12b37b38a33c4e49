"""API.md, "Conventions": rules of all operations."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.client import PASSWORD, Api, Json
from tests.conformance.tokens import ANOTHER_SECRET, forged, in_seconds
from tests.conformance.writes import COMMENT, LOG_IN, PUBLISH, REGISTER, UPDATE_USER, WRITES, Write

BAD_HEADERS: Mapping[str, Callable[[str], str | bytes]] = {
    "unknown scheme": lambda token: f"Basic {token}",
    "no scheme": lambda token: token,
    "garbage": lambda _token: "Token garbage",
    "not ASCII": lambda _token: "Token ü".encode("latin-1"),
    "expired": lambda token: f"Token {forged(token, exp=in_seconds(-1))}",
    "wrong signature": lambda token: f"Token {forged(token, key=ANOTHER_SECRET)}",
    "wrong algorithm": lambda token: f"Token {forged(token, algorithm='HS512')}",
    "no algorithm": lambda token: f"Token {forged(token, key='', algorithm='none')}",
    "not yet valid": lambda token: f"Token {forged(token, nbf=in_seconds(60))}",
    "another issuer": lambda token: f"Token {forged(token, iss='another')}",
    "another audience": lambda token: f"Token {forged(token, aud='another')}",
    "another kind": lambda token: f"Token {forged(token, kind='JWT')}",
    "truncated": lambda token: f"Token {token[:-1]}",
    "two schemes": lambda token: f"Token Token {token}",
    "two tokens": lambda token: f"Token {token} {token}",
    "two headers in one": lambda token: f"Token {token}, Token {token}",
    "a megabyte": lambda token: f"Token {token}{'x' * 1_048_576}",
    "deleted user": lambda token: f"Token {forged(token, sub='1000000')}",
}

WRITTEN_TEXTS = [(write, field) for write in WRITES for field in write.texts]
WRITTEN_TEXT_NAMES = [f"{write} {field}" for write, field in WRITTEN_TEXTS]


async def test_base_path_is_api(api: Api) -> None:
    assert (await api.outside("GET", "/api/tags")).status_code == 200
    assert (await api.outside("GET", "/tags")).status_code == 404


@pytest.mark.parametrize("path", ["//api/tags", "/api//tags", "///api///tags"])
async def test_repeated_slashes_are_one(api: Api, path: str) -> None:
    repeated, once = [await api.outside("GET", f"http://conduit.test{each}") for each in (path, "/api/tags")]
    assert (repeated.status_code, repeated.content) == (200, once.content)
    assert repeated.headers["Vary"] == once.headers["Vary"]


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"]
)
async def test_json_requests_are_accepted(api: Api, kind: str) -> None:
    body = b'{"user": {"username": "anna", "email": "anna@example.com", "password": "eight or more"}}'
    response = await api.post("/users", content=body, headers={"Content-Type": kind})
    assert response.status_code == 201


async def test_responses_are_json_in_utf_8(api: Api) -> None:
    response = await api.as_user("jake").put("/user", {"user": {"bio": "Žofie 🐉"}})
    assert response.headers["Content-Type"] == "application/json"
    assert "Žofie 🐉".encode() in response.content or rb"\ud83d\udc09" in response.content
    assert response.json()["user"]["bio"] == "Žofie 🐉"


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/user", {"user"}),
        ("/profiles/jake", {"profile"}),
        ("/articles", {"articles", "articlesCount"}),
        ("/articles/feed", {"articles", "articlesCount"}),
        ("/articles/{slug}", {"article"}),
        ("/articles/{slug}/comments", {"comments"}),
        ("/tags", {"tags"}),
        ("/nowhere", {"errors"}),
    ],
)
async def test_response_is_wrapped_in_its_key(api: Api, article: Json, path: str, keys: set[str]) -> None:
    response = await api.as_user("jake").get(path.format(slug=article["slug"]))
    assert set(response.json()) == keys


async def test_comment_is_wrapped_in_its_key(api: Api, article: Json) -> None:
    response = await COMMENT.send(api, COMMENT.body(), article["slug"])
    assert set(response.json()) == {"comment"}


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_unwrapped_body_gets_422(api: Api, article: Json, write: Write) -> None:
    wrong: tuple[object, ...] = ([], [write.fields], "text", 7, None)
    for body in ({}, write.fields, *wrong, *({write.key: value} for value in wrong)):
        response = await write.send(api, body, article["slug"])
        assert (body, response.status_code) == (body, 422)


async def test_names_on_the_wire_are_camel_case(api: Api, article: Json) -> None:
    names = {*article, *(await api.as_user("anna").comment(article)), *(await api.get("/articles")).json()}
    assert {"tagList", "createdAt", "updatedAt", "favoritesCount", "articlesCount"} <= names
    assert not [name for name in names if not re.fullmatch("[a-z]+([A-Z][a-z]+)*", name)]


async def test_timestamps_are_utc_with_fractional_seconds_and_z(api: Api) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # timestamps are truncated to milliseconds
    article = await api.as_user("jake").publish()
    comment = await api.as_user("jake").comment(article)
    after = datetime.now(UTC)
    for stamp in (article["createdAt"], article["updatedAt"], comment["createdAt"], comment["updatedAt"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", stamp)
        assert before <= datetime.fromisoformat(stamp) <= after


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token", "BEARER", "tOkEn"])
@pytest.mark.parametrize("path", ["/user", "/profiles/anna"])
async def test_both_schemes_are_accepted_case_insensitively(api: Api, scheme: str, path: str) -> None:
    await api.as_user("jake").follow("anna")
    token = await api.as_user("jake").token()
    response = await api.get(path, headers={"Authorization": f"{scheme} {token}"})
    assert response.status_code == 200
    assert response.json().get("profile", {"following": True})["following"]


FORGED_WITH_SHORT_KEY = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
READS_WITHOUT_TOKEN = ["/profiles/jake", "/articles", "/articles/dragons", "/articles/dragons/comments"]


@FORGED_WITH_SHORT_KEY
@pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
async def test_invalid_token_gets_401_where_one_is_required(
    api: Api, header: Callable[[str], str | bytes]
) -> None:
    token = await api.as_user("jake").token()
    response = await api.get("/user", headers={"Authorization": header(token)})
    assert response.status_code == 401
    assert response.json() == {"errors": {"token": ["is invalid"]}}


@FORGED_WITH_SHORT_KEY
@pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
async def test_invalid_token_counts_as_none_where_it_is_optional(
    api: Api, article: Json, header: Callable[[str], str | bytes]
) -> None:
    """Also when the caller's own responses are in the response cache."""
    jake = api.as_user("jake")
    await jake.favorite(article)
    await jake.comment(article)
    bad = {"Authorization": header(await jake.token())}
    for path in READS_WITHOUT_TOKEN:
        await jake.get(path)
        for _ in range(2):
            response, anonymous = await api.get(path, headers=bad), await api.get(path)
            assert (response.status_code, response.content) == (200, anonymous.content)
            assert response.headers["WWW-Authenticate"] == 'Token error="invalid_token"'
            assert response.headers["ETag"] == anonymous.headers["ETag"]
            assert "WWW-Authenticate" not in anonymous.headers
            assert "WWW-Authenticate" not in (await jake.get(path)).headers


@pytest.mark.parametrize("path", ["/profiles/nobody", "/articles/unknown", "/articles/unknown/comments"])
async def test_error_says_that_the_optional_token_is_invalid(api: Api, path: str) -> None:
    response = await api.get(path, headers={"Authorization": "Token garbage"})
    assert response.status_code == 404
    assert response.headers["WWW-Authenticate"] == 'Token error="invalid_token"'


async def test_not_modified_says_that_the_optional_token_is_invalid(api: Api, article: Json) -> None:
    path = f"/articles/{article['slug']}"
    etag = (await api.get(path)).headers["ETag"]
    response = await api.outside(
        "GET", f"/api{path}", headers={"Authorization": "Token garbage", "If-None-Match": etag}
    )
    assert response.status_code == 304
    assert response.headers["WWW-Authenticate"] == 'Token error="invalid_token"'


@pytest.mark.parametrize("header", ["Token", "Token "])
async def test_scheme_without_a_token_is_invalid(api: Api, article: Json, header: str) -> None:
    headers = {"Authorization": header}
    assert (await api.get("/user", headers=headers)).json() == {"errors": {"token": ["is invalid"]}}
    assert "WWW-Authenticate" in (await api.get(f"/articles/{article['slug']}", headers=headers)).headers


@pytest.mark.parametrize("header", ["", " "])
async def test_empty_authorization_is_none(api: Api, article: Json, header: str) -> None:
    empty = {"Authorization": header}
    required = await api.get("/user", headers=empty)
    assert (required.status_code, required.json()) == (401, {"errors": {"token": ["is missing"]}})
    optional = await api.get(f"/articles/{article['slug']}", headers=empty)
    assert optional.status_code == 200
    assert "WWW-Authenticate" not in optional.headers
    assert optional.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/users", REGISTER.body(), 201),
        ("POST", "/users/login", LOG_IN.body(), 200),
        ("GET", "/tags", None, 200),
    ],
)
async def test_public_operations_ignore_the_token(
    api: Api, method: str, path: str, body: Json | None, status: int
) -> None:
    await api.as_user("jake").token()
    response = await api.request(method, path, json=body, headers={"Authorization": "Token expired"})
    assert response.status_code == status


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_unknown_fields_in_a_body_are_ignored(api: Api, article: Json, write: Write) -> None:
    body = write.body(id=7, slug="mine", author={"username": "anna"}, favorited=True) | {"extra": [None]}
    response = await write.send(api, body, article["slug"])
    assert response.status_code in (200, 201)
    result = response.json()[write.key]
    assert result.get("slug") != "mine"
    assert result.get("author", {"username": "jake"})["username"] == "jake"
    assert not result.get("favorited", False)


@pytest.mark.parametrize(
    ("write", "field"),
    [(write, field) for write in WRITES for field in write.required],
    ids=[f"{write} {field}" for write in WRITES for field in write.required],
)
async def test_missing_required_field_gets_422(api: Api, article: Json, write: Write, field: str) -> None:
    fields = {name: value for name, value in write.fields.items() if name != field}
    response = await write.send(api, {write.key: fields}, article["slug"])
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {field}


@pytest.mark.parametrize(("write", "field"), WRITTEN_TEXTS, ids=WRITTEN_TEXT_NAMES)
async def test_text_field_of_another_type_gets_422(api: Api, article: Json, write: Write, field: str) -> None:
    for wrong in (None, 7, True, ["text"], {"text": "text"}):
        response = await write.send(api, write.body(**{field: wrong}), article["slug"])
        assert (wrong, response.status_code) == (wrong, 422)
        assert set(response.json()["errors"]) == {field}


@pytest.mark.parametrize(("write", "field"), WRITTEN_TEXTS, ids=WRITTEN_TEXT_NAMES)
async def test_blank_text_gets_422(api: Api, article: Json, write: Write, field: str) -> None:
    for blank in ("", " ", "        ", "\t\r\n", "\u3000"):
        response = await write.send(api, write.body(**{field: blank}), article["slug"])
        assert response.status_code == 422
        assert response.json() == {"errors": {field: ["can't be blank"]}}


@pytest.mark.parametrize("tags", ["dragons", 7, {"dragons": 1}, [7], [None], [["dragons"]], [" "]], ids=repr)
@pytest.mark.parametrize(("method", "path"), [("POST", "/articles"), ("PUT", "/articles/{slug}")])
async def test_invalid_tag_list_gets_422(
    api: Api, article: Json, method: str, path: str, tags: object
) -> None:
    body = PUBLISH.body(tagList=tags)
    response = await api.as_user("jake").request(method, path.format(slug=article["slug"]), json=body)
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {"tagList"}


@pytest.mark.parametrize(("field", "value"), [("bio", 7), ("bio", ["text"]), ("image", 7), ("image", True)])
async def test_bio_or_image_of_another_type_gets_422(api: Api, field: str, value: object) -> None:
    response = await api.as_user("jake").put("/user", UPDATE_USER.body(**{field: value}))
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {field}


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_usernames_and_emails_are_trimmed(api: Api, method: str) -> None:
    typed = {"username": " \tanna ", "email": " anna@example.com\n", "password": PASSWORD}
    path = {"POST": "/users", "PUT": "/user"}[method]
    response = await api.as_user("jake").request(method, path, json={"user": typed})
    result = response.json()["user"]
    assert (result["username"], result["email"]) == ("anna", "anna@example.com")


async def test_email_of_a_login_is_trimmed(api: Api, article: Json) -> None:
    response = await LOG_IN.send(api, LOG_IN.body(email=" jake@example.com "), article["slug"])
    assert response.status_code == 200


@pytest.mark.parametrize(("method", "path"), [("POST", "/articles"), ("PUT", "/articles/{slug}")])
async def test_titles_descriptions_and_tags_are_trimmed(
    api: Api, article: Json, method: str, path: str
) -> None:
    typed = {"title": " Knights\n", "description": "\tOn knights ", "body": "x", "tagList": [" knights "]}
    path = path.format(slug=article["slug"])
    result = (await api.as_user("jake").request(method, path, json={"article": typed})).json()["article"]
    assert (result["title"], result["description"], result["tagList"]) == (
        "Knights",
        "On knights",
        ["knights"],
    )


async def test_bodies_are_not_trimmed(api: Api) -> None:
    article = await api.as_user("jake").publish(body=" \tThey fly. \n")
    comment = await api.as_user("jake").comment(article, "\n  Nice ")
    assert article["body"] == " \tThey fly. \n"
    assert comment["body"] == "\n  Nice "


async def test_bios_are_not_trimmed(api: Api) -> None:
    response = await api.as_user("jake").put("/user", {"user": {"bio": "  I write.\n"}})
    assert response.json()["user"]["bio"] == "  I write.\n"


async def test_passwords_are_not_trimmed(api: Api) -> None:
    await api.post("/users", REGISTER.body(password="  eight or more "))

    async def log_in(password: str) -> httpx2.Response:
        return await api.post("/users/login", LOG_IN.body(email="anna@example.com", password=password))

    assert (await log_in("  eight or more ")).status_code == 200
    assert (await log_in("eight or more")).status_code == 401


async def test_creation_returns_201_deletion_204_and_others_200(api: Api) -> None:
    jake = api.as_user("jake")
    created = await jake.post("/articles", PUBLISH.body())
    path = f"/articles/{created.json()['article']['slug']}"
    commented = await jake.post(f"{path}/comments", COMMENT.body())
    comment: dict[str, Any] = commented.json()["comment"]
    updated = await jake.put(path, {"article": {"body": "They ride."}})
    uncommented = await jake.delete(f"{path}/comments/{comment['id']}")
    deleted = await jake.delete(path)
    responses = [created, commented, updated, uncommented, deleted]
    assert [response.status_code for response in responses] == [201, 201, 200, 204, 204]
    assert (uncommented.content, deleted.content) == (b"", b"")
