"""Comments are found and sorted by an index, however many there are."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine

from modules.comments.infrastructure.comments import OF_ARTICLE, PAGE, PAGE_AFTER
from modules.comments.infrastructure.tables import CommentRow
from tests.sql_recorder import plan


def test_an_articles_comments_are_found_and_sorted_by_one_index(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/comments.db")
    CommentRow.metadata.create_all(engine)
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "comments.db")) as connection:
        [[every], [first], [after_position]] = [
            plan(connection, statement) for statement in (OF_ARTICLE, PAGE, PAGE_AFTER)
        ]
    index = "ix_comments_comment_article_id_created_at_id"
    assert every.endswith(f"{index} (article_id=?)")
    assert first.endswith(f"{index} (article_id=?)")
    assert after_position.endswith(f"{index} (article_id=? AND created_at<?)")
