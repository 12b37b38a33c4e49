"""Query plans: an index finds and sorts the comments on an article."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine

from modules.comments.infrastructure.comments import BY_ARTICLE, PAGE, PAGE_AFTER
from modules.comments.infrastructure.tables import CommentRow
from tests.sql_recorder import plan


def test_one_index_finds_and_sorts_comments_on_an_article(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/comments.db")
    CommentRow.metadata.create_all(engine)
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "comments.db")) as connection:
        [[all_comments], [page], [page_after]] = [
            plan(connection, statement) for statement in (BY_ARTICLE, PAGE, PAGE_AFTER)
        ]
    index = "ix_comments_comment_article_id_created_at_id"
    assert all_comments.endswith(f"{index} (article_id=?)")
    assert page.endswith(f"{index} (article_id=?)")
    assert page_after.endswith(f"{index} (article_id=? AND created_at<?)")
