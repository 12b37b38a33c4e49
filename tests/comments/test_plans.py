"""Comments are found and sorted by an index, however many there are."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine

from modules.comments.infrastructure.comments import OF_ARTICLE
from modules.comments.infrastructure.tables import CommentRow
from tests.statements import plan


def test_an_articles_comments_are_found_and_sorted_by_one_index(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/comments.db")
    CommentRow.metadata.create_all(engine)
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "comments.db")) as connection:
        [only] = plan(connection, OF_ARTICLE)
    assert only.endswith("ix_comments_comment_article_id_created_at_id (article_id=?)")
