"""API.md: the operations on articles, and "Articles" in what the OpenAPI document leaves open."""

import json
import re
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from conduit_app.composition import Composition
from modules.articles.domain.values import MAX_TAGS, Body, Description, Tag, Title
from modules.articles.infrastructure.tables import FavoriteRow
from tests.client import Api, Json

LISTS = ["/articles", "/articles/feed"]
BAD_NUMBERS = ["-1", "", "abc", "1.5", "1e1", "1_0", "+1", " 1", "1 ", "٣", "0x1", "null"]
AUTHOR = {"username": "jake", "bio": None, "image": None, "following": False}


@pytest.mark.blocks_event_loop("a body of the maximum size is parsed at once")
@pytest.mark.parametrize("character", ["x", "\n", "文", "🐉"])
@pytest.mark.parametrize("escaped", [False, True], ids=["utf-8", "escaped"])
async def test_longest_article_is_accepted_however_encoded(api: Api, character: str, escaped: bool) -> None:
    """By a client that sends JSON as UTF-8, and by one that escapes all that is not ASCII."""
    article = {
        "title": character.strip() * Title.LENGTH.max or "Lines",
        "description": character.strip() * Description.LENGTH.max or "Only lines.",
        "body": "x" + character * (Body.LENGTH.max - 1),
        "tagList": [f"{number:02}{'文' * (Tag.LENGTH.max - 2)}" for number in range(MAX_TAGS)],
    }
    content = json.dumps({"article": article}, ensure_ascii=escaped).encode()
    response = await api.as_user("jake").request(
        "POST", "/articles", content=content, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 201, response.text[:200]
    assert (await _read(api, response.json()["article"]))["body"] == article["body"]


async def _titles(api: Api, path: str = "/articles", **query: object) -> list[str]:
    """Return the titles of a list."""
    return [article["title"] for article in (await _list(api, path, **query))["articles"]]


async def _list(api: Api, path: str = "/articles", **query: object) -> Json:
    response = await api.get(path, params=query)
    assert response.status_code == 200, response.text
    listed: Json = response.json()
    return listed


async def _read(api: Api, article: Json) -> Json:
    response = await api.get(f"/articles/{article['slug']}")
    assert response.status_code == 200, response.text
    read: Json = response.json()["article"]
    return read


async def _update(api: Api, article: Json, **changes: object) -> Json:
    """Update an article by jake and return it."""
    response = await api.as_user("jake").put(f"/articles/{article['slug']}", {"article": changes})
    assert response.status_code == 200, response.text
    updated: Json = response.json()["article"]
    return updated


def _without(article: Json, *names: str) -> Json:
    return {name: value for name, value in article.items() if name not in names}


async def test_publishing_returns_201_with_the_article(api: Api) -> None:
    written = {"title": "Dragons", "description": "On dragons", "body": "They fly.", "tagList": ["dragons"]}
    response = await api.as_user("jake").post("/articles", {"article": written})
    assert response.status_code == 201
    article = response.json()["article"]
    assert _without(article, "slug", "createdAt", "updatedAt") == written | {
        "favorited": False,
        "favoritesCount": 0,
        "author": AUTHOR,
    }
    assert article["createdAt"] == article["updatedAt"]
    assert await _read(api, article) == article


async def test_missing_tag_list_means_no_tags(api: Api) -> None:
    written = {"title": "Dragons", "description": "On dragons", "body": "They fly."}
    response = await api.as_user("jake").post("/articles", {"article": written})
    assert response.status_code == 201
    assert response.json()["article"]["tagList"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Knights"),
        ("description", "On knights"),
        ("body", "They ride."),
        ("tagList", ["knights", "horses"]),
    ],
)
async def test_update_of_one_field_leaves_the_others(
    api: Api, article: Json, field: str, value: object
) -> None:
    updated = await _update(api, article, **{field: value})
    assert _without(updated, "slug", "updatedAt") == _without(article, "slug", "updatedAt") | {field: value}
    assert await _read(api, updated) == updated


async def test_deleting_returns_204_and_deletes_the_article(api: Api, article: Json) -> None:
    await api.as_user("jake").publish("Knights")
    response = await api.as_user("jake").delete(f"/articles/{article['slug']}")
    assert response.status_code == 204
    assert response.content == b""
    assert (await api.get(f"/articles/{article['slug']}")).status_code == 404
    assert await _titles(api) == ["Knights"]


