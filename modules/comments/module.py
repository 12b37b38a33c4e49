"""The manifest of comments."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter

from modules.articles.contracts import ArticleDirectory, ArticlesDeleted
from modules.comments.api.router import create_router
from modules.comments.container import CommentsContainer
from modules.comments.contracts import CommentAdded
from modules.comments.domain.comment import CommentId
from modules.comments.infrastructure.checks import consistency_checks
from modules.comments.infrastructure.tables import SCHEMA
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cursors import CursorPagination
from modules.kernel.api.idempotency import Idempotency
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.module import Command, Module, Subscription
from modules.profiles.contracts import ProfileReader
from modules.users.contracts import UserDeleted


def router(container: CommentsContainer) -> APIRouter:
    """Return the routes of this module."""
    return create_router(
        container.service(),
        Authentication(container.tokens()),
        CursorPagination(container.signing_keys()),
        Idempotency(container.idempotency()),
    )


async def demo(container: CommentsContainer, demo: Demo) -> None:
    """Insert this module's demo data."""
    from modules.comments.demo.comments import insert_comments  # noqa: PLC0415 - not served

    await insert_comments(container.database(), container.articles(), container.profiles(), demo)


async def delete(
    container: CommentsContainer, comment: Annotated[int, "The id of the comment, as in the API."]
) -> str:
    """Delete a comment."""
    await container.service().remove(CommentId(comment))
    return f"deleted comment {comment}"


def checks(container: CommentsContainer) -> Sequence[ConsistencyCheck]:
    """Return the consistency checks of this module."""
    return consistency_checks(container.database(), container.articles(), container.profiles())


MODULE = Module(
    name="comments",
    owner="@conduit/comments",
    container=CommentsContainer,
    needs={"articles": ArticleDirectory, "profiles": ProfileReader, "tokens": TokenVerifier},
    routers=[router],
    subscriptions=[
        Subscription(ArticlesDeleted, lambda container: container.service().on_articles_deleted),
        Subscription(UserDeleted, lambda container: container.service().on_user_deleted),
    ],
    publishes=[CommentAdded],
    schema=SCHEMA,
    personal_data=lambda container: container.service().export_personal_data,
    checks=checks,
    demo=demo,
    commands=[Command("delete", "Delete a comment of any author.", delete, "42")],
)
