"""If-Match (RFC 9110, 13.1.1): an article is changed only if nobody has edited it since it was read."""

import asyncio

import pytest

from tests.client import Api, Json

EDIT = {"article": {"body": "They land."}}


@pytest.fixture
async def jake(api: Api) -> Api:
    """Return the API as jake, the author of an article."""
    jake = api.as_user("jake")
    await jake.publish("Dragons", tags=["ö", "a<b"])
    return jake


@pytest.fixture(params=["ETag", "updatedAt"])
def validator(request: pytest.FixtureRequest) -> str:
    """Return the name of the validator to send: the article's ETag, or its updatedAt."""
    name: str = request.param
    return name


async def if_match(caller: Api, validator: str) -> dict[str, str]:
    """Return the precondition that the article is as it is now."""
    response = await caller.get("/articles/dragons")
    if validator == "ETag":
        return {"If-Match": response.headers["ETag"]}
    return by_time(response.json()["article"])


def by_time(article: Json) -> dict[str, str]:
    """Return the precondition that the article has this updatedAt."""
    return {"If-Match": f'"{article["updatedAt"]}"'}


async def test_current_validator_allows_edit_and_deletion(jake: Api, validator: str) -> None:
    edited = await jake.put("/articles/dragons", EDIT, headers=await if_match(jake, validator))
    assert (edited.status_code, edited.json()["article"]["body"]) == (200, "They land.")
    deleted = await jake.delete("/articles/dragons", headers=await if_match(jake, validator))
    assert deleted.status_code == 204


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "edit", [{"title": "Dragons!"}, {"description": "On fire"}, {"body": "They burn."}, {"tagList": []}]
)
async def test_edit_makes_validator_stale(
    jake: Api, validator: str, method: str, edit: dict[str, object]
) -> None:
    stale = await if_match(jake, validator)
    article = (await jake.put("/articles/dragons", {"article": edit})).json()["article"]
    path = f"/articles/{article['slug']}"
    response = await jake.request(method, path, headers=stale, json=EDIT if method == "PUT" else None)
    assert response.status_code == 412
    assert response.json() == {"errors": {"article": ["has been modified since you read it"]}}
    assert (await jake.get(path)).json()["article"] == article


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_other_users_do_not_make_validator_stale(
    api: Api, jake: Api, validator: str, method: str
) -> None:
    """Favorites, comments and follows change what the author sees, and nothing that the author edits."""
    read = await if_match(jake, validator)
    anna = api.as_user("anna")
    article = await anna.favorite({"slug": "dragons"})
    await anna.comment(article)
    await anna.follow("jake")
    response = await jake.request(
        method, "/articles/dragons", headers=read, json=EDIT if method == "PUT" else None
    )
    assert response.is_success


async def test_favorite_of_another_user_changes_the_etag(api: Api, jake: Api) -> None:
    """Else a cache would show an old number of favorites."""
    etag = (await jake.get("/articles/dragons")).headers["ETag"]
    await api.as_user("anna").favorite({"slug": "dragons"})
    response = await jake.get("/articles/dragons", headers={"If-None-Match": etag})
    assert (response.status_code, response.headers["ETag"] == etag) == (200, False)


async def test_every_response_with_an_article_has_the_validator(api: Api, jake: Api) -> None:
    """An editor that stays open saves again without reading the article first."""
    article = await jake.publish("Dragons of today")
    path = f"/articles/{article['slug']}"
    for _ in range(2):
        response = await jake.put(path, EDIT, headers=by_time(article))
        assert response.status_code == 200
        article = response.json()["article"]
    listed = (await api.get("/articles?limit=1")).json()["articles"][0]
    favorited = await jake.favorite(article)
    assert by_time(listed) == by_time(favorited) == by_time(article)


async def test_article_published_under_a_deleted_ones_slug_does_not_match(jake: Api, validator: str) -> None:
    stale = await if_match(jake, validator)
    assert (await jake.delete("/articles/dragons")).status_code == 204
    await jake.publish("Dragons")
    assert (await jake.put("/articles/dragons", EDIT, headers=stale)).status_code == 412


async def test_one_of_concurrent_edits_with_same_validator_succeeds(jake: Api, validator: str) -> None:
    stale = await if_match(jake, validator)
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
        ("{text}", 412),
        ('"{text}', 412),
        ('"0{text}"', 412),
        ("", 412),
        ("nonsense", 412),
    ],
)
async def test_if_match_is_compared_strongly(jake: Api, validator: str, value: str, status: int) -> None:
    tag = (await if_match(jake, validator))["If-Match"]
    headers = {"If-Match": value.replace("{tag}", tag).replace("{text}", tag.strip('"'))}
    assert (await jake.put("/articles/dragons", EDIT, headers=headers)).status_code == status


async def test_if_match_may_span_several_headers(jake: Api, validator: str) -> None:
    """RFC 9110, 5.3."""
    token = ("Authorization", f"Token {await jake.token()}")
    for order in (1, -1):
        etags = [(await if_match(jake, validator))["If-Match"], '"another"'][::order]
        lines = [token, *(("If-Match", etag) for etag in etags)]
        response = await jake.outside("PUT", "/api/articles/dragons", headers=lines, json=EDIT)
        assert response.status_code == 200


async def test_access_is_checked_before_precondition(api: Api, jake: Api) -> None:
    anna = api.as_user("anna")
    response = await anna.put("/articles/dragons", EDIT, headers={"If-Match": '"another"'})
    assert response.status_code == 403
    assert (await jake.put("/articles/knights", EDIT, headers={"If-Match": "*"})).status_code == 404
