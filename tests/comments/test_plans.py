"""Comments are found and sorted by an index, however many there are."""

import sqlite3
from contextlib import closing
from pathlib import Path

from modules.comments.infrastructure.comments import OF_ARTICLE
from tests.statements import plan


def test_an_articles_comments_are_found_and_sorted_by_one_index(migrated: Path) -> None:
    with closing(sqlite3.connect(migrated)) as connection:
        [only] = plan(connection, OF_ARTICLE)
    assert only.endswith("ix_comments_comment_article_id_created_at_id (article_id=?)")
