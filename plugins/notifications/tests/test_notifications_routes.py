"""Who is notified of what, and what they do with it."""

from typing import Any

import pytest
from notifications_scene import Scene

from modules.articles.contracts import ArticleDeleted, ArticleFavorited
from modules.users.contracts import UserDeleted

TOKEN_MISSING = {"errors": {"token": ["is missing"]}}
NOT_FOUND = {"errors": {"notification": ["not found"]}}


class TestWhoIsNotified:
    async def test_an_author_of_comments_and_favourites(self, scene: Scene) -> None:
        dragons = scene.article("dragons")
        await scene.favorite(dragons, "anna")
        await scene.comment(dragons, "carl")
        assert await scene.published("jake") == ["carl comment dragons", "anna favorite dragons"]
        assert await scene.published("anna") == []

    async def test_nobody_of_what_they_do_themselves(self, scene: Scene) -> None:
        dragons = scene.article("dragons")
        await scene.favorite(dragons, "jake")
        await scene.comment(dragons, "jake")
        assert await scene.published("jake") == []

    async def test_once_of_a_favourite_that_comes_and_goes_and_of_every_comment(self, scene: Scene) -> None:
        dragons = scene.article("dragons")
        for _ in range(2):
            await scene.favorite(dragons, "anna")
            await scene.comment(dragons, "anna")
        assert await scene.published("jake") == [
            "anna comment dragons",
            "anna comment dragons",
            "anna favorite dragons",
        ]

    async def test_nobody_of_an_article_that_is_gone_by_now(self, scene: Scene) -> None:
        dragons = scene.article("dragons")
        await scene.articles.remove(dragons)
        await scene.favorite(dragons, "anna")
        assert await scene.published("jake") == []
        assert (await scene.alone.messaging.outbox_admin.backlog()).waiting == 0

    async def test_the_publisher_does_not_wait_for_it(self, scene: Scene) -> None:
        dragons = scene.article("dragons")
        async with scene.alone.database.transaction():
            await scene.alone.messaging.events.publish(ArticleFavorited(dragons, scene.user("anna")))
        assert await scene.published("jake") == []
        await scene.alone.messaging.dispatcher.drain()
        assert await scene.published("jake") == ["anna favorite dragons"]


class TestList:
    async def test_nobody_has_none(self, scene: Scene) -> None:
        answer = await scene.call("GET", "/notifications")
        assert (answer.status_code, answer.json()) == (401, TOKEN_MISSING)

    async def test_it_is_empty_at_first(self, scene: Scene) -> None:
        assert await scene.inbox("jake") == {
            "notifications": [],
            "notificationsCount": 0,
            "unreadCount": 0,
        }

    async def test_each_says_who_did_what_to_which_article_and_when(self, scene: Scene) -> None:
        scene.profiles.follow(scene.user("jake"), scene.user("anna"))
        await scene.comment(scene.article("dragons"), "anna")
        [shown] = (await scene.inbox("jake"))["notifications"]
        assert shown == {
            "id": 1,
            "kind": "comment",
            "createdAt": "2026-01-31T12:00:00.000Z",
            "read": False,
            "commentId": 1,
            "article": {"slug": "dragons", "title": "Dragons"},
            "actor": {"username": "anna", "bio": None, "image": None, "following": True},
        }

    async def test_a_favourite_has_no_comment(self, scene: Scene) -> None:
        await scene.favorite(scene.article("dragons"), "anna")
        [shown] = (await scene.inbox("jake"))["notifications"]
        assert (shown["kind"], shown["commentId"]) == ("favorite", None)

    async def test_limit_and_offset_choose_the_page_and_the_counts_are_of_all(self, scene: Scene) -> None:
        dragons = scene.article("dragons")
        for name in ("anna", "bert", "carl", "dora"):
            await scene.favorite(dragons, name)
        page = await scene.inbox("jake", "?limit=2&offset=1")
        assert [one["actor"]["username"] for one in page["notifications"]] == ["carl", "bert"]
        assert (page["notificationsCount"], page["unreadCount"]) == (4, 4)

    @pytest.mark.parametrize("query", ["limit=0", "limit=many", "offset=-1"])
    async def test_a_page_that_cannot_be_is_refused(self, scene: Scene, query: str) -> None:
        answer = await scene.call("GET", f"/notifications?{query}", "jake")
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [query.partition("=")[0]])


