"""An index for batches of an author's articles, and no words of deleted articles in the table of words."""

import sqlite3

from alembic import op

revision = "0002"
down_revision = "0001"

SECURE_DELETE = "INSERT INTO search_words(search_words, rank) VALUES ('secure-delete', {value})"


def upgrade() -> None:
    """Replace the index; let FTS5 delete words at once, where it can."""
    op.drop_index("ix_search_document_author_id", "search_document")
    op.create_index("ix_search_document_author_id_article_id", "search_document", ["author_id", "article_id"])
    _set_secure_delete(1)


def downgrade() -> None:
    """Undo both."""
    _set_secure_delete(0)
    op.drop_index("ix_search_document_author_id_article_id", "search_document")
    op.create_index("ix_search_document_author_id", "search_document", ["author_id"])


def _set_secure_delete(value: int) -> None:
    # Since SQLite 3.42: https://sqlite.org/fts5.html#the_secure_delete_configuration_option.
    if op.get_context().dialect.name == "sqlite" and sqlite3.sqlite_version_info >= (3, 42):
        op.execute(SECURE_DELETE.format(value=value))