async def test_favoriting_is_idempotent_and_returns_the_article(api: Api, article: Json) -> None:
    for _ in range(2):
        response = await api.as_user("anna").post(f"/articles/{article['slug']}/favorite")
        assert response.status_code == 200
        assert response.json()["article"] == article | {"favorited": True, "favoritesCount": 1}


async def test_unfavoriting_is_idempotent_and_returns_the_article(api: Api, article: Json) -> None:
    await api.as_user("anna").favorite(article)
    await api.as_user("lena").favorite(article)
    for _ in range(2):
        response = await api.as_user("anna").delete(f"/articles/{article['slug']}/favorite")
        assert response.status_code == 200
        assert response.json()["article"] == article | {"favorited": False, "favoritesCount": 1}


async def test_favorited_is_per_caller_and_the_count_is_total(api: Api, article: Json) -> None:
    await api.as_user("anna").favorite(article)
    await api.as_user("jake").favorite(article)
    for caller, favorited in ((api.as_user("anna"), True), (api.as_user("lena"), False), (api, False)):
        for seen in (await _read(caller, article), (await _list(caller))["articles"][0]):
            assert (seen["favorited"], seen["favoritesCount"]) == (favorited, 2)


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        ({"tag": "dragons"}, ["Unloved", "By lena", "All"]),
        ({"author": "jake"}, ["Unloved", "Untagged", "All"]),
        ({"favorited": "anna"}, ["By lena", "Untagged", "All"]),
        ({"tag": "dragons", "author": "jake"}, ["Unloved", "All"]),
        ({"tag": "dragons", "favorited": "anna"}, ["By lena", "All"]),
        ({"author": "jake", "favorited": "anna"}, ["Untagged", "All"]),
        ({"tag": "dragons", "author": "jake", "favorited": "anna"}, ["All"]),
        ({"tag": "horses", "author": "lena"}, []),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
async def test_filters_combine_with_and(api: Api, filters: Json, titles: list[str]) -> None:
    jake, lena, anna = (api.as_user(name) for name in ("jake", "lena", "anna"))
    await anna.favorite(await jake.publish("All", tags=["dragons", "horses"]))
    await anna.favorite(await jake.publish("Untagged", tags=["horses"]))
    await anna.favorite(await lena.publish("By lena", tags=["dragons"]))
    await jake.favorite(await jake.publish("Unloved", tags=["dragons"]))
    assert await _titles(api, **filters) == titles
    assert (await _list(api, **filters, limit=1))["articlesCount"] == len(titles)


async def test_limit_and_offset_default_to_20_and_0(api: Api) -> None:
    for number in range(1, 22):
        await api.as_user("jake").publish(f"No. {number}")
    await api.as_user("anna").follow("jake")
    newest_first = [f"No. {number}" for number in range(21, 0, -1)]
    for path in LISTS:
        anna = api.as_user("anna")
        assert await _titles(anna, path) == newest_first[:20]
        assert await _titles(anna, path, offset=20) == newest_first[20:]
        assert await _titles(anna, path, limit=2, offset=3) == newest_first[3:5]
        assert await _titles(anna, path, limit=5, offset=19) == newest_first[19:]
        assert await _titles(anna, path, offset=21) == []


@pytest.mark.parametrize("path", LISTS)
async def test_articles_count_is_the_total(api: Api, path: str) -> None:
    for title in ("Dragons", "Knights", "Horses"):
        await api.as_user("jake").publish(title)
    await api.as_user("anna").follow("jake")
    for page in ({"limit": 1}, {"limit": 1, "offset": 2}, {"offset": 3}, {}):
        assert (await _list(api.as_user("anna"), path, **page))["articlesCount"] == 3


async def test_limit_above_100_is_reduced_to_100(api: Api) -> None:
    for number in range(101):
        await api.as_user("jake").publish(f"No. {number}")
    for limit in ("101", "9223372036854775807"):
        listed = await _list(api, limit=limit)
        assert (len(listed["articles"]), listed["articlesCount"]) == (100, 101)


