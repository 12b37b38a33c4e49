"""The operations on accounts: anonymous, another user, owner."""

import httpx2
import pytest

from tests.client import PASSWORD, Api, Json

NEW = {"username": "jake", "email": "jake@example.com", "password": PASSWORD}


async def register(api: Api, **changes: object) -> httpx2.Response:
    return await api.post("/users", {"user": {**NEW, **changes}})


async def log_in(api: Api, **changes: object) -> httpx2.Response:
    return await api.post("/users/login", {"user": {"email": NEW["email"], "password": PASSWORD, **changes}})


async def change(api: Api, **changes: object) -> httpx2.Response:
    return await api.put("/user", {"user": changes})


def user(answer: httpx2.Response) -> Json:
    found: Json = answer.json()["user"]
    return found


def without_token(answer: httpx2.Response) -> Json:
    return {key: value for key, value in user(answer).items() if key != "token"}


async def owner(api: Api, token: str) -> httpx2.Response:
    """Ask who the owner of a token is."""
    return await api.get("/user", headers={"Authorization": f"Token {token}"})


class TestRegister:
    async def test_anonymous_gets_an_account_and_its_token(self, api: Api) -> None:
        answer = await register(api)
        assert answer.status_code == 201
        assert without_token(answer) == {
            "username": "jake",
            "email": "jake@example.com",
            "bio": None,
            "image": None,
        }
        assert user(await owner(api, user(answer)["token"]))["username"] == "jake"

    async def test_a_token_that_came_along_changes_nothing(self, api: Api) -> None:
        anna = await api.as_user("anna").post("/users", {"user": NEW})
        assert anna.status_code == 201
        assert user(anna)["username"] == "jake"

    async def test_name_and_address_are_trimmed_and_the_password_is_not(self, api: Api) -> None:
        answer = await register(api, username=" jake ", email=" jake@example.com ", password=" spaces ")
        assert without_token(answer)["username"] == "jake"
        assert (await log_in(api, password=" spaces ")).status_code == 200
        assert (await log_in(api, password="spaces")).status_code == 401

    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"username": "JAKE", "email": "other@example.com"}, ["username"]),
            ({"username": "other", "email": "JAKE@example.com"}, ["email"]),
            ({}, ["email", "username"]),
        ],
    )
    async def test_what_is_taken_is_named(self, api: Api, changes: Json, fields: list[str]) -> None:
        await register(api)
        answer = await register(api, **changes)
        assert answer.status_code == 409
        assert answer.json() == {"errors": {field: ["has already been taken"] for field in fields}}

    async def test_every_field_that_is_wrong_is_named(self, api: Api) -> None:
        answer = await register(api, username=" ", email="jake", password="short")
        assert answer.status_code == 422
        assert answer.json() == {
            "errors": {
                "username": ["can't be blank"],
                "email": ["is not a valid e-mail address"],
                "password": ["is too short (at least 8 characters)"],
            }
        }


class TestLogin:
    async def test_anonymous_gets_a_token_for_address_and_password(self, api: Api) -> None:
        registered = await register(api)
        answer = await log_in(api)
        assert answer.status_code == 200
        assert without_token(answer) == without_token(registered)
        assert user(await owner(api, user(answer)["token"]))["username"] == "jake"

    async def test_the_case_of_the_address_does_not_matter_and_that_of_the_password_does(
        self, api: Api
    ) -> None:
        await register(api)
        assert (await log_in(api, email=" JAKE@example.com")).status_code == 200
        assert (await log_in(api, password=PASSWORD.upper())).status_code == 401

    @pytest.mark.parametrize("wrong", [{"email": "nobody@example.com"}, {"password": "wrong horse battery"}])
    async def test_what_is_wrong_is_not_told(self, api: Api, wrong: Json) -> None:
        await register(api)
        answer = await log_in(api, **wrong)
        assert answer.status_code == 401
        assert answer.json() == {"errors": {"credentials": ["invalid"]}}

    @pytest.mark.parametrize("field", ["email", "password"])
    @pytest.mark.parametrize("value", ["", " ", None])
    async def test_neither_may_be_blank(self, api: Api, field: str, value: str | None) -> None:
        answer = await log_in(api, **{field: value})
        assert answer.status_code == 422
        assert answer.json() == {"errors": {field: ["can't be blank"]}}

    @pytest.mark.parametrize("field", ["email", "password"])
    async def test_text_that_no_credentials_can_have_is_not_even_tried(self, api: Api, field: str) -> None:
        # Comparing accents takes the square of the length: a second for 40,000, on the event loop.
        answer = await log_in(api, **{field: "a" + "\u0315\u0300" * 20_000})
        assert answer.status_code == 422
        assert answer.json() == {"errors": {field: ["is too long (at most 1024 characters)"]}}


