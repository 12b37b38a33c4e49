"""Subscriptions in the publisher's transaction: a comment never outlives its article."""

from typing import cast

import pytest
from sqlalchemy import func, select

from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.articles.contracts import ArticlesDeleted
from modules.comments.container import CommentsContainer
from modules.comments.infrastructure.tables import CommentRow
from modules.kernel.domain.events import EventHandler
from tests.client import Api, Json


@pytest.fixture
def settings(dedicated_settings: Settings) -> Settings:
    """Use an application of this test's own, because it gets a failing subscriber."""
    return dedicated_settings


@pytest.fixture
def comments(composition: Composition) -> CommentsContainer:
    """Return the container of comments, on the test's database."""
    return cast("CommentsContainer", composition.containers["comments"])


@pytest.fixture
async def dragons(api: Api) -> Json:
    """Return an article by jake with two comments by anna."""
    article = await api.as_user("jake").publish("Dragons")
    for text in ("Nice", "Very nice"):
        await api.as_user("anna").comment(article, text)
    return article


async def rows(comments: CommentsContainer) -> int | None:
    """Return the number of stored comments, also of deleted articles."""
    async with comments.database().snapshot() as session:
        return await session.scalar(select(func.count()).select_from(CommentRow))


def fail_on_articles_deleted(comments: CommentsContainer) -> list[int | None]:
    """Subscribe a failing handler after that of comments.

    Returns a list to which it appends the number of comments that it finds.
    """
    counts: list[int | None] = []

    async def fail(_event: ArticlesDeleted) -> None:
        counts.append(await rows(comments))
        raise LookupError("cannot delete")

    def failing() -> EventHandler[ArticlesDeleted]:
        return fail

    comments.events().subscribe(ArticlesDeleted, failing)
    return counts


async def test_failing_subscriber_rolls_back_the_deletion(
    api: Api, comments: CommentsContainer, dragons: Json
) -> None:
    before = (await api.get("/articles/dragons/comments")).json()
    counts = fail_on_articles_deleted(comments)
    response = await api.as_user("jake").delete("/articles/dragons")
    assert counts == [0]
    assert response.status_code == 500
    [[message]] = response.json()["errors"].values()
    assert response.headers["X-Request-ID"] in message
    assert (await api.as_user("jake").get("/articles/dragons")).json()["article"] == dragons
    assert (await api.get("/articles/dragons/comments")).json() == before
    assert await rows(comments) == 2


async def test_rejected_deletion_publishes_no_event(
    api: Api, comments: CommentsContainer, dragons: Json
) -> None:
    counts = fail_on_articles_deleted(comments)
    response = await api.as_user("anna").delete(f"/articles/{dragons['slug']}")
    assert response.status_code == 403
    assert counts == []
    assert await rows(comments) == 2


async def test_new_article_with_the_same_slug_has_no_comments(api: Api, dragons: Json) -> None:
    await api.as_user("jake").delete(f"/articles/{dragons['slug']}")
    republished = await api.as_user("jake").publish("Dragons")
    assert republished["slug"] == dragons["slug"]
    assert (await api.get("/articles/dragons/comments")).json() == {"comments": []}
