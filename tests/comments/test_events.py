"""What comments does when an article is deleted. That articles tells it, test_effects.py shows."""

import pytest

from conduit_devtools.testkit import ModuleTestApp
from modules.articles.contracts import ArticleDeleted
from modules.kernel.domain.events import EventHandler
from tests.client import Api, Json
from tests.comments.upstream_fakes import UpstreamFakes


@pytest.fixture(autouse=True)
async def said(api: Api) -> None:
    """Let anna comment twice on "dragons" and once on "knights"."""
    for slug, text in [("dragons", "Nice"), ("dragons", "Very nice"), ("knights", "Brave")]:
        await api.as_user("anna").comment({"slug": slug}, text)


async def texts(api: Api, slug: str) -> list[str]:
    """Return what is said about an article, the newest first."""
    comments: list[Json] = (await api.get(f"/articles/{slug}/comments")).json()["comments"]
    return [comment["body"] for comment in comments]


def fail_on_article_deleted(alone: ModuleTestApp) -> None:
    """Subscribe, after comments has, what cannot let go of an article."""

    async def fail(_event: ArticleDeleted) -> None:
        raise LookupError("cannot let go")

    def failing() -> EventHandler[ArticleDeleted]:
        return fail

    alone.container.events().subscribe(ArticleDeleted, failing)


async def test_the_comments_on_a_deleted_article_go_and_no_others(
    alone: ModuleTestApp, api: Api, upstream: UpstreamFakes
) -> None:
    await alone.publish(ArticleDeleted(upstream.dragons))
    assert await texts(api, "dragons") == []
    assert await texts(api, "knights") == ["Brave"]


async def test_they_stay_when_another_cannot_let_go(
    alone: ModuleTestApp, api: Api, upstream: UpstreamFakes
) -> None:
    fail_on_article_deleted(alone)
    with pytest.raises(LookupError, match="cannot let go"):
        await alone.publish(ArticleDeleted(upstream.dragons))
    assert await texts(api, "dragons") == ["Very nice", "Nice"]


async def test_an_article_that_nobody_commented_on_changes_nothing(
    alone: ModuleTestApp, api: Api, upstream: UpstreamFakes
) -> None:
    castles = upstream.articles.add("castles", author=upstream.users["jake"])
    await alone.publish(ArticleDeleted(castles))
    assert await texts(api, "dragons") == ["Very nice", "Nice"]