class TestCurrentUser:
    async def test_anonymous_must_say_who_they_are(self, api: Api) -> None:
        answer = await api.get("/user")
        assert answer.status_code == 401
        assert answer.json() == {"errors": {"token": ["is missing"]}}

    async def test_the_owner_sees_the_account_with_a_token_that_is_good(self, api: Api) -> None:
        answer = await api.as_user("jake").get("/user")
        assert answer.status_code == 200
        assert without_token(answer)["email"] == "jake@example.com"
        assert (await owner(api, user(answer)["token"])).status_code == 200

    async def test_everybody_sees_their_own(self, api: Api) -> None:
        await api.as_user("jake").token()
        assert user(await api.as_user("anna").get("/user"))["username"] == "anna"


class TestUpdateUser:
    async def test_anonymous_must_say_who_they_are(self, api: Api) -> None:
        answer = await change(api, bio="I write.")
        assert answer.status_code == 401
        assert answer.json() == {"errors": {"token": ["is missing"]}}

    async def test_the_owner_changes_what_is_sent_and_nothing_else(self, api: Api) -> None:
        before = await api.as_user("jake").get("/user")
        answer = await change(api.as_user("jake"), bio="I write.")
        assert answer.status_code == 200
        assert without_token(answer) == {**without_token(before), "bio": "I write."}
        assert without_token(await api.as_user("jake").get("/user")) == without_token(answer)

    async def test_the_owner_may_change_everything(self, api: Api) -> None:
        everything = {
            "username": "Jakob",
            "email": "jakob@example.com",
            "bio": "I write.",
            "image": "https://example.com/jakob.png",
        }
        answer = await change(api.as_user("jake"), **everything, password="a newer password")
        assert without_token(answer) == everything
        login = await log_in(api, email="jakob@example.com", password="a newer password")
        assert without_token(login) == everything

    async def test_nobody_else_is_changed(self, api: Api) -> None:
        anna = await api.as_user("anna").get("/user")
        await change(api.as_user("jake"), bio="I write.")
        assert without_token(await api.as_user("anna").get("/user")) == without_token(anna)

    @pytest.mark.parametrize("field", ["bio", "image"])
    @pytest.mark.parametrize("nothing", ["", None])
    async def test_bio_and_image_can_be_removed(self, api: Api, field: str, nothing: str | None) -> None:
        jake = api.as_user("jake")
        await change(jake, bio="I write.", image="https://example.com/jake.png")
        answer = await change(jake, **{field: nothing})
        assert user(answer)[field] is None

    @pytest.mark.parametrize("field", ["email", "username", "password"])
    @pytest.mark.parametrize("nothing", ["", " ", None])
    async def test_the_others_cannot(self, api: Api, field: str, nothing: str | None) -> None:
        answer = await change(api.as_user("jake"), **{field: nothing})
        assert answer.status_code == 422
        assert answer.json() == {"errors": {field: ["can't be blank"]}}

    async def test_what_another_user_has_is_taken(self, api: Api) -> None:
        await api.as_user("anna").token()
        answer = await change(api.as_user("jake"), username="ANNA", email="anna@example.com")
        assert answer.status_code == 409
        assert list(answer.json()["errors"]) == ["email", "username"]

    async def test_what_one_has_oneself_is_not(self, api: Api) -> None:
        answer = await change(api.as_user("jake"), username="Jake", email="JAKE@example.com")
        assert answer.status_code == 200
        assert (user(answer)["username"], user(answer)["email"]) == ("Jake", "JAKE@example.com")

    async def test_a_new_password_ends_older_tokens_and_comes_with_a_new_one(self, api: Api) -> None:
        old = await api.as_user("jake").token()
        answer = await change(api.as_user("jake"), password="a newer password")
        assert (await owner(api, old)).status_code == 401
        assert (await owner(api, user(answer)["token"])).status_code == 200

    async def test_any_other_change_leaves_older_tokens_good(self, api: Api) -> None:
        old = await api.as_user("jake").token()
        await change(api.as_user("jake"), username="jakob", email="jakob@example.com")
        assert user(await owner(api, old))["username"] == "jakob"


class TestLogOutEverywhere:
    async def test_anonymous_must_say_who_they_are(self, api: Api) -> None:
        assert (await api.post("/user/logout-all")).status_code == 401

    async def test_every_token_of_the_owner_is_ended_at_once_and_nobody_elses(self, api: Api) -> None:
        first = user(await register(api))["token"]
        second = user(await log_in(api))["token"]
        annas = await api.as_user("anna").token()
        answer = await api.post("/user/logout-all", headers={"Authorization": f"Token {first}"})
        assert (answer.status_code, answer.content) == (204, b"")
        assert [(await owner(api, token)).status_code for token in (first, second, annas)] == [401, 401, 200]

    async def test_logging_in_again_gives_a_token_that_is_good(self, api: Api) -> None:
        token = user(await register(api))["token"]
        await api.post("/user/logout-all", headers={"Authorization": f"Token {token}"})
        assert (await owner(api, user(await log_in(api))["token"])).status_code == 200
