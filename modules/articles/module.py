"""The manifest of articles."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter

from modules.articles.api.router import create_router
from modules.articles.container import ArticlesContainer
from modules.articles.contracts import (
    ArticleDirectory,
    ArticleEdited,
    ArticleFavorited,
    ArticlePublished,
    ArticleRestrictions,
    ArticlesDeleted,
    ArticlesMadePublic,
    ArticlesRestricted,
)
from modules.articles.infrastructure.checks import consistency_checks
from modules.articles.infrastructure.tables import SCHEMA
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cursors import CursorPagination
from modules.kernel.api.idempotency import Idempotency
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.module import Command, Module, Subscription
from modules.profiles.contracts import ProfileReader
from modules.users.contracts import UserDeleted


def router(container: ArticlesContainer) -> APIRouter:
    """Return the routes of this module."""
    return create_router(
        container.service(),
        container.reader(),
        Authentication(container.tokens()),
        CursorPagination(container.signing_keys()),
        Idempotency(container.idempotency()),
    )


async def demo(container: ArticlesContainer, demo: Demo) -> None:
    """Insert this module's demo data."""
    from modules.articles.demo.articles import insert_articles  # noqa: PLC0415 - not served

    await insert_articles(container.database(), container.counts(), demo)


async def delete(
    container: ArticlesContainer, slug: Annotated[str, "The last part of the article's URL."]
) -> str:
    """Delete an article."""
    await container.service().remove(slug)
    return f"deleted article {slug}"


def checks(container: ArticlesContainer) -> Sequence[ConsistencyCheck]:
    """Return the consistency checks of this module."""
    return consistency_checks(
        container.database(), container.profiles(), container.counts(), container.service()
    )


MODULE = Module(
    name="articles",
    owner="@conduit/articles",
    container=ArticlesContainer,
    needs={"profiles": ProfileReader, "tokens": TokenVerifier},
    offers={
        ArticleDirectory: "directory",
        # conduit: allow unneeded-contract: visibility policies are plugins
        ArticleRestrictions: "restrictions",
    },
    routers=[router],
    subscriptions=[Subscription(UserDeleted, lambda container: container.service().on_user_deleted)],
    publishes=[
        ArticlePublished,
        ArticleEdited,
        ArticlesDeleted,
        ArticlesRestricted,
        ArticlesMadePublic,
        ArticleFavorited,
    ],
    schema=SCHEMA,
    personal_data=lambda container: container.service().export_personal_data,
    checks=checks,
    demo=demo,
    commands=[Command("delete", "Delete an article of any author.", delete, "how-to-train-your-dragon")],
)
