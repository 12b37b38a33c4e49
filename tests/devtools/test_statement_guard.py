"""The guard against queries per row, on the module comments booted alone."""

from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import pytest

from conduit_devtools.statement_guard import Case, Operation, lists, require_constant_statements
from conduit_devtools.testkit import ModuleTestApp, boot_module
from modules.articles.contracts import ArticleDirectory, ArticleId, ArticlesDeleted
from modules.articles.fakes import FakeArticleDirectory
from modules.comments.domain.service import CommentService
from modules.comments.infrastructure.comments import DELETE_BY_ARTICLES, SqlComments
from modules.comments.module import MODULE as COMMENTS
from modules.kernel.domain.identity import UserId
from modules.users.contracts import UserDeleted
from tests.client import Api
from tests.devtools.test_testkit import UpstreamFakes

Cases = dict[Operation, Case[Any]]


@pytest.fixture
def upstream() -> UpstreamFakes:
    return UpstreamFakes()


@pytest.fixture
async def comments(upstream: UpstreamFakes) -> AsyncIterator[ModuleTestApp]:
    """Return the comments module, booted alone."""
    async with boot_module(COMMENTS, upstream.offers, database=upstream.database) as comments:
        yield comments


@pytest.fixture
def cases(comments: ModuleTestApp, upstream: UpstreamFakes) -> Cases:
    """Return a case for each list and subscription of comments."""
    api = Api(comments.application, upstream.tokens).as_user("jake")
    articles = upstream.offers[ArticleDirectory]
    assert isinstance(articles, FakeArticleDirectory)

    async def comment(_number: int) -> ArticleId:
        await api.comment({"slug": "dragons"})
        return upstream.dragons

    async def article_with_comment(number: int) -> ArticleId:
        article_id = articles.add(f"article-{number}", author=upstream.jake)
        await api.comment({"slug": f"article-{number}"})
        return article_id

    return {
        "GetArticleComments": Case(comment, lambda _: api.get("/articles/dragons/comments")),
        UserDeleted: Case(comment, lambda _: comments.publish(UserDeleted(upstream.jake))),
        ArticlesDeleted: Case(
            article_with_comment,
            lambda ids: comments.publish(ArticlesDeleted(upstream.jake, tuple(map(int, ids)))),
        ),
    }


async def test_constant_statements_pass(comments: ModuleTestApp, cases: Cases) -> None:
    await require_constant_statements(comments, cases)


async def test_query_per_row_of_a_subscriber_is_reported(
    comments: ModuleTestApp, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def delete_each(repository: SqlComments, article_ids: Collection[ArticleId]) -> None:
        for article_id in article_ids:
            await repository._database.execute(DELETE_BY_ARTICLES, {"article_ids": [article_id]})

    monkeypatch.setattr(SqlComments, "delete_by_articles", delete_each)
    with pytest.raises(AssertionError) as caught:
        await require_constant_statements(comments, cases)
    message = str(caught.value)
    assert message.startswith("comments: the subscription to ArticlesDeleted sends ")
    assert ", among them 18 more of DELETE FROM comments_comment WHERE" in message


async def test_call_of_a_contract_per_row_of_a_list_is_reported(
    comments: ModuleTestApp, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    views: Callable[..., Any] = CommentService._views

    async def view_each(service: CommentService, found: Collection[Any], viewer: UserId | None) -> list[Any]:
        return [view for comment in found for view in await views(service, [comment], viewer)]

    monkeypatch.setattr(CommentService, "_views", view_each)
    with pytest.raises(
        AssertionError, match=r"GetArticleComments sends .* 19 more of ProfileReader\.profiles\(\)"
    ):
        await require_constant_statements(comments, cases)


@pytest.mark.parametrize("operation", ["GetArticleComments", ArticlesDeleted, UserDeleted])
async def test_list_or_subscription_without_a_case_is_reported(
    comments: ModuleTestApp, cases: Cases, operation: Operation
) -> None:
    del cases[operation]
    name = operation if isinstance(operation, str) else f"the subscription to {operation.__name__}"
    with pytest.raises(AssertionError, match=f"^comments: {name} has no case$"):
        await require_constant_statements(comments, cases)


async def test_case_of_an_unknown_operation_is_reported(comments: ModuleTestApp, cases: Cases) -> None:
    cases["GetComment"] = cases["GetArticleComments"]
    with pytest.raises(AssertionError, match="GetComment is neither a GET nor a subscription of the module"):
        await require_constant_statements(comments, cases)


@pytest.mark.parametrize("operation", ["GetArticleComments", ArticlesDeleted])
async def test_case_that_creates_nothing_is_reported(
    comments: ModuleTestApp, cases: Cases, operation: Operation
) -> None:
    async def create_nothing(_number: int) -> ArticleId:
        return ArticleId(1)

    cases[operation] = Case(create_nothing, cases[operation].send)
    with pytest.raises(AssertionError, match=r"create\(\) must create those that it reads"):
        await require_constant_statements(comments, cases)


def document(schema: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    """Return an OpenAPI document with one GET."""
    response = {"content": {media_type: {"schema": schema}}}
    operation = {"operationId": "GetNotes", "responses": {"200": response, "404": {}}}
    note = {"type": "object", "properties": {"words": {"type": "array", "items": {"type": "string"}}}}
    notes = {"type": "object", "properties": {"notes": {"type": "array", "items": {"$ref": "#/a/Note"}}}}
    return {
        "paths": {"/notes": {"get": operation, "post": {"operationId": "AddNote"}}},
        "components": {"schemas": {"Note": note, "Notes": notes}},
    }


WORDS = {"type": "array", "items": {"type": "string"}}


@pytest.mark.parametrize(
    "listing",
    [
        document({"$ref": "#/components/schemas/Notes"}),
        document({"type": "object", "properties": {"page": {"$ref": "#/components/schemas/Notes"}}}),
        document({"type": "object", "properties": {"words": WORDS}}),
        document(WORDS),
        document({}, "application/atom+xml"),
    ],
)
def test_list_is_recognized(listing: dict[str, Any]) -> None:
    assert lists(listing) == ["GetNotes"]


@pytest.mark.parametrize(
    "other",
    [
        document({"type": "object", "properties": {"note": {"$ref": "#/components/schemas/Note"}}}),
        document({"type": "string"}, "text/event-stream"),
    ],
)
def test_single_object_and_stream_are_no_lists(other: dict[str, Any]) -> None:
    assert lists(other) == []
