"""Lists and subscriptions of the core modules send no statement per row, on the whole application."""

from itertools import count
from typing import cast

import pytest

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from conduit_devtools.statement_guard import Case, require_constant_statements
from conduit_devtools.testkit import ModuleTestApp
from modules.articles.container import ArticlesContainer
from modules.articles.contracts import ArticleId, ArticlesDeleted
from modules.kernel.container import ModuleContainer
from modules.kernel.module import Module
from modules.users.contracts import UserDeleted
from tests.client import Api
from tests.test_account_deletion import id_of


@pytest.fixture
def settings(core_settings: Settings) -> Settings:
    """Return the settings without modules that are not the tree's: they have tests of their own."""
    return core_settings


def whole(settings: Settings, composition: Composition) -> ModuleTestApp:
    """Return the application, without its response cache, as one module with all subscriptions."""
    uncached = settings.model_copy(update={"response_cache_size": 0})
    subscriptions = [item for module in composition.modules for item in module.subscriptions]
    return ModuleTestApp(
        module=Module(name="conduit", container=ModuleContainer, subscriptions=subscriptions),
        offers={},
        application=create_application(uncached, composition),
        container=next(iter(composition.containers.values())),
        database=composition.database,
        published=[],
        messaging=composition.messaging,
    )


async def test_statements_do_not_depend_on_the_number_of_rows(
    settings: Settings, composition: Composition
) -> None:
    app, numbers = whole(settings, composition), count()
    api = Api(app.application)
    jake, anna = api.as_user("jake"), api.as_user("anna")
    dragons = await jake.publish("Dragons", tags=["fire"])
    await anna.follow("jake")
    jake_id = await id_of(composition, "jake")
    directory = cast("ArticlesContainer", composition.containers["articles"]).directory()

    async def article(_: int) -> ArticleId:
        number = next(numbers)
        published = await jake.publish(f"Knights {number}", tags=["fire", f"tag{number}"])
        await anna.comment(published)
        await anna.favorite(published)
        async with composition.database.transaction():
            [article_id] = (await directory.lock({published["slug"]})).values()
        return article_id

    async def comment(_: int) -> None:
        await anna.comment(dragons)

    await require_constant_statements(
        app,
        {
            "GetArticles": Case(article, lambda _: anna.get("/articles?limit=100")),
            "GetArticlesFeed": Case(article, lambda _: anna.get("/articles/feed?limit=100")),
            "GetTags": Case(article, lambda _: anna.get("/tags")),
            "GetArticleComments": Case(comment, lambda _: anna.get("/articles/dragons/comments?limit=100")),
            ArticlesDeleted: Case(article, lambda ids: app.publish(ArticlesDeleted(jake_id, tuple(ids)))),
            UserDeleted: Case(article, lambda _: app.publish(UserDeleted(jake_id))),
        },
    )
