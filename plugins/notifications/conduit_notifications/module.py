"""The manifest of notifications."""

from collections.abc import Sequence
from datetime import timedelta

from fastapi import APIRouter

from conduit_notifications.api.router import create_router
from conduit_notifications.container import NotificationsContainer
from conduit_notifications.infrastructure.checks import consistency_checks
from conduit_notifications.infrastructure.settings import NotificationsSettings
from conduit_notifications.infrastructure.tables import SCHEMA
from modules.articles.contracts import ArticleDirectory, ArticleFavorited, ArticlesDeleted
from modules.comments.contracts import CommentAdded
from modules.kernel.api.authentication import Authentication
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.events import DeliveryMode
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.module import Job, Module, Subscription
from modules.profiles.contracts import ProfileReader
from modules.users.contracts import UserDeleted, UserDirectory


def router(container: NotificationsContainer) -> APIRouter:
    """Return the routes of this module."""
    return create_router(container.service(), container.streams(), Authentication(container.tokens()))


def checks(container: NotificationsContainer) -> Sequence[ConsistencyCheck]:
    """Return the consistency checks of this module."""
    return consistency_checks(container.database(), container.articles(), container.profiles())


async def delete_old(container: NotificationsContainer) -> bool:
    """Delete a batch of old notifications; return whether there may be more."""
    retention = container.settings().notification_retention
    return await container.repository().delete_before(container.clock().now() - retention)


MODULE = Module(
    name="notifications",
    owner="@conduit/notifications",
    container=NotificationsContainer,
    needs={
        "users": UserDirectory,
        "articles": ArticleDirectory,
        "profiles": ProfileReader,
        "tokens": TokenVerifier,
    },
    routers=[router],
    subscriptions=[
        Subscription(
            ArticleFavorited,
            lambda container: container.service().on_article_favorited,
            DeliveryMode.AFTER_COMMIT,
        ),
        Subscription(
            CommentAdded, lambda container: container.service().on_comment_added, DeliveryMode.AFTER_COMMIT
        ),
        Subscription(ArticlesDeleted, lambda container: container.service().on_articles_deleted),
        Subscription(UserDeleted, lambda container: container.service().on_user_deleted),
    ],
    schema=SCHEMA,
    settings=NotificationsSettings,
    personal_data=lambda container: container.service().export_personal_data,
    checks=checks,
    jobs=[Job("old-notifications", timedelta(hours=1), delete_old)],
    built_with={"articles": "1.0", "comments": "1.0", "profiles": "1.0", "users": "1.0"},
)