async def test_offset_beyond_the_end_returns_an_empty_list(api: Api) -> None:
    await api.as_user("jake").publish()
    await api.as_user("anna").follow("jake")
    for offset in ("1", "1000000000", "9223372036854775807"):
        for path in LISTS:
            listed = await _list(api.as_user("anna"), path, offset=offset)
            assert listed == {"articles": [], "articlesCount": 1}


async def test_empty_filters_are_none(api: Api) -> None:
    await api.as_user("jake").publish(tags=["dragons"])
    await api.as_user("jake").publish("Knights")
    everything = await api.get("/articles?limit=1")
    empty = await api.get("/articles?tag=&author=&favorited=&limit=1")
    assert empty.json() == everything.json()
    assert empty.json()["articlesCount"] == 2
    assert empty.headers["Link"] == everything.headers["Link"]
    assert (await api.get("/articles?tag=dragons&author=")).json()["articlesCount"] == 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=", "must be a plain decimal integer"),
        ("limit=1.5", "must be a plain decimal integer"),
        ("limit=0", "must be at least 1"),
        ("limit=9223372036854775808", "must be at most 9223372036854775807"),
        (f"limit={'9' * 5_000}", "has too many digits"),
        ("offset=-1", "must be at least 0"),
    ],
)
async def test_message_says_which_numbers_are_valid(api: Api, query: str, message: str) -> None:
    response = await api.get(f"/articles?{query}")
    assert (response.status_code, response.json()) == (
        422,
        {"errors": {query.split("=", maxsplit=1)[0]: [message]}},
    )


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(("parameter", "bad"), [("limit", ["0", *BAD_NUMBERS]), ("offset", BAD_NUMBERS)])
async def test_invalid_limit_or_offset_gets_422(api: Api, path: str, parameter: str, bad: list[str]) -> None:
    responses = {
        value: await api.as_user("anna").get(path, params={parameter: value, "tag": "none"}) for value in bad
    }
    assert {value: response.status_code for value, response in responses.items()} == dict.fromkeys(bad, 422)
    assert {key for response in responses.values() for key in response.json()["errors"]} == {parameter}


@pytest.mark.parametrize("path", LISTS)
async def test_lists_have_no_body(api: Api, path: str) -> None:
    article = await api.as_user("jake").publish(tags=["dragons"])
    await api.as_user("anna").follow("jake")
    [listed] = (await _list(api.as_user("anna"), path))["articles"]
    assert listed == _without(article, "body") | {"author": AUTHOR | {"following": True}}


async def test_feed_has_followed_authors_newest_first(api: Api) -> None:
    for author in ("jake", "lena", "otto", "anna", "jake"):
        await api.as_user(author).publish(f"By {author}")
    await api.as_user("anna").follow("jake")
    await api.as_user("anna").follow("otto")
    assert await _titles(api.as_user("anna"), "/articles/feed") == ["By jake", "By otto", "By jake"]
    await api.as_user("anna").delete("/profiles/jake/follow")
    assert await _titles(api.as_user("anna"), "/articles/feed") == ["By otto"]


async def test_feed_without_followed_authors_is_empty(api: Api, article: Json) -> None:
    assert article["title"] in await _titles(api)
    assert await _list(api.as_user("anna"), "/articles/feed") == {"articles": [], "articlesCount": 0}


async def test_slugs_of_equal_titles_are_unique(api: Api) -> None:
    articles = [await api.as_user(name).publish("Dragons") for name in ("jake", "jake", "anna")]
    assert len({article["slug"] for article in articles}) == 3
    assert [await _read(api, article) for article in articles] == articles


async def test_slug_is_derived_from_the_title(api: Api) -> None:
    article = await api.as_user("jake").publish("How to Train Your Dragon?")
    assert "how-to-train-your-dragon" in article["slug"]


@pytest.mark.parametrize(
    "title",
    ["🐉🐉", "???", "日本語", "feed", " Feed ", "FEED!", "a/b?c=d#e%2F", "..", "-", "Žofie", "x" * 200],
)
async def test_slug_is_url_safe_not_empty_and_no_route(api: Api, title: str) -> None:
    article = await api.as_user("jake").publish(title)
    # The unreserved characters of RFC 3986, without the two dot segments.
    assert re.fullmatch(r"[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*", article["slug"])
    assert article["slug"] != "feed"
    assert await _read(api, article) == article
    assert await _update(api, article, body="They ride.") != article


