"""API.md: the operations on users, and "Users" in what the OpenAPI document leaves open."""

import httpx2
import pytest

from tests.client import PASSWORD, Api, Json
from tests.conformance.tokens import forged, in_seconds
from tests.conformance.writes import LOG_IN, REGISTER

BIO_AND_IMAGE = {"bio": "I write.", "image": "https://example.com/jake.png"}


async def _username_of(api: Api, token: str) -> str | None:
    """Return the username of a token, or None if it is invalid."""
    response = await api.get("/user", headers={"Authorization": f"Token {token}"})
    username: str | None = response.json().get("user", {}).get("username")
    return username


async def _log_in(api: Api, email: str, password: str) -> httpx2.Response:
    return await api.post("/users/login", {"user": {"email": email, "password": password}})


async def test_registration_returns_201_with_the_user_and_a_token(api: Api) -> None:
    response = await api.post("/users", REGISTER.body())
    assert response.status_code == 201
    user = response.json()["user"]
    assert user == {
        "username": "anna",
        "email": "anna@example.com",
        "bio": None,
        "image": None,
        "token": user["token"],
    }
    assert await _username_of(api, user["token"]) == "anna"


async def test_login_returns_200_with_the_user_and_a_token(api: Api) -> None:
    await api.as_user("jake").put("/user", {"user": BIO_AND_IMAGE})
    response = await api.post("/users/login", LOG_IN.body())
    assert response.status_code == 200
    user = response.json()["user"]
    assert user == BIO_AND_IMAGE | {
        "username": "jake",
        "email": "jake@example.com",
        "token": user["token"],
    }
    assert await _username_of(api, user["token"]) == "jake"


@pytest.mark.parametrize("field", ["email", "password"])
async def test_login_with_a_blank_field_gets_422(api: Api, field: str) -> None:
    response = await api.post("/users/login", LOG_IN.body(**{field: ""}))
    assert response.status_code == 422
    assert response.json() == {"errors": {field: ["can't be blank"]}}


async def test_login_accepts_passwords_of_any_length(api: Api) -> None:
    await api.as_user("jake").token()
    for password in ("short", "p" * 1000):
        assert (await _log_in(api, "jake@example.com", password)).status_code == 401


async def test_current_user_is_returned(api: Api) -> None:
    response = await api.as_user("jake").get("/user")
    assert response.status_code == 200
    user = response.json()["user"]
    assert (user["username"], user["email"]) == ("jake", "jake@example.com")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "new@example.com"),
        ("username", "new"),
        ("password", "another horse battery"),
        ("bio", "I wrote."),
        ("image", "https://example.com/new.png"),
    ],
)
async def test_update_of_one_field_leaves_the_others(api: Api, field: str, value: str) -> None:
    before = {"username": "jake", "email": "jake@example.com", "password": PASSWORD} | BIO_AND_IMAGE
    await api.as_user("jake").put("/user", {"user": BIO_AND_IMAGE})
    response = await api.as_user("jake").put("/user", {"user": {field: value}})
    assert response.status_code == 200
    after = before | {field: value}
    updated = response.json()["user"]
    assert updated == {name: after[name] for name in updated if name != "token"} | {"token": updated["token"]}
    assert (await _log_in(api, after["email"], after["password"])).status_code == 200


async def test_update_of_all_fields(api: Api) -> None:
    new = {"username": "new", "email": "new@example.com", "password": "another horse"} | BIO_AND_IMAGE
    updated = (await api.as_user("jake").put("/user", {"user": new})).json()["user"]
    assert {name: updated[name] for name in new if name != "password"} == {
        name: value for name, value in new.items() if name != "password"
    }
    assert (await _log_in(api, "new@example.com", "another horse")).status_code == 200


async def test_own_username_and_email_are_no_conflict(api: Api) -> None:
    response = await api.as_user("jake").put(
        "/user", {"user": {"username": "JAKE", "email": "Jake@example.com"}}
    )
    assert response.status_code == 200
    user = response.json()["user"]
    assert (user["username"], user["email"]) == ("JAKE", "Jake@example.com")


