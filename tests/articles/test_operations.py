"""The operations on articles, favorites and tags: anonymous, another user, owner."""

import httpx2
import pytest

from tests.client import Api, Json

NEW = {"title": "Dragons", "description": "On dragons", "body": "They fly.", "tagList": ["fire", "breath"]}


@pytest.fixture
async def dragons(api: Api) -> Json:
    """Return an article of jake's, as jake sees it."""
    return await api.as_user("jake").publish("Dragons", tags=["fire", "breath"])


def article(answer: httpx2.Response, status: int = 200) -> Json:
    assert answer.status_code == status, answer.text
    found: Json = answer.json()["article"]
    return found


def articles(answer: httpx2.Response) -> list[Json]:
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["articles"]
    return found


def slugs(answer: httpx2.Response) -> list[str]:
    return [found["slug"] for found in articles(answer)]


def in_list(whole: Json) -> Json:
    """Return an article as lists show it."""
    return {key: value for key, value in whole.items() if key != "body"}


def assert_error(answer: httpx2.Response, status: int, subject: str, problem: str) -> None:
    assert answer.status_code == status
    assert answer.json() == {"errors": {subject: [problem]}}


async def edit(api: Api, **changes: object) -> httpx2.Response:
    return await api.put("/articles/dragons", {"article": changes})


class TestPublish:
    async def test_anonymous_must_say_who_they_are(self, api: Api) -> None:
        assert_error(await api.post("/articles", {"article": NEW}), 401, "token", "is missing")
        assert articles(await api.get("/articles")) == []

    async def test_a_user_publishes_and_sees_the_article(self, api: Api) -> None:
        answer = await api.as_user("jake").post("/articles", {"article": NEW})
        new = article(answer, 201)
        created_at = new["createdAt"]
        assert new == {
            **NEW,
            "slug": "dragons",
            "createdAt": created_at,
            "updatedAt": created_at,
            "favorited": False,
            "favoritesCount": 0,
            "author": {"username": "jake", "bio": None, "image": None, "following": False},
        }

    async def test_tags_may_be_left_out(self, api: Api) -> None:
        without = {key: value for key, value in NEW.items() if key != "tagList"}
        answer = await api.as_user("jake").post("/articles", {"article": without})
        assert article(answer, 201)["tagList"] == []

    async def test_tags_keep_their_order_and_come_once(self, api: Api) -> None:
        new = {**NEW, "tagList": ["z", " a ", "z", "a"]}
        answer = await api.as_user("jake").post("/articles", {"article": new})
        assert article(answer, 201)["tagList"] == ["z", "a"]

    async def test_one_line_is_trimmed_and_the_body_is_not(self, api: Api) -> None:
        new = {**NEW, "title": " Dragons ", "description": " On dragons ", "body": "  They fly.\n"}
        found = article(await api.as_user("jake").post("/articles", {"article": new}), 201)
        assert (found["title"], found["description"]) == ("Dragons", "On dragons")
        assert found["body"] == "  They fly.\n"

    @pytest.mark.parametrize("title", ["🐉", "feed", "Feed", "日本語"])
    async def test_any_title_gets_a_slug_that_leads_to_the_article(self, api: Api, title: str) -> None:
        new = await api.as_user("jake").publish(title)
        assert article(await api.get(f"/articles/{new['slug']}"))["title"] == title

    async def test_every_field_that_is_wrong_is_named(self, api: Api) -> None:
        wrong = {"title": " ", "description": None, "tagList": ["ok", 5]}
        answer = await api.as_user("jake").post("/articles", {"article": wrong})
        assert answer.status_code == 422
        assert answer.json() == {
            "errors": {
                "title": ["can't be blank"],
                "description": ["can't be blank"],
                "body": ["can't be blank"],
                "tagList": ["must be a string"],
            }
        }

    async def test_too_many_tags_are_refused(self, api: Api) -> None:
        new = {**NEW, "tagList": [f"tag {number}" for number in range(31)]}
        answer = await api.as_user("jake").post("/articles", {"article": new})
        assert_error(answer, 422, "tagList", "has too many tags (at most 30)")