class TestMarkRead:
    async def test_nobody_may_not(self, scene: Scene) -> None:
        for path in ("/notifications/1/read", "/notifications/read"):
            answer = await scene.call("POST", path)
            assert (answer.status_code, answer.json()) == (401, TOKEN_MISSING)

    async def test_one_is_read_and_the_others_are_not(self, scene: Scene) -> None:
        dragons = scene.article("dragons")
        await scene.favorite(dragons, "anna")
        await scene.favorite(dragons, "carl")
        answer = await scene.call("POST", "/notifications/1/read", "jake")
        assert answer.status_code == 200
        notification = answer.json()["notification"]
        assert (notification["id"], notification["read"]) == (1, True)
        page = await scene.inbox("jake")
        assert [one["read"] for one in page["notifications"]] == [False, True]
        assert (page["notificationsCount"], page["unreadCount"]) == (2, 1)

    async def test_another_users_and_one_that_is_not_there_are_not_found(self, scene: Scene) -> None:
        await scene.favorite(scene.article("dragons"), "anna")
        for name, number in (("anna", 1), ("jake", 2)):
            answer = await scene.call("POST", f"/notifications/{number}/read", name)
            assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
        assert (await scene.inbox("jake"))["unreadCount"] == 1

    async def test_all_of_ones_own_are_read_at_once(self, scene: Scene) -> None:
        dragons, castles = scene.article("dragons"), scene.articles.add("castles", author=scene.user("anna"))
        await scene.favorite(dragons, "anna")
        await scene.comment(dragons, "anna")
        await scene.favorite(castles, "jake")
        answer = await scene.call("POST", "/notifications/read", "jake")
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await scene.inbox("jake"))["unreadCount"] == 0
        assert (await scene.inbox("anna"))["unreadCount"] == 1


class TestArticleDeleted:
    async def test_its_notifications_go_with_it_and_no_others(self, scene: Scene) -> None:
        dragons, castles = scene.article("dragons"), scene.article("castles")
        await scene.favorite(dragons, "anna")
        await scene.favorite(castles, "anna")
        await scene.articles.remove(dragons)
        await scene.alone.publish(ArticleDeleted(dragons))
        page = await scene.inbox("jake")
        assert [one["article"]["slug"] for one in page["notifications"]] == ["castles"]
        assert (page["notificationsCount"], page["unreadCount"]) == (1, 1)

    async def test_one_that_was_deleted_while_nobody_listened_is_not_shown(self, scene: Scene) -> None:
        dragons = scene.article("dragons")
        await scene.favorite(dragons, "anna")
        await scene.articles.remove(dragons)
        assert await scene.published("jake") == []
        answer = await scene.call("POST", "/notifications/1/read", "jake")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


class TestUserDeleted:
    async def test_what_they_did_and_what_they_got_goes(self, scene: Scene) -> None:
        dragons, castles = scene.article("dragons"), scene.articles.add("castles", author=scene.user("anna"))
        await scene.favorite(dragons, "anna")
        await scene.favorite(dragons, "carl")
        await scene.favorite(castles, "carl")
        await scene.alone.publish(UserDeleted(scene.user("anna")))
        assert await scene.published("jake") == ["carl favorite dragons"]
        assert await scene.published("anna") == []


class TestPersonalData:
    async def test_it_is_what_the_user_was_notified_of(self, scene: Scene) -> None:
        await scene.comment(scene.article("dragons"), "anna")
        inbox = scene.alone.container.inbox()
        assert await inbox.export_personal_data(scene.user("jake")) == {
            "notifications": [
                {
                    "kind": "comment",
                    "article": "dragons",
                    "actor": "anna",
                    "createdAt": "2026-01-31T12:00:00.000Z",
                }
            ]
        }


async def test_the_examples_in_the_document_are_answers(scene_of_its_own: Scene) -> None:
    scene = scene_of_its_own
    dragons = scene.article("dragons")
    await scene.favorite(dragons, "anna")
    scene.after(minutes=1)
    await scene.comment(dragons, "anna")
    # What is asked, by whom, and as which operation's example of which status the document shows the answer.
    asked = [
        ("GetNotifications", "200", "GET", "/notifications", "jake"),
        ("GetNotifications", "401", "GET", "/notifications", None),
        ("GetNotifications", "422", "GET", "/notifications?limit=0", "jake"),
        ("MarkNotificationRead", "200", "POST", "/notifications/2/read", "jake"),
        ("MarkNotificationRead", "401", "POST", "/notifications/2/read", None),
        ("MarkNotificationRead", "404", "POST", "/notifications/3/read", "jake"),
        ("MarkNotificationRead", "422", "POST", "/notifications/second/read", "jake"),
        ("MarkNotificationsRead", "401", "POST", "/notifications/read", None),
        ("StreamNotifications", "401", "GET", "/notifications/stream", None),
        ("StreamNotifications", "422", "GET", "/notifications/stream?from=%FF", "jake"),
    ]
    answers: dict[str, dict[str, Any]] = {}
    for operation, status, method, path, name in asked:
        answer = await scene.call(method, path, name)
        assert str(answer.status_code) == status, answer.text
        answers.setdefault(operation, {})[status] = answer.json()
    assert scene.alone.examples == answers