async def test_bio_and_image_are_null_until_set(api: Api) -> None:
    user = (await api.as_user("jake").get("/user")).json()["user"]
    assert (user["bio"], user["image"]) == (None, None)
    user = (await api.as_user("jake").put("/user", {"user": BIO_AND_IMAGE})).json()["user"]
    assert {"bio": user["bio"], "image": user["image"]} == BIO_AND_IMAGE


@pytest.mark.parametrize(
    ("image", "stored"),
    [
        ('https://x/"onerror="alert(1)', "https://x/%22onerror=%22alert(1)"),
        ("/images/jake.png", "/images/jake.png"),
        ("data:image/jpeg;base64,/9j/", "data:image/jpeg;base64,/9j/"),
        ("data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=", None),
        ("javascript:alert(1)", None),
        ("data:text/html,<script>alert(1)</script>", None),
    ],
)
async def test_image_is_stored_as_a_safe_url_or_null(api: Api, image: str, stored: str | None) -> None:
    await api.as_user("jake").put("/user", {"user": BIO_AND_IMAGE})
    updated = await api.as_user("jake").put("/user", {"user": {"image": image}})
    assert (updated.status_code, updated.json()["user"]["image"]) == (200, stored)
    assert (await api.get("/profiles/jake")).json()["profile"]["image"] == stored


@pytest.mark.parametrize("username", ["victim\ufe0f", "vic\u034ftim", "victim\u2800", "\u3164", "a  b"])
async def test_username_with_characters_that_show_nothing_gets_422(api: Api, username: str) -> None:
    response = await api.post("/users", REGISTER.body(username=username))
    assert response.status_code == 422
    assert response.json()["errors"].keys() == {"username"}


async def test_username_may_have_single_spaces_inside(api: Api) -> None:
    response = await api.post("/users", REGISTER.body(username=" Anah Bene\u0161ov\u00e1 "))
    assert (response.status_code, response.json()["user"]["username"]) == (201, "Anah Bene\u0161ov\u00e1")
    # As clients send it, decomposed and in another case.
    profile = await api.get("/profiles/ANAH%20BENES%CC%8COVA%CC%81")
    assert profile.json()["profile"]["username"] == "Anah Bene\u0161ov\u00e1"


async def test_username_is_found_without_regard_to_characters_that_show_nothing(api: Api) -> None:
    await api.as_user("victim").publish("Dragons")
    for name in ("victim%EF%B8%8F", "VIC%CD%8FTIM", "%EF%BD%96ictim"):
        assert (await api.get(f"/profiles/{name}")).json()["profile"]["username"] == "victim"
        assert (await api.get(f"/articles?author={name}")).json()["articlesCount"] == 1


async def test_addresses_of_one_domain_are_one_address(api: Api) -> None:
    first, second = "anna@b\u00fccher.example.org", "Anna@xn--bcher-kva.example.org"
    registered = await api.post("/users", REGISTER.body(email=first))
    assert (registered.status_code, registered.json()["user"]["email"]) == (201, first)
    response = await api.post("/users", REGISTER.body(email=second, username="other"))
    assert (response.status_code, response.json()["errors"].keys()) == (409, {"email"})
    for email in (first, second):
        assert (await _log_in(api, email, REGISTER.body()["user"]["password"])).status_code == 200


@pytest.mark.parametrize("nothing", ["", None], ids=repr)
@pytest.mark.parametrize("field", ["bio", "image"])
async def test_empty_bio_or_image_becomes_null(api: Api, field: str, nothing: str | None) -> None:
    await api.as_user("jake").put("/user", {"user": BIO_AND_IMAGE})
    updated = await api.as_user("jake").put("/user", {"user": {field: nothing}})
    read = await api.as_user("jake").get("/user")
    for response in (updated, read):
        user = response.json()["user"]
        assert {name: user[name] for name in BIO_AND_IMAGE} == BIO_AND_IMAGE | {field: None}


@pytest.mark.parametrize("value", ["", "   ", None], ids=repr)
@pytest.mark.parametrize("field", ["email", "username", "password"])
async def test_update_with_a_null_or_blank_field_gets_422(api: Api, field: str, value: str | None) -> None:
    response = await api.as_user("jake").put("/user", {"user": {field: value, "bio": "Not kept."}})
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {field}
    user = (await api.as_user("jake").get("/user")).json()["user"]
    assert (user["username"], user["email"], user["bio"]) == ("jake", "jake@example.com", None)


