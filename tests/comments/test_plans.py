"""Query plans: an index finds the comments of a page, in their order, and their bodies are read by key."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine

from modules.comments.infrastructure.comments import PAGE, PAGE_AFTER
from modules.comments.infrastructure.tables import CommentRow
from tests.sql_recorder import plan


def test_one_index_finds_and_sorts_comments_on_an_article(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/comments.db")
    CommentRow.metadata.create_all(engine)
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "comments.db")) as connection:
        page, page_after = [plan(connection, statement) for statement in (PAGE, PAGE_AFTER)]
    index = "SEARCH comments_comment USING INDEX ix_comments_comment_article_id_created_at_id"
    assert page[0] == f"{index} (article_id=?)"
    assert page_after[0] == f"{index} (article_id=? AND created_at<?)"
    # The rest sorts and reads the rows of the page.
    for rest in (page[1:], page_after[1:]):
        tables = [step for step in rest if "comments_comment" in step]
        assert tables == ["SEARCH comments_comment USING INTEGER PRIMARY KEY (rowid=?)"]
