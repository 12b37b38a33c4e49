"""The routes and subscriptions of notifications."""

from itertools import count
from typing import Any

import pytest
from notifications_context import Context

from conduit_devtools.statement_guard import Case, require_constant_statements
from modules.articles.contracts import ArticleFavorited, ArticleId, ArticlesDeleted
from modules.comments.contracts import CommentAdded
from modules.users.contracts import UserDeleted

NOT_FOUND = {"errors": {"notification": ["not found"]}}


class TestNotify:
    async def test_author_is_notified_of_comments_and_favorites(self, context: Context) -> None:
        dragons = context.article("dragons")
        await context.favorite(dragons, "anna")
        await context.comment(dragons, "carl")
        assert await context.summaries("jake") == ["carl comment dragons", "anna favorite dragons"]
        assert await context.summaries("anna") == []

    async def test_author_is_not_notified_of_their_own_actions(self, context: Context) -> None:
        dragons = context.article("dragons")
        await context.favorite(dragons, "jake")
        await context.comment(dragons, "jake")
        assert await context.summaries("jake") == []

    async def test_repeated_favorite_notifies_once_and_each_comment_notifies(self, context: Context) -> None:
        dragons = context.article("dragons")
        for _ in range(2):
            await context.favorite(dragons, "anna")
            await context.comment(dragons, "anna")
        assert await context.summaries("jake") == [
            "anna comment dragons",
            "anna comment dragons",
            "anna favorite dragons",
        ]

    async def test_deleted_article_causes_no_notification(self, context: Context) -> None:
        dragons = context.article("dragons")
        await context.articles.remove(dragons)
        await context.favorite(dragons, "anna")
        assert await context.summaries("jake") == []
        assert (await context.module.messaging.outbox_admin.backlog()).pending == 0

    async def test_notification_is_added_after_the_commit(self, context: Context) -> None:
        dragons = context.article("dragons")
        async with context.module.database.transaction():
            await context.module.messaging.events.publish(ArticleFavorited(dragons, context.user("anna")))
        assert await context.summaries("jake") == []
        await context.module.messaging.dispatcher.drain()
        assert await context.summaries("jake") == ["anna favorite dragons"]


class TestList:
    async def test_new_user_has_no_notifications(self, context: Context) -> None:
        assert await context.page("jake") == {
            "notifications": [],
            "notificationsCount": 0,
            "unreadCount": 0,
        }

    async def test_notification_has_all_fields(self, context: Context) -> None:
        context.profiles.follow(context.user("jake"), context.user("anna"))
        await context.comment(context.article("dragons"), "anna")
        [notification] = (await context.page("jake"))["notifications"]
        assert notification == {
            "id": 1,
            "kind": "comment",
            "createdAt": "2026-01-31T12:00:00.000Z",
            "read": False,
            "commentId": 1,
            "article": {"slug": "dragons", "title": "Dragons"},
            "actor": {"username": "anna", "bio": None, "image": None, "following": True},
        }

    async def test_favorite_has_no_comment_id(self, context: Context) -> None:
        await context.favorite(context.article("dragons"), "anna")
        [notification] = (await context.page("jake"))["notifications"]
        assert (notification["kind"], notification["commentId"]) == ("favorite", None)

    async def test_limit_and_offset_choose_the_page_and_the_counts_are_total(self, context: Context) -> None:
        dragons = context.article("dragons")
        for name in ("anna", "bert", "carl", "dora"):
            await context.favorite(dragons, name)
        page = await context.page("jake", "?limit=2&offset=1")
        assert [entry["actor"]["username"] for entry in page["notifications"]] == ["carl", "bert"]
        assert (page["notificationsCount"], page["unreadCount"]) == (4, 4)

    @pytest.mark.parametrize("query", ["limit=0", "limit=many", "offset=-1"])
    async def test_invalid_page_gets_422(self, context: Context, query: str) -> None:
        response = await context.call("GET", f"/notifications?{query}", "jake")
        assert (response.status_code, list(response.json()["errors"])) == (422, [query.partition("=")[0]])


async def test_statements_do_not_depend_on_the_number_of_rows(dedicated_context: Context) -> None:
    context, publish = dedicated_context, dedicated_context.module.publish
    dragons, jake = context.article("dragons"), context.user("jake")

    numbers = count()

    async def favorite(_: int) -> ArticleId:
        article_id = context.article(f"article-{next(numbers)}")
        await context.favorite(article_id, "anna")
        return article_id

    async def comment(number: int) -> None:
        await context.comment(dragons, f"reader{number}")

    await require_constant_statements(
        context.module,
        {
            "GetNotifications": Case(favorite, lambda _: context.call("GET", "/notifications", "jake")),
            ArticleFavorited: Case(comment, lambda _: context.favorite(dragons, f"fan{context.comments}")),
            CommentAdded: Case(comment, lambda _: context.comment(dragons, "carl")),
            ArticlesDeleted: Case(favorite, lambda ids: publish(ArticlesDeleted(jake, tuple(ids)))),
            UserDeleted: Case(comment, lambda _: publish(UserDeleted(jake))),
        },
    )