@pytest.mark.parametrize(
    "password",
    ["12345678", "aaaaaaaa", "a b c d ", "пароль🐉🐉", "p" * 64, "p" * 256, "🐉" * 256],
    ids=["8 digits", "no composition", "spaces", "any Unicode", "64", "256", "256 beyond ASCII"],
)
async def test_password_of_8_to_256_characters_is_accepted(api: Api, password: str) -> None:
    assert (await api.post("/users", REGISTER.body(password=password))).status_code == 201
    assert (await _log_in(api, "anna@example.com", password)).status_code == 200
    other = f"{password[:-1]}X"
    assert (await _log_in(api, "anna@example.com", other)).status_code == 401


@pytest.mark.parametrize("password", ["1234567", "🐉" * 7, "p" * 257], ids=["7", "7 beyond ASCII", "257"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/users"), ("PUT", "/user")])
async def test_shorter_or_longer_password_gets_422(api: Api, method: str, path: str, password: str) -> None:
    response = await api.as_user("jake").request(method, path, json=REGISTER.body(password=password))
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {"password"}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"username": "Žofie"}, {"username": "žOFIE"}),
        ({"username": "Jake"}, {"username": "jAKE"}),
        ({"email": "Jake@Example.com"}, {"email": "jAKE@eXAMPLE.COM"}),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/users"), ("PUT", "/user")])
async def test_usernames_and_emails_are_unique_case_insensitively(
    api: Api, method: str, path: str, theirs: Json, ours: Json
) -> None:
    assert (await api.post("/users", REGISTER.body(**theirs))).status_code == 201
    body = {"user": {"username": "new", "email": "new@example.com", "password": PASSWORD} | ours}
    response = await api.as_user("lena").request(method, path, json=body)
    assert response.status_code == 409
    assert response.json() == {"errors": {key: ["has already been taken"] for key in ours}}


async def test_usernames_and_emails_keep_their_case(api: Api) -> None:
    await api.post("/users", REGISTER.body(username="AnnaLena", email="Anna.Lena@Example.com"))
    user = (await _log_in(api, "anna.lena@example.com", PASSWORD)).json()["user"]
    assert (user["username"], user["email"]) == ("AnnaLena", "Anna.Lena@Example.com")


async def test_login_matches_the_email_case_insensitively(api: Api) -> None:
    await api.as_user("jake").token()
    assert (await _log_in(api, "JAKE@Example.COM", PASSWORD)).status_code == 200


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PUT", {"user": {"bio": "I write."}})])
async def test_responses_contain_the_token_that_was_sent(api: Api, method: str, body: Json | None) -> None:
    about_to_expire = forged(await api.as_user("jake").token(), exp=in_seconds(60))
    headers = {"Authorization": f"Token {about_to_expire}"}
    response = await api.request(method, "/user", json=body, headers=headers)
    assert response.json()["user"]["token"] == about_to_expire


async def test_password_change_ends_every_other_session(api: Api) -> None:
    sent = await api.as_user("jake").token()
    other = (await _log_in(api, "jake@example.com", PASSWORD)).json()["user"]["token"]
    update = {"user": {"password": "another horse battery"}}
    new = (await api.as_user("jake").put("/user", update)).json()["user"]["token"]
    assert new != sent
    assert [await _username_of(api, token) for token in (other, sent, new)] == [None, "jake", "jake"]


async def test_password_change_replaces_the_password(api: Api) -> None:
    await api.as_user("jake").put("/user", {"user": {"password": "another horse battery"}})
    assert (await _log_in(api, "jake@example.com", PASSWORD)).status_code == 401
    assert (await _log_in(api, "jake@example.com", "another horse battery")).status_code == 200


async def test_other_changes_leave_older_tokens_valid(api: Api) -> None:
    older = await api.as_user("jake").token()
    await api.as_user("jake").put("/user", {"user": {"username": "new", "email": "new@example.com"}})
    assert await _username_of(api, older) == "new"


async def test_responses_contain_no_email_of_others_and_no_password(api: Api, article: Json) -> None:
    for path in ("/profiles/jake", f"/articles/{article['slug']}", "/articles"):
        assert "jake@example.com" not in (await api.as_user("anna").get(path)).text
    assert PASSWORD not in (await api.as_user("jake").get("/user")).text