@pytest.mark.parametrize("title", ["feed", "🐉"])
async def test_slug_of_a_changed_title_is_not_empty_and_no_route(api: Api, article: Json, title: str) -> None:
    renamed = await _update(api, article, title=title)
    assert renamed["slug"] not in ("", "feed")
    assert await _read(api, renamed) == renamed


async def test_changing_the_title_changes_the_slug(api: Api, article: Json) -> None:
    renamed = await _update(api, article, title="Knights")
    assert renamed["slug"] == "knights"
    assert await _read(api, renamed) == renamed


@pytest.mark.parametrize("title", ["DRAGONS", "Dragons!", "\u201cDrâgons\u201d"])
async def test_changing_case_or_punctuation_of_the_title_keeps_the_slug(api: Api, title: str) -> None:
    await api.as_user("anna").publish("Dragons")
    article = await api.as_user("jake").publish("Dragons")
    edited = await _update(api, article, title=title)
    assert (edited["title"], edited["slug"]) == (title, article["slug"])


@pytest.mark.parametrize(
    ("first", "second"), [("I don't", "I don\u2019t"), ("It's the dog\u2019s", "It\uff07s the dogs")]
)
async def test_apostrophes_give_one_stem(api: Api, first: str, second: str) -> None:
    article = await api.as_user("jake").publish(first)
    assert (await _update(api, article, title=second))["slug"] == article["slug"]


@pytest.mark.parametrize(
    ("title", "slug"),
    [("The &amp; entity", "the-amp-entity"), ("&#65; &#x42;", "65-x42"), ("&lt;b&gt;", "lt-b-gt")],
)
async def test_slug_does_not_decode_html_entities(api: Api, title: str, slug: str) -> None:
    assert (await api.as_user("jake").publish(title))["slug"] == slug


# Every operation with a slug, by the status of its success. Deletion is last.
OPERATIONS_WITH_A_SLUG = [
    ("GET", "", None, 200),
    ("PUT", "", {"article": {"body": "They swim."}}, 200),
    ("POST", "/favorite", None, 200),
    ("DELETE", "/favorite", None, 200),
    ("GET", "/comments", None, 200),
    ("POST", "/comments", {"comment": {"body": "Nice"}}, 201),
    ("DELETE", "", None, 204),
]


async def test_old_slugs_find_their_article_in_every_operation(api: Api, article: Json) -> None:
    await _update(api, article, title="Knights")
    await _update(api, article, title="Castles")
    jake = api.as_user("jake")
    for method, path, body, status in OPERATIONS_WITH_A_SLUG[:-1]:
        for slug in ("dragons", "knights", "castles"):
            response = await jake.request(method, f"/articles/{slug}{path}", json=body)
            assert response.status_code == status, (method, slug, path)
            if "article" in response.json():
                assert response.json()["article"]["slug"] == "castles"
    comments = (await api.get("/articles/dragons/comments")).json()["comments"]
    assert len(comments) == 3
    deleted = await jake.delete(f"/articles/knights/comments/{comments[0]['id']}")
    assert deleted.status_code == 204
    assert (await jake.delete("/articles/dragons")).status_code == 204
    assert (await api.get("/articles/castles")).status_code == 404


def test_every_operation_with_a_slug_is_among_these(application: FastAPI) -> None:
    operations = {
        (method.upper(), path)
        for path, methods in application.openapi()["paths"].items()
        if path.startswith("/api/articles/{slug}")
        for method in methods
    }
    tested = {(method, f"/api/articles/{{slug}}{path}") for method, path, _, _ in OPERATIONS_WITH_A_SLUG}
    assert operations == tested | {("DELETE", "/api/articles/{slug}/comments/{id}")}


