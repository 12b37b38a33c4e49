"""The domain of comments, without a database."""

from collections.abc import AsyncIterator

import pytest

from modules.articles.contracts import ArticleId, ArticlesDeleted
from modules.articles.fakes import FakeArticleDirectory
from modules.comments.contracts import CommentAdded
from modules.comments.domain.comment import (
    Comment,
    CommentBody,
    CommentId,
    NotTheAuthor,
)
from modules.comments.domain.service import CommentService, CommentView
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.fakes import NOON, FakeClock, FakeEvents, FakeUnitOfWork
from modules.profiles.fakes import FakeProfileReader
from modules.users.contracts import UserDeleted
from tests.comments.fakes import FakeComments


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "can't be blank"), ("\n", "can't be blank"), ("x" * 50_001, "is too long")],
    ids=["empty", "blank", "long"],
)
def test_invalid_body_is_rejected(text: str, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        CommentBody(text)


def test_body_is_stored_verbatim() -> None:
    assert CommentBody("  Nice\n\nvery ").text == "  Nice\n\nvery "


def test_only_the_author_passes_require_author() -> None:
    comment = Comment(CommentId(1), ArticleId(1), UserId(1), "Nice", NOON)
    comment.require_author(UserId(1))
    with pytest.raises(NotTheAuthor):
        comment.require_author(UserId(2))


class UseCases:
    """The use cases on fakes, at noon, with jake's articles "dragons" and "knights"."""

    def __init__(self) -> None:
        self.unit_of_work = FakeUnitOfWork()
        self.profiles = FakeProfileReader()
        self.jake, self.anna = self.profiles.add("jake"), self.profiles.add("anna")
        self.articles = FakeArticleDirectory(self.unit_of_work, self.profiles)
        self.dragons = self.articles.add("dragons", author=self.jake)
        self.knights = self.articles.add("knights", author=self.jake)
        self.comments = FakeComments(self.unit_of_work)
        self.clock = FakeClock()
        self.events = FakeEvents(self.unit_of_work)
        self.service = CommentService(
            self.unit_of_work, self.comments, self.articles, self.profiles, self.events, self.clock
        )

    async def add(self, text: str = "Nice", slug: str = "dragons") -> CommentView:
        """Comment as anna."""
        return await self.service.add(slug, CommentBody(text), self.anna)

    async def texts(self, slug: str = "dragons") -> list[str]:
        """Return the bodies of the comments on an article."""
        return [view.body for view in (await self.service.comments(slug, None)).comments]


@pytest.fixture
def use_cases() -> UseCases:
    return UseCases()


async def test_added_comment_is_returned_and_publishes_an_event(use_cases: UseCases) -> None:
    view = await use_cases.add("Nice")
    comment = Comment(view.id, use_cases.dragons, use_cases.anna, "Nice", NOON)
    assert (view.body, view.created_at, view.updated_at) == ("Nice", NOON, NOON)
    assert view.author.username == "anna"
    assert use_cases.comments.stored == {view.id: comment}
    assert use_cases.events.published == [CommentAdded(use_cases.dragons, view.id, use_cases.anna)]


async def test_deleted_user_cannot_comment(use_cases: UseCases) -> None:
    with pytest.raises(TokenInvalid):
        await use_cases.service.add("dragons", CommentBody("By nobody"), UserId(1000))


async def test_comments_of_unknown_users_are_omitted(use_cases: UseCases) -> None:
    await use_cases.add("By anna")
    async with use_cases.unit_of_work.transaction():
        await use_cases.comments.add(use_cases.dragons, UserId(1000), CommentBody("By nobody"), NOON)
    assert await use_cases.texts() == ["By anna"]


async def test_user_deletion_deletes_comments_of_the_user_only(use_cases: UseCases) -> None:
    await use_cases.add("By anna")
    await use_cases.service.add("dragons", CommentBody("By jake"), use_cases.jake)
    async with use_cases.unit_of_work.transaction():
        await use_cases.service.on_user_deleted(UserDeleted(use_cases.anna))
    assert await use_cases.texts() == ["By jake"]


async def test_article_deletion_deletes_comments_on_the_article_only(use_cases: UseCases) -> None:
    await use_cases.add("On dragons", "dragons")
    await use_cases.add("On knights", "knights")
    async with use_cases.unit_of_work.transaction():
        await use_cases.service.on_articles_deleted(ArticlesDeleted(1, (use_cases.dragons,)))
    assert await use_cases.texts("dragons") == []
    assert await use_cases.texts("knights") == ["On knights"]


async def test_personal_data_has_own_comments_and_their_articles(use_cases: UseCases) -> None:
    comment = await use_cases.add("Nice", "knights")
    await use_cases.service.add("dragons", CommentBody("By jake"), use_cases.jake)
    comments = (await use_cases.service.export_personal_data(use_cases.anna))["comments"]
    assert isinstance(comments, AsyncIterator)
    assert [exported async for exported in comments] == [
        {"id": comment.id, "article": "knights", "body": "Nice", "createdAt": "2026-01-31T12:00:00.000Z"}
    ]


async def test_only_the_author_deletes_a_comment(use_cases: UseCases) -> None:
    view = await use_cases.add("Nice")
    with pytest.raises(NotTheAuthor):
        await use_cases.service.delete("dragons", view.id, use_cases.jake)
    assert await use_cases.texts() == ["Nice"]
