"""If-Match (RFC 9110, 13.1.1): an article is changed only if it is as its author read it."""

import asyncio

import pytest

from tests.client import Api

EDIT = {"article": {"body": "They land."}}


@pytest.fixture
async def jake(api: Api) -> Api:
    """Return the API as jake, the author of an article."""
    jake = api.as_user("jake")
    await jake.publish("Dragons", tags=["ö", "a<b"])
    return jake


async def if_match(caller: Api, path: str = "/articles/dragons") -> dict[str, str]:
    """Return the precondition with the current ETag."""
    return {"If-Match": (await caller.get(path)).headers["ETag"]}


async def test_current_etag_allows_edit_and_deletion(jake: Api) -> None:
    edited = await jake.put("/articles/dragons", EDIT, headers=await if_match(jake))
    assert (edited.status_code, edited.json()["article"]["body"]) == (200, "They land.")
    assert (await jake.delete("/articles/dragons", headers=await if_match(jake))).status_code == 204


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_stale_etag_is_rejected(jake: Api, method: str) -> None:
    stale = await if_match(jake)
    await jake.put("/articles/dragons", {"article": {"body": "They burn."}})
    response = await jake.request(
        method, "/articles/dragons", headers=stale, json=EDIT if method == "PUT" else None
    )
    assert response.status_code == 412
    assert response.json() == {"errors": {"article": ["has been modified since you read it"]}}
    assert (await jake.get("/articles/dragons")).json()["article"]["body"] == "They burn."


async def test_favorite_of_another_user_makes_etag_stale(api: Api, jake: Api) -> None:
    stale = await if_match(jake)
    await api.as_user("anna").post("/articles/dragons/favorite")
    assert (await jake.put("/articles/dragons", EDIT, headers=stale)).status_code == 412


async def test_one_of_concurrent_edits_with_same_etag_succeeds(jake: Api) -> None:
    stale = await if_match(jake)
    responses = await asyncio.gather(
        *(
            jake.put("/articles/dragons", {"article": {"body": f"Version {number}"}}, headers=stale)
            for number in range(5)
        )
    )
    assert sorted(response.status_code for response in responses) == [200, 412, 412, 412, 412]


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("*", 200),
        ('"another", {tag}', 200),
        ('"another"', 412),
        ("W/{tag}", 412),
        ("", 412),
        ("nonsense", 412),
    ],
)
async def test_if_match_is_compared_strongly(jake: Api, value: str, status: int) -> None:
    headers = {"If-Match": value.replace("{tag}", (await if_match(jake))["If-Match"])}
    assert (await jake.put("/articles/dragons", EDIT, headers=headers)).status_code == status


async def test_if_match_may_span_several_headers(jake: Api) -> None:
    """RFC 9110, 5.3."""
    token = ("Authorization", f"Token {await jake.token()}")
    for order in (1, -1):
        etags = [(await if_match(jake))["If-Match"], '"another"'][::order]
        lines = [token, *(("If-Match", etag) for etag in etags)]
        response = await jake.outside("PUT", "/api/articles/dragons", headers=lines, json=EDIT)
        assert response.status_code == 200


async def test_access_is_checked_before_precondition(api: Api, jake: Api) -> None:
    anna = api.as_user("anna")
    response = await anna.put("/articles/dragons", EDIT, headers={"If-Match": '"another"'})
    assert response.status_code == 403
    assert (await jake.put("/articles/knights", EDIT, headers={"If-Match": "*"})).status_code == 404