async def test_an_old_slug_is_given_to_no_other_article_until_its_article_is_deleted(
    api: Api, article: Json
) -> None:
    await _update(api, article, title="Knights")
    published = await api.as_user("anna").publish("Dragons")
    assert published["slug"].startswith("dragons-")
    other = await api.as_user("anna").publish("Castles")
    renamed = await api.as_user("anna").put(f"/articles/{other['slug']}", {"article": {"title": "Dragons"}})
    assert renamed.json()["article"]["slug"].startswith("dragons-")
    assert (await _read(api, {"slug": "dragons"}))["title"] == "Knights"
    assert (await api.as_user("jake").delete("/articles/knights")).status_code == 204
    assert (await api.get("/articles/dragons")).status_code == 404
    assert (await api.as_user("anna").publish("Dragons"))["slug"] == "dragons"


async def test_an_article_gets_its_old_slug_again(api: Api, article: Json) -> None:
    await _update(api, article, title="Knights")
    assert await _update(api, {"slug": "knights"}, title="Dragons") | {"updatedAt": ""} == article | {
        "updatedAt": ""
    }


async def test_slug_of_a_title_in_use_is_unique(api: Api, article: Json) -> None:
    other = await api.as_user("anna").publish("Knights")
    renamed = await _update(api, article, title="Knights")
    assert renamed["slug"] != other["slug"]
    assert await _read(api, other) == other


async def test_other_updates_leave_the_slug(api: Api, article: Json) -> None:
    changes: dict[str, Any] = {"description": "New", "body": "New", "tagList": ["new"]}
    assert (await _update(api, article, **changes))["slug"] == article["slug"]


async def test_tags_are_nfc(api: Api) -> None:
    nfc, nfd = "caf\u00e9", "cafe\u0301"
    article = await api.as_user("jake").publish(tags=[nfd, nfc, "tea"])
    assert article["tagList"] == [nfc, "tea"]
    for tag in (nfc, nfd):
        assert (await api.get("/articles", params={"tag": tag})).json()["articlesCount"] == 1
    assert (await _update(api, article, tagList=["tea", nfd]))["tagList"] == ["tea", nfc]
    assert set((await api.get("/tags")).json()["tags"]) == {nfc, "tea"}


@pytest.mark.parametrize("field", ["title", "description", "body", "tagList"])
@pytest.mark.parametrize("text", ["\u200b", "\u2800 \u3164", "\ufe0f\u00ad"], ids=ascii)
async def test_text_of_invisible_characters_is_blank(api: Api, field: str, text: str) -> None:
    article = {"title": "Dragons", "description": "Fire", "body": "They fly."}
    blank: dict[str, Any] = {field: [text] if field == "tagList" else text}
    response = await api.as_user("jake").post("/articles", {"article": article | blank})
    assert (response.status_code, response.json()) == (422, {"errors": {field: ["can't be blank"]}})


@pytest.mark.parametrize("through", ["publishing", "updating"])
async def test_tag_list_keeps_its_order_without_duplicates(api: Api, through: str) -> None:
    sent, expected = ["zebras", "ants", " zebras", "mice", "ants"], ["zebras", "ants", "mice"]
    article = await api.as_user("jake").publish(tags=sent if through == "publishing" else ["mice", "ants"])
    shown = article if through == "publishing" else await _update(api, article, tagList=sent)
    assert shown["tagList"] == expected
    assert (await _read(api, shown))["tagList"] == expected
    assert [listed["tagList"] for listed in (await _list(api))["articles"]] == [expected]


async def test_update_without_a_tag_list_leaves_the_tags(api: Api) -> None:
    article = await api.as_user("jake").publish(tags=["zebras", "ants"])
    assert (await _update(api, article, body="They ride."))["tagList"] == ["zebras", "ants"]


async def test_update_with_an_empty_tag_list_removes_all_tags(api: Api) -> None:
    article = await api.as_user("jake").publish(tags=["zebras", "ants"])
    assert (await _update(api, article, tagList=[]))["tagList"] == []
    assert await _titles(api, tag="ants") == []


async def test_update_with_a_null_tag_list_gets_422(api: Api) -> None:
    article = await api.as_user("jake").publish(tags=["zebras", "ants"])
    response = await api.as_user("jake").put(f"/articles/{article['slug']}", {"article": {"tagList": None}})
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {"tagList"}
    assert await _read(api, article) == article


