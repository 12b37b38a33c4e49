"""The operations on comments: anonymous, another user, owner."""

import httpx2
import pytest

from tests.client import Api, Json
from tests.comments.upstream_fakes import UpstreamFakes

DRAGONS: Json = {"slug": "dragons"}
PATH = "/articles/dragons/comments"
NEW = {"comment": {"body": "Nice"}}


@pytest.fixture
async def comment(api: Api) -> Json:
    """Return a comment of anna's on an article of jake's."""
    return await api.as_user("anna").comment(DRAGONS)


def comments(answer: httpx2.Response) -> list[Json]:
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["comments"]
    return found


def assert_error(answer: httpx2.Response, status: int, subject: str, problem: str) -> None:
    assert answer.status_code == status
    assert answer.json() == {"errors": {subject: [problem]}}


class TestSay:
    async def test_anonymous_must_say_who_they_are(self, api: Api) -> None:
        assert_error(await api.post(PATH, NEW), 401, "token", "is missing")
        assert comments(await api.get(PATH)) == []

    async def test_another_user_comments_and_sees_the_comment(self, api: Api) -> None:
        answer = await api.as_user("anna").post(PATH, NEW)
        assert answer.status_code == 201
        new = answer.json()["comment"]
        assert isinstance(new["id"], int)
        assert new == {
            "id": new["id"],
            "createdAt": new["createdAt"],
            "updatedAt": new["createdAt"],
            "body": "Nice",
            "author": {"username": "anna", "bio": None, "image": None, "following": False},
        }

    async def test_the_articles_author_comments_too(self, api: Api) -> None:
        answer = await api.as_user("jake").post(PATH, NEW)
        assert answer.json()["comment"]["author"]["username"] == "jake"

    async def test_what_is_said_is_kept_as_it_was_typed(self, api: Api) -> None:
        answer = await api.as_user("anna").post(PATH, {"comment": {"body": "  Nice\n"}})
        assert answer.json()["comment"]["body"] == "  Nice\n"

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            ("", "can't be blank"),
            (" \n", "can't be blank"),
            (None, "can't be blank"),
            (5, "must be a string"),
        ],
    )
    async def test_a_comment_says_something(self, api: Api, body: object, problem: str) -> None:
        answer = await api.as_user("anna").post(PATH, {"comment": {"body": body}})
        assert_error(answer, 422, "body", problem)

    async def test_what_does_not_exist_cannot_be_commented_on(self, api: Api) -> None:
        answer = await api.as_user("anna").post("/articles/unknown/comments", NEW)
        assert_error(answer, 404, "article", "not found")


class TestComments:
    async def test_anonymous_sees_the_newest_first(self, api: Api, comment: Json) -> None:
        newer = await api.as_user("jake").comment(DRAGONS, "Thanks")
        assert comments(await api.get(PATH)) == [newer, comment]

    async def test_another_user_sees_whom_they_follow(
        self, api: Api, upstream: UpstreamFakes, comment: Json
    ) -> None:
        upstream.profiles.follow(upstream.users["carl"], upstream.users["anna"])
        [seen] = comments(await api.as_user("carl").get(PATH))
        assert seen == {**comment, "author": {**comment["author"], "following": True}}

    async def test_the_author_sees_their_own(self, api: Api, comment: Json) -> None:
        assert comments(await api.as_user("anna").get(PATH)) == [comment]

    async def test_what_does_not_exist_has_none(self, api: Api) -> None:
        assert_error(await api.get("/articles/unknown/comments"), 404, "article", "not found")


class TestTakeBack:
    async def test_anonymous_must_say_who_they_are(self, api: Api, comment: Json) -> None:
        assert_error(await api.delete(f"{PATH}/{comment['id']}"), 401, "token", "is missing")
        assert comments(await api.get(PATH)) == [comment]

    async def test_another_user_may_not_not_even_the_articles_author(self, api: Api, comment: Json) -> None:
        answer = await api.as_user("jake").delete(f"{PATH}/{comment['id']}")
        assert_error(answer, 403, "comment", "forbidden")
        assert comments(await api.get(PATH)) == [comment]

    async def test_the_author_deletes_it_once(self, api: Api, comment: Json) -> None:
        answer = await api.as_user("anna").delete(f"{PATH}/{comment['id']}")
        assert answer.status_code == 204
        assert answer.content == b""
        assert comments(await api.get(PATH)) == []
        again = await api.as_user("anna").delete(f"{PATH}/{comment['id']}")
        assert_error(again, 404, "comment", "not found")

    async def test_on_another_article_it_is_not_found(self, api: Api, comment: Json) -> None:
        answer = await api.as_user("anna").delete(f"/articles/knights/comments/{comment['id']}")
        assert_error(answer, 404, "comment", "not found")
        assert comments(await api.get(PATH)) == [comment]

    async def test_on_no_article_it_is_the_article_that_is_not_found(self, api: Api, comment: Json) -> None:
        answer = await api.as_user("anna").delete(f"/articles/unknown/comments/{comment['id']}")
        assert_error(answer, 404, "article", "not found")
