"""API.md: the operations on profiles."""

import pytest

from tests.client import Api, Json


async def _following(api: Api, username: str) -> bool:
    """Return `following` of this user's profile."""
    following: bool = (await api.get(f"/profiles/{username}")).json()["profile"]["following"]
    return following


async def test_profile_shows_bio_and_image(api: Api) -> None:
    fields = {"bio": "I write.", "image": "https://example.com/jake.png"}
    await api.as_user("jake").put("/user", {"user": fields})
    response = await api.get("/profiles/jake")
    assert response.status_code == 200
    assert response.json() == {"profile": {"username": "jake", "following": False} | fields}


async def test_bio_and_image_default_to_null(api: Api) -> None:
    await api.as_user("jake").token()
    profile = (await api.get("/profiles/jake")).json()["profile"]
    assert profile == {"username": "jake", "bio": None, "image": None, "following": False}


@pytest.mark.parametrize("typed", ["AnnaLena", "annalena", "ANNALENA"])
async def test_usernames_match_case_insensitively(api: Api, typed: str) -> None:
    await api.as_user("AnnaLena").token()
    jake = api.as_user("jake")
    path = f"/profiles/{typed}"
    responses = [await jake.get(path), await jake.post(f"{path}/follow"), await jake.delete(f"{path}/follow")]
    assert [response.status_code for response in responses] == [200, 200, 200]
    assert {response.json()["profile"]["username"] for response in responses} == {"AnnaLena"}


async def test_non_ascii_usernames_match_case_insensitively(api: Api) -> None:
    await api.as_user("jake").put("/user", {"user": {"username": "Žofie"}})
    profile = (await api.get("/profiles/žofie")).json()["profile"]
    assert profile["username"] == "Žofie"


async def test_following_is_per_caller(api: Api) -> None:
    await api.as_user("anna").follow("jake")
    assert await _following(api.as_user("anna"), "jake")
    assert not await _following(api.as_user("lena"), "jake")
    assert not await _following(api.as_user("jake"), "anna")
    assert not await _following(api, "jake")


async def test_follow_is_idempotent_and_returns_the_profile(api: Api) -> None:
    await api.as_user("jake").token()
    for _ in range(2):
        response = await api.as_user("anna").post("/profiles/jake/follow")
        assert response.status_code == 200
        assert response.json()["profile"] == {
            "username": "jake",
            "bio": None,
            "image": None,
            "following": True,
        }
    await api.as_user("anna").delete("/profiles/jake/follow")
    assert not await _following(api.as_user("anna"), "jake")


async def test_unfollow_is_idempotent_and_returns_the_profile(api: Api) -> None:
    await api.as_user("anna").follow("jake")
    for _ in range(2):
        response = await api.as_user("anna").delete("/profiles/jake/follow")
        assert response.status_code == 200
        assert response.json()["profile"] == {
            "username": "jake",
            "bio": None,
            "image": None,
            "following": False,
        }
    assert not await _following(api.as_user("anna"), "jake")


async def test_unfollow_affects_only_the_caller(api: Api) -> None:
    await api.as_user("anna").follow("jake")
    await api.as_user("lena").follow("jake")
    await api.as_user("anna").delete("/profiles/jake/follow")
    assert await _following(api.as_user("lena"), "jake")


async def test_author_of_an_article_is_the_profile(api: Api, article: Json) -> None:
    assert article["author"] == (await api.get("/profiles/jake")).json()["profile"]
