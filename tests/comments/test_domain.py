"""The rules of comments, without a database."""

from datetime import timedelta

import pytest

from modules.articles.contracts import ArticleDeleted, ArticleId
from modules.articles.fakes import FakeArticleDirectory
from modules.comments.contracts import CommentAdded
from modules.comments.domain.comment import (
    ArticleNotFound,
    Comment,
    CommentBody,
    CommentId,
    CommentNotFound,
    NotTheAuthor,
)
from modules.comments.domain.service import CommentService, CommentView
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.fakes import NOON, FakeClock, FakeEvents, FakeUnitOfWork
from modules.profiles.fakes import FakeProfileReader
from modules.users.contracts import UserDeleted
from tests.comments.fakes import FakeComments

SECOND = timedelta(seconds=1)


class TestText:
    def test_it_is_kept_as_it_was_typed(self) -> None:
        assert CommentBody("  Nice\n\nvery ").text == "  Nice\n\nvery "

    def test_it_is_not_blank_and_has_an_end(self) -> None:
        for text, problem in [
            ("", "can't be blank"),
            ("\n", "can't be blank"),
            ("x" * 50_001, "is too long"),
        ]:
            with pytest.raises(Invalid, match=problem):
                CommentBody(text)


def test_only_its_author_may_delete_a_comment() -> None:
    comment = Comment(CommentId(1), ArticleId(1), UserId(1), "Nice", NOON)
    comment.require_author(UserId(1))
    with pytest.raises(NotTheAuthor):
        comment.require_author(UserId(2))


class Scene:
    """The use cases on fakes, at noon, with jake's articles "dragons" and "knights"."""

    def __init__(self) -> None:
        self.unit_of_work = FakeUnitOfWork()
        self.profiles = FakeProfileReader()
        self.jake, self.anna = self.profiles.add("jake"), self.profiles.add("anna")
        self.articles = FakeArticleDirectory(self.unit_of_work, self.profiles)
        self.dragons = self.articles.add("dragons", author=self.jake)
        self.knights = self.articles.add("knights", author=self.jake)
        self.kept = FakeComments(self.unit_of_work)
        self.clock = FakeClock()
        self.events = FakeEvents(self.unit_of_work)
        self.service = CommentService(
            self.unit_of_work, self.kept, self.articles, self.profiles, self.events, self.clock
        )

    async def say(self, text: str = "Nice", slug: str = "dragons") -> CommentView:
        """Comment as anna."""
        return await self.service.say(slug, CommentBody(text), self.anna)

    async def texts(self, slug: str = "dragons") -> list[str]:
        """Return what is said about an article."""
        return [view.comment.body for view in (await self.service.comments(slug, None)).comments]


@pytest.fixture
def scene() -> Scene:
    return Scene()


class TestSay:
    async def test_the_comment_is_kept_and_seen_at_once(self, scene: Scene) -> None:
        view = await scene.say("Nice")
        assert view.comment == Comment(view.comment.id, scene.dragons, scene.anna, "Nice", NOON)
        assert view.author.username == "anna"
        assert scene.kept.kept == {view.comment.id: view.comment}
        assert scene.events.published == [CommentAdded(scene.dragons, view.comment.id, scene.anna)]

    async def test_what_does_not_exist_cannot_be_commented_on(self, scene: Scene) -> None:
        with pytest.raises(ArticleNotFound):
            await scene.say(slug="unknown")
        assert scene.kept.kept == {}
        assert scene.events.published == []