class TestArticle:
    async def test_anonymous_sees_it(self, api: Api, dragons: Json) -> None:
        assert article(await api.get("/articles/dragons")) == dragons

    async def test_another_user_sees_what_is_theirs(self, api: Api, dragons: Json) -> None:
        anna = api.as_user("anna")
        await anna.favorite(dragons)
        await anna.follow("jake")
        seen = article(await anna.get("/articles/dragons"))
        assert seen == {
            **dragons,
            "favorited": True,
            "favoritesCount": 1,
            "author": {**dragons["author"], "following": True},
        }

    async def test_the_author_sees_it(self, api: Api, dragons: Json) -> None:
        assert article(await api.as_user("jake").get("/articles/dragons")) == dragons

    async def test_what_does_not_exist_is_not_found(self, api: Api) -> None:
        assert_error(await api.get("/articles/unknown"), 404, "article", "not found")


class TestEdit:
    async def test_anonymous_must_say_who_they_are(self, api: Api, dragons: Json) -> None:
        assert_error(await edit(api, body="They swim."), 401, "token", "is missing")
        assert article(await api.get("/articles/dragons")) == dragons

    async def test_another_user_may_not(self, api: Api, dragons: Json) -> None:
        assert_error(await edit(api.as_user("anna"), body="They swim."), 403, "article", "forbidden")
        assert article(await api.get("/articles/dragons")) == dragons

    async def test_the_author_changes_what_is_sent_and_nothing_else(self, api: Api, dragons: Json) -> None:
        edited = article(await edit(api.as_user("jake"), body="They swim."))
        assert edited == {**dragons, "body": "They swim.", "updatedAt": edited["updatedAt"]}
        assert edited["updatedAt"] > dragons["updatedAt"]
        assert article(await api.get("/articles/dragons")) == edited

    async def test_a_new_title_moves_it_to_a_new_slug(self, api: Api, dragons: Json) -> None:
        assert article(await edit(api.as_user("jake"), title="Knights"))["slug"] == "knights"
        assert article(await api.get("/articles/knights"))["createdAt"] == dragons["createdAt"]
        assert_error(await api.get("/articles/dragons"), 404, "article", "not found")

    async def test_the_same_title_leaves_it_where_it_is(self, api: Api, dragons: Json) -> None:
        assert article(await edit(api.as_user("jake"), title=dragons["title"]))["slug"] == "dragons"

    @pytest.mark.parametrize(
        ("changes", "tag_list"),
        [({}, ["fire", "breath"]), ({"tagList": []}, []), ({"tagList": ["b", "a", "b"]}, ["b", "a"])],
    )
    async def test_tags_stay_or_go_or_change(
        self, api: Api, dragons: Json, changes: Json, tag_list: list[str]
    ) -> None:
        assert article(await edit(api.as_user("jake"), **changes))["tagList"] == tag_list
        assert article(await api.get(f"/articles/{dragons['slug']}"))["tagList"] == tag_list

    @pytest.mark.usefixtures("dragons")
    @pytest.mark.parametrize(
        ("field", "problem"),
        [
            ("title", "can't be blank"),
            ("description", "can't be blank"),
            ("body", "can't be blank"),
            ("tagList", "must be a list"),
        ],
    )
    async def test_nothing_may_be_null(self, api: Api, field: str, problem: str) -> None:
        assert_error(await edit(api.as_user("jake"), **{field: None}), 422, field, problem)

    async def test_what_does_not_exist_cannot_be_changed(self, api: Api) -> None:
        assert_error(await edit(api.as_user("jake"), body="They swim."), 404, "article", "not found")


