"""If-Match (RFC 9110, 13.1.1): a change is made only to what its author has seen."""

import asyncio

import pytest

from tests.client import Api

EDIT = {"article": {"body": "They land."}}


@pytest.fixture
async def jake(api: Api) -> Api:
    """Return the API as the author of an article sees it."""
    jake = api.as_user("jake")
    await jake.publish("Dragons", tags=["ö", "a<b"])
    return jake


async def tag(caller: Api, path: str = "/articles/dragons") -> dict[str, str]:
    """Return the header that says what the caller has seen."""
    return {"If-Match": (await caller.get(path)).headers["ETag"]}


async def test_what_was_seen_may_be_changed_and_then_be_deleted(jake: Api) -> None:
    edited = await jake.put("/articles/dragons", EDIT, headers=await tag(jake))
    assert (edited.status_code, edited.json()["article"]["body"]) == (200, "They land.")
    assert (await jake.delete("/articles/dragons", headers=await tag(jake))).status_code == 204


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_what_has_changed_since_is_left_alone(jake: Api, method: str) -> None:
    seen = await tag(jake)
    await jake.put("/articles/dragons", {"article": {"body": "They burn."}})
    answer = await jake.request(
        method, "/articles/dragons", headers=seen, json=EDIT if method == "PUT" else None
    )
    assert answer.status_code == 412
    assert answer.json() == {"errors": {"article": ["has changed since"]}}
    assert (await jake.get("/articles/dragons")).json()["article"]["body"] == "They burn."


async def test_a_favourite_of_somebody_else_changes_it_too(api: Api, jake: Api) -> None:
    seen = await tag(jake)
    await api.as_user("anna").post("/articles/dragons/favorite")
    assert (await jake.put("/articles/dragons", EDIT, headers=seen)).status_code == 412


async def test_of_two_who_saw_the_same_one_changes_it(jake: Api) -> None:
    seen = await tag(jake)
    answers = await asyncio.gather(
        *(
            jake.put("/articles/dragons", {"article": {"body": f"Version {number}"}}, headers=seen)
            for number in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ("*", 200),
        ('"another", {tag}', 200),
        ('"another"', 412),
        ("W/{tag}", 412),
        ("", 412),
        ("nonsense", 412),
    ],
)
async def test_if_match_says_which_are_known(jake: Api, if_match: str, status: int) -> None:
    headers = {"If-Match": if_match.replace("{tag}", (await tag(jake))["If-Match"])}
    assert (await jake.put("/articles/dragons", EDIT, headers=headers)).status_code == status


async def test_several_lines_of_if_match_are_one_list(jake: Api) -> None:
    """RFC 9110, 5.3."""
    token = ("Authorization", f"Token {await jake.token()}")
    for order in (1, -1):
        tags = [(await tag(jake))["If-Match"], '"another"'][::order]
        lines = [token, *(("If-Match", one) for one in tags)]
        answer = await jake.outside("PUT", "/api/articles/dragons", headers=lines, json=EDIT)
        assert answer.status_code == 200


async def test_whoever_may_not_change_it_is_not_told_whether_it_changed(api: Api, jake: Api) -> None:
    anna = api.as_user("anna")
    answer = await anna.put("/articles/dragons", EDIT, headers={"If-Match": '"another"'})
    assert answer.status_code == 403
    assert (await jake.put("/articles/knights", EDIT, headers={"If-Match": "*"})).status_code == 404