class TestComments:
    async def test_the_newest_come_first(self, scene: Scene) -> None:
        await scene.say("first")
        scene.clock.at += SECOND
        await scene.say("second")
        await scene.say("third")
        assert await scene.texts() == ["third", "second", "first"]

    async def test_they_are_those_of_this_article(self, scene: Scene) -> None:
        await scene.say("on dragons", "dragons")
        await scene.say("on knights", "knights")
        assert await scene.texts("knights") == ["on knights"]

    async def test_their_authors_are_seen_by_the_viewer(self, scene: Scene) -> None:
        await scene.say()
        scene.profiles.follow(scene.jake, scene.anna)
        [seen_by_jake] = (await scene.service.comments("dragons", scene.jake)).comments
        [seen_by_nobody] = (await scene.service.comments("dragons", None)).comments
        assert seen_by_jake.author.following
        assert not seen_by_nobody.author.following

    async def test_a_part_of_them_tells_where_the_next_one_begins(self, scene: Scene) -> None:
        for text in ("first", "second", "third"):
            await scene.say(text)
        newest = await scene.service.comments("dragons", None, PageRequest(limit=2))
        oldest = await scene.service.comments("dragons", None, PageRequest(limit=2, after=newest.next))
        parts = [[view.comment.body for view in part.comments] for part in (newest, oldest)]
        assert parts == [["third", "second"], ["first"]]
        assert oldest.next is None

    async def test_what_does_not_exist_has_none(self, scene: Scene) -> None:
        with pytest.raises(ArticleNotFound):
            await scene.service.comments("unknown", None)


class TestTakeBack:
    async def test_the_author_deletes_the_comment(self, scene: Scene) -> None:
        comment = (await scene.say("first")).comment
        await scene.say("second")
        await scene.service.take_back("dragons", comment.id, scene.anna)
        assert await scene.texts() == ["second"]

    async def test_nobody_else_may_not_even_the_articles_author(self, scene: Scene) -> None:
        comment = (await scene.say()).comment
        with pytest.raises(NotTheAuthor):
            await scene.service.take_back("dragons", comment.id, scene.jake)
        assert await scene.texts() == ["Nice"]

    async def test_it_is_not_found_on_another_article(self, scene: Scene) -> None:
        comment = (await scene.say()).comment
        with pytest.raises(CommentNotFound):
            await scene.service.take_back("knights", comment.id, scene.anna)
        assert await scene.texts() == ["Nice"]

    async def test_what_does_not_exist_cannot_be_deleted(self, scene: Scene) -> None:
        with pytest.raises(CommentNotFound):
            await scene.service.take_back("dragons", CommentId(1000), scene.anna)
        with pytest.raises(ArticleNotFound):
            await scene.service.take_back("unknown", CommentId(1000), scene.anna)


class TestUserDeleted:
    async def test_the_users_comments_go_and_no_others(self, scene: Scene) -> None:
        await scene.say("of anna")
        await scene.service.say("dragons", CommentBody("of jake"), scene.jake)
        async with scene.unit_of_work.transaction():
            await scene.service.on_user_deleted(UserDeleted(scene.anna))
        assert await scene.texts() == ["of jake"]

    async def test_comments_of_somebody_unknown_are_not_shown(self, scene: Scene) -> None:
        await scene.say("of anna")
        async with scene.unit_of_work.transaction():
            await scene.kept.add(scene.dragons, UserId(1000), CommentBody("of nobody"), NOON)
        assert await scene.texts() == ["of anna"]

    async def test_who_is_deleted_meanwhile_cannot_comment(self, scene: Scene) -> None:
        with pytest.raises(TokenInvalid):
            await scene.service.say("dragons", CommentBody("of nobody"), UserId(1000))


class TestOwnData:
    async def test_it_is_what_the_user_said_and_where(self, scene: Scene) -> None:
        said = (await scene.say("Nice", "knights")).comment
        await scene.service.say("dragons", CommentBody("of jake"), scene.jake)
        assert await scene.service.export_personal_data(scene.anna) == {
            "comments": [
                {"id": said.id, "article": "knights", "body": "Nice", "createdAt": "2026-01-31T12:00:00.000Z"}
            ]
        }


class TestArticleDeleted:
    async def test_its_comments_go_with_it_and_no_others(self, scene: Scene) -> None:
        await scene.say("on dragons", "dragons")
        await scene.say("on knights", "knights")
        async with scene.unit_of_work.transaction():
            await scene.service.on_article_deleted(ArticleDeleted(scene.dragons))
        assert await scene.texts("dragons") == []
        assert await scene.texts("knights") == ["on knights"]
