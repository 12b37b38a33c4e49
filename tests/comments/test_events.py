"""Event handlers of comments in the module booted alone; test_event_handlers.py tests them with articles."""

from conduit_devtools.testkit import ModuleTestApp
from modules.articles.contracts import ArticlesDeleted
from tests.client import Api, Json
from tests.comments.upstream_fakes import UpstreamFakes


async def texts(api: Api, slug: str) -> list[str]:
    """Return the bodies of the comments on an article, newest first."""
    comments: list[Json] = (await api.get(f"/articles/{slug}/comments")).json()["comments"]
    return [comment["body"] for comment in comments]


async def test_deleted_article_loses_its_comments_and_others_keep_theirs(
    module_app: ModuleTestApp, api: Api, upstream: UpstreamFakes
) -> None:
    for slug, text in [("dragons", "Nice"), ("dragons", "Very nice"), ("knights", "Brave")]:
        await api.as_user("anna").comment({"slug": slug}, text)
    await module_app.publish(ArticlesDeleted(1, (upstream.dragons,)))
    assert await texts(api, "dragons") == []
    assert await texts(api, "knights") == ["Brave"]
