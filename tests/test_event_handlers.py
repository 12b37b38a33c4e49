"""What one module does because of another: a comment never outlives its article."""

from typing import cast

import pytest
from sqlalchemy import func, select

from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.articles.contracts import ArticleDeleted
from modules.comments.container import CommentsContainer
from modules.comments.infrastructure.tables import CommentRow
from modules.kernel.domain.events import EventHandler
from tests.client import Api, Json


@pytest.fixture
def settings(dedicated_settings: Settings) -> Settings:
    """Return the settings of a Conduit whose events nobody else hears."""
    return dedicated_settings


@pytest.fixture
def comments(composition: Composition) -> CommentsContainer:
    """Return the container of comments, on the database of the test."""
    return cast("CommentsContainer", composition.containers["comments"])


@pytest.fixture
async def dragons(api: Api) -> Json:
    """Return an article of jake's with comments of anna's on it."""
    article = await api.as_user("jake").publish("Dragons")
    for text in ("Nice", "Very nice"):
        await api.as_user("anna").comment(article, text)
    return article


async def rows(comments: CommentsContainer) -> int | None:
    """Return how many comments there are, whatever articles there are."""
    async with comments.database().snapshot() as session:
        return await session.scalar(select(func.count()).select_from(CommentRow))


def fail_on_article_deleted(comments: CommentsContainer) -> list[int | None]:
    """Subscribe, after comments has, what cannot let go of an article.

    Returns how many comments there were each time that it was told.
    """
    left: list[int | None] = []

    async def fail(_event: ArticleDeleted) -> None:
        left.append(await rows(comments))
        raise LookupError("cannot let go")

    def failing() -> EventHandler[ArticleDeleted]:
        return fail

    comments.events().subscribe(ArticleDeleted, failing)
    return left


async def test_deleting_an_article_takes_its_comments_with_it_and_no_others(
    api: Api, comments: CommentsContainer, dragons: Json
) -> None:
    knights = await api.as_user("jake").publish("Knights")
    await api.as_user("anna").comment(knights)
    await api.as_user("jake").delete(f"/articles/{dragons['slug']}")
    assert await rows(comments) == 1
    assert len((await api.get("/articles/knights/comments")).json()["comments"]) == 1


async def test_a_failing_subscriber_leaves_article_and_comments_in_place(
    api: Api, comments: CommentsContainer, dragons: Json
) -> None:
    said = (await api.get("/articles/dragons/comments")).json()
    left = fail_on_article_deleted(comments)
    response = await api.as_user("jake").delete("/articles/dragons")
    assert left == [0]
    assert response.status_code == 500
    [[message]] = response.json()["errors"].values()
    assert response.headers["X-Request-ID"] in message
    assert (await api.as_user("jake").get("/articles/dragons")).json()["article"] == dragons
    assert (await api.get("/articles/dragons/comments")).json() == said
    assert await rows(comments) == 2


async def test_what_is_refused_tells_nobody(api: Api, comments: CommentsContainer, dragons: Json) -> None:
    told = fail_on_article_deleted(comments)
    response = await api.as_user("anna").delete(f"/articles/{dragons['slug']}")
    assert response.status_code == 403
    assert told == []
    assert await rows(comments) == 2


async def test_an_article_of_the_same_name_begins_without_comments(api: Api, dragons: Json) -> None:
    await api.as_user("jake").delete(f"/articles/{dragons['slug']}")
    again = await api.as_user("jake").publish("Dragons")
    assert again["slug"] == dragons["slug"]
    assert (await api.get("/articles/dragons/comments")).json() == {"comments": []}