class TestMarkRead:
    async def test_only_the_given_notification_is_marked_read(self, context: Context) -> None:
        dragons = context.article("dragons")
        await context.favorite(dragons, "anna")
        await context.favorite(dragons, "carl")
        response = await context.call("POST", "/notifications/1/read", "jake")
        assert response.status_code == 200
        notification = response.json()["notification"]
        assert (notification["id"], notification["read"]) == (1, True)
        page = await context.page("jake")
        assert [entry["read"] for entry in page["notifications"]] == [False, True]
        assert (page["notificationsCount"], page["unreadCount"]) == (2, 1)

    async def test_unknown_notification_and_another_users_get_404(self, context: Context) -> None:
        await context.favorite(context.article("dragons"), "anna")
        for name, number in (("anna", 1), ("jake", 2)):
            response = await context.call("POST", f"/notifications/{number}/read", name)
            assert (response.status_code, response.json()) == (404, NOT_FOUND)
        assert (await context.page("jake"))["unreadCount"] == 1

    async def test_all_notifications_of_the_reader_are_marked_read(self, context: Context) -> None:
        dragons, castles = (
            context.article("dragons"),
            context.articles.add("castles", author=context.user("anna")),
        )
        await context.favorite(dragons, "anna")
        await context.comment(dragons, "anna")
        await context.favorite(castles, "jake")
        response = await context.call("POST", "/notifications/read", "jake")
        assert (response.status_code, response.content) == (204, b"")
        assert (await context.page("jake"))["unreadCount"] == 0
        assert (await context.page("anna"))["unreadCount"] == 1


class TestArticlesDeleted:
    async def test_only_notifications_about_the_article_are_deleted(self, context: Context) -> None:
        dragons, castles = context.article("dragons"), context.article("castles")
        await context.favorite(dragons, "anna")
        await context.favorite(castles, "anna")
        await context.articles.remove(dragons)
        await context.module.publish(ArticlesDeleted(1, (dragons,)))
        page = await context.page("jake")
        assert [entry["article"]["slug"] for entry in page["notifications"]] == ["castles"]
        assert (page["notificationsCount"], page["unreadCount"]) == (1, 1)

    async def test_article_deleted_while_disabled_is_not_listed(self, context: Context) -> None:
        dragons = context.article("dragons")
        await context.favorite(dragons, "anna")
        await context.articles.remove(dragons)
        assert await context.summaries("jake") == []
        response = await context.call("POST", "/notifications/1/read", "jake")
        assert (response.status_code, response.json()) == (404, NOT_FOUND)


class TestUserDeleted:
    async def test_received_and_triggered_notifications_are_deleted(self, context: Context) -> None:
        dragons, castles = (
            context.article("dragons"),
            context.articles.add("castles", author=context.user("anna")),
        )
        await context.favorite(dragons, "anna")
        await context.favorite(dragons, "carl")
        await context.favorite(castles, "carl")
        await context.module.publish(UserDeleted(context.user("anna")))
        assert await context.summaries("jake") == ["carl favorite dragons"]
        assert await context.summaries("anna") == []


class TestPersonalData:
    async def test_export_lists_received_notifications(self, context: Context) -> None:
        await context.comment(context.article("dragons"), "anna")
        service = context.module.container.service()
        data = await service.export_personal_data(context.user("jake"))
        assert [notification async for notification in data["notifications"]] == [
            {
                "kind": "comment",
                "article": "dragons",
                "actor": "anna",
                "createdAt": "2026-01-31T12:00:00.000Z",
            }
        ]


async def test_openapi_examples_are_real_responses(dedicated_context: Context) -> None:
    context = dedicated_context
    dragons = context.article("dragons")
    await context.favorite(dragons, "anna")
    context.advance(minutes=1)
    await context.comment(dragons, "anna")
    # Operation and status of an example; the request that it must be the response of.
    requests = [
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
    responses: dict[str, dict[str, Any]] = {}
    for operation, status, method, path, name in requests:
        response = await context.call(method, path, name)
        assert str(response.status_code) == status, response.text
        responses.setdefault(operation, {})[status] = response.json()
    assert context.module.examples == responses