@pytest.mark.parametrize(
    "changes",
    [{"title": "Knights"}, {"description": "New"}, {"body": "New"}, {"tagList": ["new"]}, {"tagList": []}],
    ids=repr,
)
async def test_every_update_increases_updated_at(api: Api, changes: Json) -> None:
    article = await api.as_user("jake").publish(tags=["dragons"])
    updated = await _update(api, article, **changes)
    assert updated["updatedAt"] > article["updatedAt"]
    assert updated["createdAt"] == article["createdAt"]


async def test_favoriting_leaves_updated_at(api: Api, article: Json) -> None:
    path = f"/articles/{article['slug']}/favorite"
    favorited = await api.as_user("anna").post(path)
    unfavorited = await api.as_user("anna").delete(path)
    for response in (favorited, unfavorited):
        assert response.json()["article"]["updatedAt"] == article["updatedAt"]
    assert await _read(api, article) == article


async def test_lists_are_ordered_by_creation(api: Api, article: Json) -> None:
    await api.as_user("jake").publish("Knights")
    await _update(api, article, body="They land.")
    assert await _titles(api) == ["Knights", "Dragons"]


async def test_following_of_an_author_is_per_caller(api: Api, article: Json) -> None:
    await api.as_user("anna").follow("jake")
    for caller, following in ((api.as_user("anna"), True), (api.as_user("lena"), False), (api, False)):
        for seen in (await _read(caller, article), (await _list(caller))["articles"][0]):
            assert seen["author"]["following"] is following


async def test_following_in_favorite_responses_is_per_caller(api: Api, article: Json) -> None:
    await api.as_user("anna").follow("jake")
    path = f"/articles/{article['slug']}/favorite"
    for caller, following in (("anna", True), ("lena", False)):
        for response in (await api.as_user(caller).post(path), await api.as_user(caller).delete(path)):
            assert response.json()["article"]["author"]["following"] is following


@pytest.mark.parametrize("parameter", ["tag", "author", "favorited"])
async def test_filter_by_an_unknown_value_returns_an_empty_list(
    api: Api, article: Json, parameter: str
) -> None:
    assert article["title"] in await _titles(api)
    assert await _list(api, **{parameter: "nobody"}) == {"articles": [], "articlesCount": 0}


async def test_filter_by_a_user_without_articles_returns_an_empty_list(api: Api, article: Json) -> None:
    await api.as_user("anna").token()
    assert article["title"] in await _titles(api)
    for parameter in ("author", "favorited"):
        assert await _list(api, **{parameter: "anna"}) == {"articles": [], "articlesCount": 0}


@pytest.mark.parametrize("typed", ["AnnaLena", "annalena", "ANNALENA"])
async def test_filters_match_usernames_case_insensitively(api: Api, typed: str) -> None:
    await api.as_user("AnnaLena").favorite(await api.as_user("AnnaLena").publish())
    await api.as_user("jake").publish("Knights")
    assert await _titles(api, author=typed) == ["Dragons"]
    assert await _titles(api, favorited=typed) == ["Dragons"]


@pytest.mark.parametrize("path", LISTS)
async def test_unknown_query_parameters_are_ignored(api: Api, path: str) -> None:
    await api.as_user("jake").publish()
    await api.as_user("anna").follow("jake")
    query = {"page": "2", "sort": "title", "Tag": "none"}
    assert await _titles(api.as_user("anna"), path, **query) == ["Dragons"]


async def test_deleting_an_article_deletes_its_favorites(
    api: Api, composition: Composition, article: Json
) -> None:
    other = await api.as_user("jake").publish("Knights")
    for favorite in (article, other):
        await api.as_user("anna").favorite(favorite)
    await api.as_user("jake").delete(f"/articles/{article['slug']}")
    assert await _titles(api, favorited="anna") == ["Knights"]
    # Counted in the table: ids are never reused, so the API cannot show remaining rows.
    async with composition.database.snapshot() as session:
        assert await session.scalar(select(func.count()).select_from(FavoriteRow)) == 1


async def test_renamed_user_remains_the_author(api: Api, article: Json) -> None:
    await api.as_user("jake").put("/user", {"user": {"username": "jacob"}})
    assert (await _read(api, article))["author"]["username"] == "jacob"
    assert await _titles(api, author="jacob") == ["Dragons"]
    assert await _titles(api, author="jake") == []
