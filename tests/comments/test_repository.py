"""The repository of comments."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from modules.articles.contracts import ArticleId
from modules.comments.container import CommentsContainer
from modules.comments.domain.comment import (
    MAX_PAGE_BYTES,
    Comment,
    CommentBody,
    CommentId,
    CommentNotFound,
)
from modules.comments.infrastructure.comments import PAGE
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, Position
from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.engines import DatabaseOptions

DRAGONS, KNIGHTS = ArticleId(1), ArticleId(2)
JAKE, ANNA = UserId(1), UserId(2)
SECOND = timedelta(seconds=1)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Return an empty database in a file."""
    return Database(f"sqlite+aiosqlite:///{tmp_path}/comments.db", DatabaseOptions(synchronous="NORMAL"))


async def add(
    comments: CommentsContainer,
    text: str = "Nice",
    article_id: ArticleId = DRAGONS,
    created_at: datetime = NOON,
) -> Comment:
    return await comments.repository().add(article_id, ANNA, CommentBody(text), created_at)


async def texts(comments: CommentsContainer, article_id: ArticleId = DRAGONS) -> Sequence[str]:
    page_comments, _ = await comments.repository().by_article(article_id)
    return [comment.body for comment in page_comments]


class TestAdd:
    async def test_added_comment_is_read_back(self, comments: CommentsContainer) -> None:
        comment = await add(comments, "  Nice\n")
        assert comment == Comment(comment.id, DRAGONS, ANNA, "  Nice\n", NOON)
        assert await comments.repository().by_article(DRAGONS) == ([comment], None)

    async def test_id_is_never_reused(self, comments: CommentsContainer) -> None:
        first = await add(comments)
        await comments.repository().delete(first.id)
        assert (await add(comments)).id != first.id


class TestPage:
    async def test_page_has_its_limit_and_the_position_of_the_next(self, comments: CommentsContainer) -> None:
        for number in range(5):
            await add(comments, str(number), created_at=NOON + number * SECOND)
        repository = comments.repository()
        (_, _, third, fourth, _), _ = await repository.by_article(DRAGONS)
        after = Position(third.created_at, third.id)
        for page in (PageRequest(limit=1, offset=3), PageRequest(limit=1, after=after)):
            rest = ([fourth], Position(fourth.created_at, fourth.id))
            assert await repository.by_article(DRAGONS, page) == rest

    @pytest.mark.parametrize("character", ["x", "\u00e9", "\U0001f409"])
    async def test_page_ends_before_its_bodies_exceed_the_budget(
        self, comments: CommentsContainer, character: str
    ) -> None:
        body = character * (MAX_PAGE_BYTES // 32 // len(character.encode()))
        everything = [await add(comments, body, created_at=NOON + number * SECOND) for number in range(70)]
        everything.reverse()
        sizes: list[int] = []
        seen: list[Comment] = []
        position: Position | None = None
        while not sizes or position is not None:
            page = PageRequest(100, after=position)
            found, position = await comments.repository().by_article(DRAGONS, page)
            sizes.append(len(found))
            seen += found
        assert sizes == [32, 32, 6]
        assert seen == everything

    async def test_bodies_beyond_the_budget_are_not_loaded(self, comments: CommentsContainer) -> None:
        for number in range(30):
            await add(comments, "x" * 50_000, created_at=NOON + number * SECOND)
        page = {"article_id": DRAGONS, "rows": 101, "offset": 0}
        rows = await comments.database().fetch_all(PAGE, page)
        assert len(rows) == 30
        assert sum(len(row.body or "") for row in rows) == 20 * 50_000


class TestByArticle:
    async def test_newest_come_first_and_at_equal_times_the_last_added(
        self, comments: CommentsContainer
    ) -> None:
        for text, created_at in [("second", NOON), ("third", NOON), ("first", NOON - SECOND)]:
            await add(comments, text, created_at=created_at)
        assert await texts(comments) == ["third", "second", "first"]

    async def test_comments_on_another_article_are_omitted(self, comments: CommentsContainer) -> None:
        await add(comments, article_id=KNIGHTS)
        assert await texts(comments, DRAGONS) == []


class TestGetForUpdate:
    async def test_comment_is_returned(self, comments: CommentsContainer) -> None:
        comment = await add(comments)
        async with comments.database().transaction():
            assert await comments.repository().get_for_update(DRAGONS, comment.id) == comment

    async def test_comment_on_another_article_is_not_found(self, comments: CommentsContainer) -> None:
        comment = await add(comments)
        with pytest.raises(CommentNotFound):
            await comments.repository().get_for_update(KNIGHTS, comment.id)

    async def test_unknown_comment_is_not_found(self, comments: CommentsContainer) -> None:
        with pytest.raises(CommentNotFound):
            await comments.repository().get_for_update(DRAGONS, CommentId(1000))


class TestDelete:
    async def test_one_comment_is_deleted(self, comments: CommentsContainer) -> None:
        first = await add(comments, "first")
        await add(comments, "second")
        await comments.repository().delete(first.id)
        assert await texts(comments) == ["second"]

    async def test_all_comments_on_an_article_are_deleted(self, comments: CommentsContainer) -> None:
        await add(comments, article_id=DRAGONS)
        await add(comments, article_id=DRAGONS)
        await add(comments, article_id=KNIGHTS)
        await comments.repository().delete_by_articles([DRAGONS])
        assert await texts(comments, DRAGONS) == []
        assert await texts(comments, KNIGHTS) == ["Nice"]
