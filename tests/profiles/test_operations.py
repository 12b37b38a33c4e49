"""The operations on profiles: anonymous, another user, owner."""

import httpx2
import pytest

from tests.client import Api, Json


@pytest.fixture
async def jake(api: Api) -> Json:
    """Return the profile of jake, who has one, as nobody in particular sees it."""
    picture = "https://example.com/jake.png"
    await api.as_user("jake").put("/user", {"user": {"bio": "I write.", "image": picture}})
    return {"username": "jake", "bio": "I write.", "image": picture, "following": False}


def profile(answer: httpx2.Response) -> Json:
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()["profile"]
    return found


def assert_needs_token(answer: httpx2.Response) -> None:
    assert answer.status_code == 401
    assert answer.json() == {"errors": {"token": ["is missing"]}}


def assert_nobody(answer: httpx2.Response) -> None:
    assert answer.status_code == 404
    assert answer.json() == {"errors": {"profile": ["not found"]}}


class TestProfile:
    async def test_anonymous_sees_it(self, api: Api, jake: Json) -> None:
        assert profile(await api.get("/profiles/jake")) == jake

    async def test_another_user_sees_whether_they_follow(self, api: Api, jake: Json) -> None:
        assert profile(await api.as_user("anna").get("/profiles/jake")) == jake
        await api.as_user("anna").follow("jake")
        assert profile(await api.as_user("anna").get("/profiles/jake")) == {**jake, "following": True}
        assert profile(await api.as_user("carl").get("/profiles/jake")) == jake
        assert profile(await api.get("/profiles/jake")) == jake

    async def test_the_owner_sees_their_own(self, api: Api, jake: Json) -> None:
        assert profile(await api.as_user("jake").get("/profiles/jake")) == jake

    async def test_the_name_is_found_in_whatever_case(self, api: Api, jake: Json) -> None:
        assert profile(await api.get("/profiles/JAKE")) == jake

    async def test_any_name_can_stand_in_the_url(self, api: Api) -> None:
        await api.as_user("жан-поль?&#%+é").token()
        answer = await api.get("/profiles/%D0%B6%D0%B0%D0%BD-%D0%BF%D0%BE%D0%BB%D1%8C%3F%26%23%25%2B%C3%A9")
        assert profile(answer)["username"] == "жан-поль?&#%+é"

    async def test_nobody_has_none(self, api: Api) -> None:
        assert_nobody(await api.get("/profiles/nobody"))

    async def test_a_bad_token_is_not_anonymous(self, api: Api, jake: Json) -> None:
        answer = await api.get(f"/profiles/{jake['username']}", headers={"Authorization": "Token bad"})
        assert answer.status_code == 401


class TestFollow:
    async def test_anonymous_must_say_who_they_are(self, api: Api, jake: Json) -> None:
        assert_needs_token(await api.post("/profiles/jake/follow"))
        assert profile(await api.get("/profiles/jake")) == jake

    async def test_another_user_follows(self, api: Api, jake: Json) -> None:
        answer = await api.as_user("anna").post("/profiles/jake/follow")
        assert profile(answer) == {**jake, "following": True}

    async def test_twice_is_once(self, api: Api, jake: Json) -> None:
        await api.as_user("anna").post("/profiles/jake/follow")
        again = await api.as_user("anna").post("/profiles/JAKE/follow")
        assert profile(again) == {**jake, "following": True}
        await api.as_user("anna").delete("/profiles/jake/follow")
        assert profile(await api.as_user("anna").get("/profiles/jake")) == jake

    async def test_the_owner_may_follow_themselves(self, api: Api, jake: Json) -> None:
        # The contract does not forbid it; one's own articles are in the feed then.
        answer = await api.as_user("jake").post("/profiles/jake/follow")
        assert profile(answer) == {**jake, "following": True}

    async def test_nobody_cannot_be_followed(self, api: Api) -> None:
        assert_nobody(await api.as_user("anna").post("/profiles/nobody/follow"))


class TestUnfollow:
    async def test_anonymous_must_say_who_they_are(self, api: Api, jake: Json) -> None:
        assert_needs_token(await api.delete(f"/profiles/{jake['username']}/follow"))

    async def test_another_user_stops_following(self, api: Api, jake: Json) -> None:
        await api.as_user("anna").follow("jake")
        await api.as_user("carl").follow("jake")
        assert profile(await api.as_user("anna").delete("/profiles/jake/follow")) == jake
        assert profile(await api.as_user("anna").get("/profiles/jake")) == jake
        assert profile(await api.as_user("carl").get("/profiles/jake"))["following"]

    async def test_one_who_does_not_follow_may_stop_all_the_same(self, api: Api, jake: Json) -> None:
        assert profile(await api.as_user("anna").delete("/profiles/jake/follow")) == jake

    async def test_nobody_cannot_be_unfollowed(self, api: Api) -> None:
        assert_nobody(await api.as_user("anna").delete("/profiles/nobody/follow"))
