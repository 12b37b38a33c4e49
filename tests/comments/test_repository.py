"""Comments on a real database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from modules.articles.contracts import ArticleId
from modules.comments.container import CommentsContainer
from modules.comments.domain.comment import Comment, CommentBody, CommentId, CommentNotFound
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, Position
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.database import Database

DRAGONS, KNIGHTS = ArticleId(1), ArticleId(2)
JAKE, ANNA = UserId(1), UserId(2)
SECOND = timedelta(seconds=1)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Return an empty database in a file, as deployments have it."""
    return Database(f"sqlite+aiosqlite:///{tmp_path}/comments.db", synchronous="NORMAL")


async def say(
    comments: CommentsContainer, text: str = "Nice", article: ArticleId = DRAGONS, at: datetime = NOON
) -> Comment:
    return await comments.repository().add(article, ANNA, CommentBody(text), at)


async def texts(comments: CommentsContainer, article: ArticleId = DRAGONS) -> Sequence[str]:
    return [comment.body for comment in await comments.repository().by_article(article)]


class TestAdd:
    async def test_what_is_kept_is_what_was_said(self, comments: CommentsContainer) -> None:
        comment = await say(comments, "  Nice\n")
        assert comment == Comment(comment.id, DRAGONS, ANNA, "  Nice\n", NOON)
        assert await comments.repository().by_article(DRAGONS) == [comment]

    async def test_an_id_is_never_given_twice(self, comments: CommentsContainer) -> None:
        first = await say(comments)
        await comments.repository().remove(first.id)
        assert (await say(comments)).id != first.id


class TestPages:
    async def test_a_page_is_what_it_says_and_the_one_behind_it(self, comments: CommentsContainer) -> None:
        for number in range(5):
            await say(comments, str(number), at=NOON + number * SECOND)
        repository = comments.repository()
        third = (await repository.by_article(DRAGONS))[2]
        for page in (
            PageRequest(limit=1, offset=3),
            PageRequest(limit=1, after=Position(third.created_at, third.id)),
        ):
            assert [comment.body for comment in await repository.by_article(DRAGONS, page)] == ["1", "0"]


class TestOfArticle:
    async def test_the_newest_come_first_and_of_one_moment_the_last_one_kept(
        self, comments: CommentsContainer
    ) -> None:
        for text, at in [("second", NOON), ("third", NOON), ("first", NOON - SECOND)]:
            await say(comments, text, at=at)
        assert await texts(comments) == ["third", "second", "first"]

    async def test_another_articles_are_not_among_them(self, comments: CommentsContainer) -> None:
        await say(comments, article=KNIGHTS)
        assert await texts(comments, DRAGONS) == []


class TestHeld:
    async def test_it_is_the_comment(self, comments: CommentsContainer) -> None:
        comment = await say(comments)
        async with comments.database().transaction():
            assert await comments.repository().get_for_update(DRAGONS, comment.id) == comment

    async def test_on_another_article_it_is_not_found(self, comments: CommentsContainer) -> None:
        comment = await say(comments)
        with pytest.raises(CommentNotFound):
            await comments.repository().get_for_update(KNIGHTS, comment.id)

    async def test_what_does_not_exist_is_not_found(self, comments: CommentsContainer) -> None:
        with pytest.raises(CommentNotFound):
            await comments.repository().get_for_update(DRAGONS, CommentId(1000))


class TestRemove:
    async def test_one_is_gone_and_no_other(self, comments: CommentsContainer) -> None:
        first = await say(comments, "first")
        await say(comments, "second")
        await comments.repository().remove(first.id)
        assert await texts(comments) == ["second"]

    async def test_all_of_an_article_are_gone_and_no_others(self, comments: CommentsContainer) -> None:
        await say(comments, article=DRAGONS)
        await say(comments, article=DRAGONS)
        await say(comments, article=KNIGHTS)
        await comments.repository().delete_by_article(DRAGONS)
        assert await texts(comments, DRAGONS) == []
        assert await texts(comments, KNIGHTS) == ["Nice"]