class TestDelete:
    async def test_anonymous_must_say_who_they_are(self, api: Api, dragons: Json) -> None:
        assert_error(await api.delete("/articles/dragons"), 401, "token", "is missing")
        assert article(await api.get("/articles/dragons")) == dragons

    async def test_another_user_may_not(self, api: Api, dragons: Json) -> None:
        assert_error(await api.as_user("anna").delete("/articles/dragons"), 403, "article", "forbidden")
        assert article(await api.get("/articles/dragons")) == dragons

    @pytest.mark.usefixtures("dragons")
    async def test_the_author_deletes_it_with_all_that_hangs_on_it(self, api: Api) -> None:
        await api.as_user("anna").post("/articles/dragons/favorite")
        answer = await api.as_user("jake").delete("/articles/dragons")
        assert answer.status_code == 204
        assert answer.content == b""
        assert_error(await api.get("/articles/dragons"), 404, "article", "not found")
        assert articles(await api.get("/articles?favorited=anna")) == []
        assert (await api.get("/tags")).json() == {"tags": []}

    @pytest.mark.usefixtures("dragons")
    async def test_what_is_gone_cannot_be_deleted_again(self, api: Api) -> None:
        await api.as_user("jake").delete("/articles/dragons")
        assert_error(await api.as_user("jake").delete("/articles/dragons"), 404, "article", "not found")


class TestList:
    async def test_anonymous_sees_the_newest_first_and_without_bodies(self, api: Api, dragons: Json) -> None:
        knights = await api.as_user("anna").publish("Knights")
        answer = await api.get("/articles")
        assert answer.json() == {"articles": [in_list(knights), in_list(dragons)], "articlesCount": 2}

    async def test_another_user_sees_what_is_theirs(self, api: Api, dragons: Json) -> None:
        anna = api.as_user("anna")
        await anna.favorite(dragons)
        await anna.follow("jake")
        [seen] = articles(await anna.get("/articles"))
        assert (seen["favorited"], seen["favoritesCount"], seen["author"]["following"]) == (True, 1, True)

    async def test_the_author_sees_their_own_among_others(self, api: Api, dragons: Json) -> None:
        assert articles(await api.as_user("jake").get("/articles")) == [in_list(dragons)]

    @pytest.mark.usefixtures("dragons")
    async def test_filters_hold_together(self, api: Api) -> None:
        knights = await api.as_user("jake").publish("Knights", tags=["fire"])
        await api.as_user("anna").publish("Stoves", tags=["fire"])
        await api.as_user("anna").favorite(knights)
        assert slugs(await api.get("/articles?tag=fire")) == ["stoves", "knights", "dragons"]
        assert slugs(await api.get("/articles?tag=fire&author=JAKE")) == ["knights", "dragons"]
        assert slugs(await api.get("/articles?tag=fire&author=jake&favorited=Anna")) == ["knights"]

    @pytest.mark.usefixtures("dragons")
    @pytest.mark.parametrize("query", ["tag=unknown", "author=nobody", "favorited=nobody", "favorited=jake"])
    async def test_a_filter_that_nothing_meets_gives_an_empty_list(self, api: Api, query: str) -> None:
        answer = await api.as_user("jake").get(f"/articles?{query}")
        assert answer.json() == {"articles": [], "articlesCount": 0}

    async def test_limit_and_offset_choose_a_page_and_the_count_is_of_all(self, api: Api) -> None:
        for number in range(3):
            await api.as_user("jake").publish(f"Article {number}")
        answer = await api.get("/articles?limit=1&offset=1")
        assert slugs(answer) == ["article-1"]
        assert answer.json()["articlesCount"] == 3


