"""A plugin whose moderators hide articles from everyone but their authors and themselves."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Annotated, TypeAlias

from dependency_injector import providers
from fastapi import APIRouter, Depends

from modules.articles.contracts import ArticleDirectory, ArticleRestrictions
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.router import ModuleRouter
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.domain.visibility import AudienceSource
from modules.kernel.module import Module
from modules.users.contracts import UserDirectory

POLICY = "moderation"
MODERATORS = "moderators"


class ModerationContainer(ModuleContainer):
    """Offers nothing."""

    articles = providers.Dependency(instance_of=ArticleDirectory)
    restrictions = providers.Dependency(instance_of=ArticleRestrictions)
    tokens = providers.Dependency(instance_of=TokenVerifier)
    users = providers.Dependency(instance_of=UserDirectory)


def audiences(container: ModerationContainer) -> AudienceSource:
    """Return the function that returns a user's audiences: users called moderator-… are moderators."""

    async def of_user(user_id: UserId) -> Collection[str]:
        users = await container.users().users([user_id])
        return [MODERATORS for user in users.values() if user.username.startswith("moderator-")]

    return of_user


def router(container: ModerationContainer) -> APIRouter:
    """Return the routes that hide and show an article. In this test plugin anyone who sees it may do so."""
    articles, restrictions = container.articles(), container.restrictions()
    router = ModuleRouter(tags=["Moderation"])
    authentication = Authentication(container.tokens())
    CurrentUser: TypeAlias = Annotated[UserId, Depends(authentication.required)]

    @router.put("/articles/{slug}/hidden", operation_id="HideArticle", status_code=HTTPStatus.NO_CONTENT)
    async def hide(slug: str, user_id: CurrentUser) -> None:
        """Hide an article."""
        await restrictions.restrict((await articles.ids({slug}, user_id)).values(), POLICY, MODERATORS)

    @router.delete("/articles/{slug}/hidden", operation_id="ShowArticle", status_code=HTTPStatus.NO_CONTENT)
    async def show(slug: str, user_id: CurrentUser) -> None:
        """Show a hidden article again."""
        await restrictions.lift((await articles.ids({slug}, user_id)).values(), POLICY)

    return router


MODULE = Module(
    name=POLICY,
    container=ModerationContainer,
    needs={
        "articles": ArticleDirectory,
        "restrictions": ArticleRestrictions,
        "tokens": TokenVerifier,
        "users": UserDirectory,
    },
    routers=[router],
    audiences=audiences,
)
