"""API.md: the operations on profiles."""

import pytest

from tests.client import Api, Json


async def _following(api: Api, username: str) -> bool:
    """Return whether the profile of this user says that the caller follows them."""
    following: bool = (await api.get(f"/profiles/{username}")).json()["profile"]["following"]
    return following


async def test_a_profile_shows_what_its_user_says(api: Api) -> None:
    said = {"bio": "I write.", "image": "https://example.com/jake.png"}
    await api.as_user("jake").put("/user", {"user": said})
    response = await api.get("/profiles/jake")
    assert response.status_code == 200
    assert response.json() == {"profile": {"username": "jake", "following": False} | said}


async def test_bio_and_image_of_a_profile_are_null_until_set(api: Api) -> None:
    await api.as_user("jake").token()
    profile = (await api.get("/profiles/jake")).json()["profile"]
    assert profile == {"username": "jake", "bio": None, "image": None, "following": False}


@pytest.mark.parametrize("typed", ["AnnaLena", "annalena", "ANNALENA"])
async def test_a_profile_is_found_without_regard_to_case_and_shown_as_typed(api: Api, typed: str) -> None:
    await api.as_user("AnnaLena").token()
    jake = api.as_user("jake")
    path = f"/profiles/{typed}"
    responses = [await jake.get(path), await jake.post(f"{path}/follow"), await jake.delete(f"{path}/follow")]
    assert [response.status_code for response in responses] == [200, 200, 200]
    assert {response.json()["profile"]["username"] for response in responses} == {"AnnaLena"}


async def test_a_profile_is_found_by_a_name_beyond_ascii(api: Api) -> None:
    await api.as_user("jake").put("/user", {"user": {"username": "Žofie"}})
    profile = (await api.get("/profiles/žofie")).json()["profile"]
    assert profile["username"] == "Žofie"


async def test_following_is_for_the_caller(api: Api) -> None:
    await api.as_user("anna").follow("jake")
    assert await _following(api.as_user("anna"), "jake")
    assert not await _following(api.as_user("lena"), "jake")
    assert not await _following(api.as_user("jake"), "anna")
    assert not await _following(api, "jake")


async def test_following_answers_200_with_the_profile_however_often(api: Api) -> None:
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


async def test_unfollowing_answers_200_with_the_profile_however_often(api: Api) -> None:
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


async def test_unfollowing_ends_nobody_elses_following(api: Api) -> None:
    await api.as_user("anna").follow("jake")
    await api.as_user("lena").follow("jake")
    await api.as_user("anna").delete("/profiles/jake/follow")
    assert await _following(api.as_user("lena"), "jake")


async def test_a_profile_is_an_author_too(api: Api, article: Json) -> None:
    assert article["author"] == (await api.get("/profiles/jake")).json()["profile"]