class TestFeed:
    async def test_anonymous_must_say_who_they_are(self, api: Api) -> None:
        assert_error(await api.get("/articles/feed"), 401, "token", "is missing")

    async def test_a_follower_sees_those_whom_they_follow(self, api: Api, dragons: Json) -> None:
        await api.as_user("carl").publish("Knights")
        await api.as_user("anna").follow("jake")
        answer = await api.as_user("anna").get("/articles/feed")
        author = {**dragons["author"], "following": True}
        assert answer.json() == {"articles": [{**in_list(dragons), "author": author}], "articlesCount": 1}

    @pytest.mark.usefixtures("dragons")
    async def test_one_who_follows_nobody_sees_nothing(self, api: Api) -> None:
        answer = await api.as_user("anna").get("/articles/feed")
        assert answer.json() == {"articles": [], "articlesCount": 0}

    @pytest.mark.usefixtures("dragons")
    async def test_the_author_does_not_see_their_own(self, api: Api) -> None:
        assert articles(await api.as_user("jake").get("/articles/feed")) == []

    async def test_limit_and_offset_choose_a_page(self, api: Api) -> None:
        for number in range(3):
            await api.as_user("jake").publish(f"Article {number}")
        await api.as_user("anna").follow("jake")
        answer = await api.as_user("anna").get("/articles/feed?limit=1&offset=2")
        assert slugs(answer) == ["article-0"]
        assert answer.json()["articlesCount"] == 3


class TestFavorite:
    async def test_anonymous_must_say_who_they_are(self, api: Api, dragons: Json) -> None:
        assert_error(await api.post("/articles/dragons/favorite"), 401, "token", "is missing")
        assert article(await api.get("/articles/dragons")) == dragons

    async def test_another_user_favours_it_once(self, api: Api, dragons: Json) -> None:
        for _ in range(2):
            answer = await api.as_user("anna").post("/articles/dragons/favorite")
            assert article(answer) == {**dragons, "favorited": True, "favoritesCount": 1}
        assert slugs(await api.get("/articles?favorited=anna")) == ["dragons"]

    async def test_the_author_may_favour_their_own(self, api: Api, dragons: Json) -> None:
        answer = await api.as_user("jake").post("/articles/dragons/favorite")
        assert article(answer) == {**dragons, "favorited": True, "favoritesCount": 1}

    async def test_what_does_not_exist_cannot_be_favoured(self, api: Api) -> None:
        answer = await api.as_user("anna").post("/articles/unknown/favorite")
        assert_error(answer, 404, "article", "not found")


class TestUnfavorite:
    @pytest.mark.usefixtures("dragons")
    async def test_anonymous_must_say_who_they_are(self, api: Api) -> None:
        assert_error(await api.delete("/articles/dragons/favorite"), 401, "token", "is missing")

    async def test_another_user_takes_back_their_own_and_no_others(self, api: Api, dragons: Json) -> None:
        await api.as_user("anna").favorite(dragons)
        await api.as_user("carl").favorite(dragons)
        for _ in range(2):
            answer = await api.as_user("anna").delete("/articles/dragons/favorite")
            assert article(answer) == {**dragons, "favorited": False, "favoritesCount": 1}
        assert slugs(await api.get("/articles?favorited=anna")) == []
        assert slugs(await api.get("/articles?favorited=carl")) == ["dragons"]

    async def test_what_does_not_exist_cannot_be_favoured(self, api: Api) -> None:
        answer = await api.as_user("anna").delete("/articles/unknown/favorite")
        assert_error(answer, 404, "article", "not found")


class TestTags:
    async def test_anyone_sees_the_most_used_first(self, api: Api, dragons: Json) -> None:
        await api.as_user("anna").publish("Stoves", tags=["heat", *dragons["tagList"][:1]])
        assert (await api.get("/tags")).json() == {"tags": ["fire", "breath", "heat"]}

    async def test_without_articles_there_are_none(self, api: Api) -> None:
        assert (await api.get("/tags")).json() == {"tags": []}

    async def test_a_token_is_not_even_looked_at(self, api: Api) -> None:
        answer = await api.get("/tags", headers={"Authorization": "Token bad"})
        assert answer.status_code == 200
